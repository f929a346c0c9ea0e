/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The calls that open files.  Which files those may be is guard.c's.
 */
#include "guard.h"
#include "hypercall.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

kr_handler kr_call_open;
kr_handler kr_call_openat;
kr_handler kr_call_openat2;
kr_handler kr_call_creat;

/* The flags that open(2) knows; it ignores all others, where openat2(2) fails. */
#define KNOWN_FLAGS \
	((uint64_t)(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | \
		    O_DIRECT | 0100000 /* the kernel's O_LARGEFILE */ | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | \
		    O_CLOEXEC | O_PATH | O_TMPFILE))
#define PATH_FLAGS ((uint64_t)(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC))

static int64_t open_path(struct kr_thread *thread, int directory, uint64_t path, uint64_t flags, uint64_t mode)
{
	struct open_how how = { .flags = (uint32_t)flags & KNOWN_FLAGS };
	char copy[PATH_MAX];
	int64_t length = kr_copy_string(copy, path, sizeof copy);

	if (length < 0) {
		return length;
	}
	if ((how.flags & O_PATH) != 0) {
		how.flags &= PATH_FLAGS;
	}
	if ((how.flags & O_CREAT) != 0 || (how.flags & O_TMPFILE) == O_TMPFILE) {
		how.mode = mode & 07777;
	}
	return kr_guarded_open(thread, directory, copy, &how);
}

int64_t kr_call_open(struct kr_thread *thread, const struct kr_call *call)
{
	return open_path(thread, AT_FDCWD, call->arg[0], call->arg[1], call->arg[2]);
}

int64_t kr_call_openat(struct kr_thread *thread, const struct kr_call *call)
{
	return open_path(thread, (int)(uint32_t)call->arg[0], call->arg[1], call->arg[2], call->arg[3]);
}

int64_t kr_call_creat(struct kr_thread *thread, const struct kr_call *call)
{
	return open_path(thread, AT_FDCWD, call->arg[0], O_CREAT | O_WRONLY | O_TRUNC, call->arg[1]);
}

int64_t kr_call_openat2(struct kr_thread *thread, const struct kr_call *call)
{
	struct open_how how;
	uint64_t size = call->arg[3];
	unsigned char beyond[PATH_MAX];
	char path[PATH_MAX];
	int64_t length;

	if (size < sizeof how) {
		return -EINVAL;
	}
	if (size > sizeof how + sizeof beyond) {
		return -E2BIG;
	}
	if (kr_copy_from_guest(&how, call->arg[2], sizeof how) < 0 ||
	    kr_copy_from_guest(beyond, call->arg[2] + sizeof how, size - sizeof how) < 0) {
		return -EFAULT;
	}
	/* A longer structure is of a newer kernel: good as long as it asks for nothing unknown. */
	for (uint64_t i = 0; i < size - sizeof how; i++) {
		if (beyond[i] != 0) {
			return -E2BIG;
		}
	}
	if ((how.flags & ~KNOWN_FLAGS) != 0) {
		return -EINVAL;
	}
	if ((how.mode & ~07777ull) != 0) {
		return -EINVAL;
	}
	if (how.mode != 0 && (how.flags & O_CREAT) == 0 && (how.flags & O_TMPFILE) != O_TMPFILE) {
		return -EINVAL;
	}
	length = kr_copy_string(path, call->arg[1], sizeof path);
	return length < 0 ? length : kr_guarded_open(thread, (int)(uint32_t)call->arg[0], path, &how);
}
