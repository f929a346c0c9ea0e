/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "own_proc.h"

#include "../base/fd.h"
#include "machine.h"
#include "maps.h"
#include "own_status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_component(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(text, word, length) == 0;
}

/* Cut the last component off `path`, whose length is *length; its beginning. */
static const char *cut(const char *path, size_t *length, size_t *part)
{
	size_t at = *length;

	while (at > 0 && path[at - 1] != '/') {
		at--;
	}
	*part = *length - at;
	*length = at > 0 ? at - 1 : 0;
	return path + at;
}

enum kr_own_file kr_own_file_named(const char *path)
{
	static const struct {
		const char *name;
		enum kr_own_file kind;
	} files[] = { { "maps", KR_OWN_MAPS },           { "smaps", KR_OWN_SMAPS },
		      { "smaps_rollup", KR_OWN_ROLLUP }, { "numa_maps", KR_OWN_NUMA_MAPS },
		      { "stat", KR_OWN_STAT },           { "statm", KR_OWN_STATM },
		      { "status", KR_OWN_STATUS },       { "limits", KR_OWN_LIMITS },
		      { "syscall", KR_OWN_SYSCALL } };
	size_t length = strlen(path);
	size_t part;
	const char *last = cut(path, &length, &part);
	enum kr_own_file kind = KR_OWN_NONE;
	const char *number;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		kind = is_component(last, part, files[i].name) ? files[i].kind : kind;
	}
	if (kind == KR_OWN_NONE) {
		return kind;
	}
	number = cut(path, &length, &part);
	last = cut(path, &length, &part);
	if (is_component(last, part, "task")) {
		number = cut(path, &length, &part);
	}
	return strtol(number, NULL, 10) == getpid() ? kind : KR_OWN_NONE;
}

/* What the kernel says in the file `name` of the monitor's procfs, or of the guest's. */
static int open_host(const struct kr_machine *machine, const char *name)
{
	char path[48];

	(void)snprintf(path, sizeof path, "%s%s", machine->proc < 0 ? "/proc/" : "", name);
	return openat(machine->proc, path, O_RDONLY | O_CLOEXEC);
}

/* Looked at once: the monitor's memory hardly changes. */
static void look_at_own(struct kr_machine *machine)
{
	kr_own_fd int host = machine->has_looked ? -1 : open_host(machine, "self/smaps");
	struct kr_text_in in = { .fd = host };

	if (host >= 0) {
		kr_smaps_count_own(&in, &machine->own);
		machine->has_looked = true;
	}
}

/* What is told of mappings one by one. */
static bool write_mappings(enum kr_own_file kind, struct kr_text_in *in, struct kr_text_out *out,
			   struct kr_machine *machine)
{
	switch (kind) {
	case KR_OWN_MAPS:
		kr_maps_write(in, out, machine);
		return true;
	case KR_OWN_SMAPS:
		kr_smaps_write(in, out, machine);
		return true;
	case KR_OWN_ROLLUP:
		kr_smaps_write_rollup(in, out);
		return true;
	case KR_OWN_NUMA_MAPS:
		kr_maps_write_numa(in, out);
		return true;
	default:
		return false;
	}
}

/* memory_lock is held. */
static void write_numbers(enum kr_own_file kind, struct kr_text_in *in, struct kr_text_out *out,
			  const struct kr_thread *thread)
{
	const struct kr_resident *own = &thread->machine->own;

	switch (kind) {
	case KR_OWN_STAT:
		kr_own_write_stat(in, out, thread, own);
		break;
	case KR_OWN_STATM:
		kr_own_write_statm(in, out, thread, own);
		break;
	case KR_OWN_STATUS:
		kr_own_write_status(in, out, thread, own);
		break;
	case KR_OWN_LIMITS:
		kr_own_write_limits(in, out, thread);
		break;
	default:
		/* KR_OWN_SYSCALL: as the kernel says of who is not waiting in a call. */
		kr_text_put(out, "running\n");
		break;
	}
}

int kr_own_file_snapshot(struct kr_thread *thread, enum kr_own_file kind, int file)
{
	struct kr_machine *machine = thread->machine;
	char name[40] = "self/smaps";
	kr_own_fd int host = -1;
	int made;

	if (kind != KR_OWN_ROLLUP) {
		(void)snprintf(name, sizeof name, "thread-self/fd/%d", file);
	}
	host = open_host(machine, name);
	made = host >= 0 ? memfd_create("own", MFD_CLOEXEC) : -1;
	if (made < 0) {
		return -errno;
	}
	made = kr_descriptors_hold(thread, made);
	if (made < 0) {
		return made;
	}
	struct kr_text_in in = { .fd = host };
	struct kr_text_out out = { .fd = made };

	if (!write_mappings(kind, &in, &out, machine)) {
		kr_machine_lock_memory(machine);
		look_at_own(machine);
		write_numbers(kind, &in, &out, thread);
		kr_machine_unlock_memory(machine);
	}
	kr_text_flush(&out);
	return made;
}
