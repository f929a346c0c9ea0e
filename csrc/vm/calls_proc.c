/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What /proc and uname(2) show of the payload instead of the monitor: links to the program, listings without
 * the monitor's descriptors, the release.
 */
#include "guard.h"
#include "hypercall.h"
#include "running.h"
#include "thread.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

kr_handler kr_call_readlink;
kr_handler kr_call_readlinkat;
kr_handler kr_call_getdents;
kr_handler kr_call_getdents64;
kr_handler kr_call_uname;

#define RELEASE_MARK ".kontain.KVM"
/* One read of a directory; a longer one is cut, as the kernel may do too. */
#define LISTING_SIZE 32768u

static int64_t put_link(uint64_t to, const char *text, int64_t length, uint64_t size)
{
	if (length > (int32_t)size) {
		length = (int32_t)size;
	}
	return kr_copy_to_guest(to, text, (size_t)length) < 0 ? -EFAULT : length;
}

static int64_t read_link(struct kr_thread *thread, int directory, uint64_t from, uint64_t to, uint64_t size)
{
	char path[PATH_MAX];
	char target[PATH_MAX];
	const char *shown = target;
	int64_t length = kr_copy_string(path, from, sizeof path);

	if (length < 0) {
		return length;
	}
	if ((int32_t)size <= 0) {
		return -EINVAL;
	}
	length = kr_running_name(thread->machine, directory, path, target);
	if (length > 0) {
		return put_link(to, target, length, size);
	}
	length = readlinkat(directory, path, target, sizeof target);
	if (length < 0) {
		return -errno;
	}
	if (length > 0 && target[0] == '/' && kr_is_link_to_image(thread, directory, path)) {
		shown = kr_program_path(thread);
		length = (int64_t)strlen(shown);
	}
	return put_link(to, shown, length, size);
}

int64_t kr_call_readlink(struct kr_thread *thread, const struct kr_call *call)
{
	return read_link(thread, AT_FDCWD, call->arg[0], call->arg[1], call->arg[2]);
}

int64_t kr_call_readlinkat(struct kr_thread *thread, const struct kr_call *call)
{
	return read_link(thread, (int)(uint32_t)call->arg[0], call->arg[1], call->arg[2], call->arg[3]);
}

/* An entry of map_files: "start-end", of no mapping of the guest. */
static bool is_monitors_mapping(const char *name, uint8_t type)
{
	char *end;
	uint64_t start = strtoull(name, &end, 16);

	return type == DT_LNK && end != name && *end == '-' && isxdigit((unsigned char)end[1]) &&
	       !kr_guest_has(start, 1);
}

/* An entry of a procfs directory that stands for one of the monitor's descriptors or mappings: numbers are links in
 * fd, files in fdinfo, and directories everywhere else. */
static bool is_monitors_entry(const char *name, uint8_t type)
{
	char *end;
	long number;

	if (is_monitors_mapping(name, type)) {
		return true;
	}
	if (type == DT_DIR || !isdigit((unsigned char)name[0])) {
		return false;
	}
	number = strtol(name, &end, 10);
	return *end == 0 && number < KR_MONITOR_FD_END && kr_is_monitor_fd((int)number);
}

/* Where an entry's name begins, the same in both forms but for the type: getdents64(2) has it before the name,
 * getdents(2) in the entry's last byte. */
struct form {
	int64_t nr;
	size_t name;
};

static size_t drop_monitors_entries(char *entries, size_t size, const struct form *form)
{
	size_t kept = 0;

	for (size_t at = 0; at < size;) {
		uint16_t length;
		uint8_t type;

		memcpy(&length, &entries[at + 16], sizeof length);
		type = (uint8_t)(form->nr == SYS_getdents64 ? entries[at + 18] : entries[at + length - 1]);
		if (!is_monitors_entry(&entries[at + form->name], type)) {
			memmove(&entries[kept], &entries[at], length);
			kept += length;
		}
		at += length;
	}
	return kept;
}

static int64_t read_directory(struct kr_thread *thread, const struct kr_call *call, const struct form *form)
{
	char entries[LISTING_SIZE];
	uint64_t size = (uint32_t)call->arg[2] < sizeof entries ? (uint32_t)call->arg[2] : sizeof entries;
	const uint64_t arg[6] = { call->arg[0], (uint64_t)(uintptr_t)entries, size, 0, 0, 0 };

	if (!kr_is_on_procfs((int)(uint32_t)call->arg[0])) {
		return kr_host_call(thread, form->nr, call->arg);
	}
	for (;;) {
		off_t before = lseek((int)(uint32_t)call->arg[0], 0, SEEK_CUR);
		int64_t got = kr_host_call(thread, form->nr, arg);
		size_t kept;

		if (got <= 0) {
			return got;
		}
		kept = drop_monitors_entries(entries, (size_t)got, form);
		/* Nothing left is not the end: there may be more. */
		if (kept > 0) {
			if (kr_copy_to_guest(call->arg[1], entries, kept) == 0) {
				return (int64_t)kept;
			}
			(void)lseek((int)(uint32_t)call->arg[0], before, SEEK_SET);
			return -EFAULT;
		}
	}
}

int64_t kr_call_getdents(struct kr_thread *thread, const struct kr_call *call)
{
	static const struct form old = { .nr = SYS_getdents, .name = 18 };

	return read_directory(thread, call, &old);
}

int64_t kr_call_getdents64(struct kr_thread *thread, const struct kr_call *call)
{
	static const struct form new = { .nr = SYS_getdents64, .name = 19 };

	return read_directory(thread, call, &new);
}

int64_t kr_call_uname(struct kr_thread *thread, const struct kr_call *call)
{
	struct utsname names;
	size_t length;

	(void)thread;
	if (uname(&names) < 0) {
		return -errno;
	}
	/* A host's release that is too long loses its end, not the mark. */
	length = strlen(names.release);
	if (length > sizeof names.release - sizeof RELEASE_MARK) {
		length = sizeof names.release - sizeof RELEASE_MARK;
	}
	memcpy(&names.release[length], RELEASE_MARK, sizeof RELEASE_MARK);
	return kr_copy_to_guest(call->arg[0], &names, sizeof names) < 0 ? -EFAULT : 0;
}
