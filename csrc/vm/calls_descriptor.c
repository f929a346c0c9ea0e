/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls on descriptors whose arguments depend on a command, or reach beyond one descriptor.
 */
#include "alone.h"
#include "hypercall.h"
#include "machine.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>

kr_handler kr_call_close;
kr_handler kr_call_close_range;
kr_handler kr_call_dup;
kr_handler kr_call_dup2;
kr_handler kr_call_dup3;
kr_handler kr_call_fcntl;

/* Commands that are newer than the C library's headers. */
#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027
#endif
#ifndef F_CREATED_QUERY
#define F_CREATED_QUERY 1028
#endif
#define F_OWNER_UIDS 17

static bool is_monitors(uint64_t fd)
{
	return fd < KR_MONITOR_FD_END && kr_is_monitor_fd((int)fd);
}

/* The range without the monitor's descriptors: one host call for each stretch between those. */
static int64_t close_others(struct kr_thread *thread, uint64_t first, uint64_t last, uint64_t flags)
{
	while (first <= last) {
		uint64_t end = first;

		if (!is_monitors(first)) {
			int64_t failed;

			while (end < last && end < KR_MONITOR_FD_END && !is_monitors(end + 1)) {
				end++;
			}
			if (end >= KR_MONITOR_FD_END) {
				end = last;
			}
			failed = kr_host_call(thread, SYS_close_range,
					      (const uint64_t[6]){ first, end, flags, 0, 0, 0 });
			if (failed != 0) {
				return failed;
			}
		}
		first = end + 1;
	}
	return 0;
}

int64_t kr_call_close_range(struct kr_thread *thread, const struct kr_call *call)
{
	const uint64_t base = (uint64_t)thread->descriptors->base;
	const uint64_t first = (uint32_t)call->arg[0];
	const uint64_t last = (uint32_t)call->arg[1];
	const uint64_t flags = call->arg[2];
	int64_t result = 0;

	if (first > last || ((flags & CLOSE_RANGE_UNSHARE) != 0 && !kr_may_leave_files(thread))) {
		return -EINVAL;
	}
	if (first < base) {
		result = close_others(thread, first, last < base ? last : base - 1, flags);
	}
	if (result == 0 && last >= base) {
		kr_machine_lock_memory(thread->machine);
		result = close_others(thread, first > base ? first : base, last, flags);
		kr_machine_unlock_memory(thread->machine);
	}
	return result;
}

/* A new processor's descriptor stands where the guest can name it until the monitor has moved it, all of that under
 * memory_lock.  What could get hold of its file, or put another in its place, takes its turn; and which numbers are
 * the monitor's is known only then. */
void kr_begin_turn(struct kr_thread *thread)
{
	kr_machine_lock_memory(thread->machine);
}

void kr_end_turn(struct kr_thread *thread)
{
	kr_machine_unlock_memory(thread->machine);
}

/* The first `count` arguments are descriptors. */
static int64_t pass_in_turn(struct kr_thread *thread, int64_t nr, const uint64_t arg[6], unsigned count)
{
	int64_t result = 0;

	kr_begin_turn(thread);
	for (unsigned i = 0; i < count && result == 0; i++) {
		result = kr_is_monitor_fd((int)(uint32_t)arg[i]) ? -EBADF : 0;
	}
	if (result == 0) {
		result = kr_host_call(thread, nr, arg);
	}
	kr_end_turn(thread);
	return result;
}

int64_t kr_call_dup(struct kr_thread *thread, const struct kr_call *call)
{
	return pass_in_turn(thread, SYS_dup, call->arg, 1);
}

/* Whether to close the last descriptor of a file may take its time: a socket lingers, a terminal drains.  What may
 * be locked is none of these, because to close any descriptor of it gives the locks up. */
static bool may_linger(int fd)
{
	struct stat file;

	return fstat(fd, &file) == 0 && (S_ISSOCK(file.st_mode) || S_ISCHR(file.st_mode));
}

/* The file that the new one replaces is held until others may have their turn. */
static int64_t replace_in_turn(struct kr_thread *thread, int64_t nr, const uint64_t arg[6])
{
	const int replaced = (int)(uint32_t)arg[1];
	int held = may_linger(replaced) ? kr_hold_file(thread, replaced) : -1;
	int64_t result = pass_in_turn(thread, nr, arg, 2);

	if (held >= 0) {
		kr_release_file(thread, held);
	}
	return result;
}

/* What the monitor has just taken over was nobody's when the call was checked, and must not be closed: another of
 * the guest's could be put there, and pass for what the monitor has looked at. */
int64_t kr_call_close(struct kr_thread *thread, const struct kr_call *call)
{
	const int fd = (int)(uint32_t)call->arg[0];
	int64_t result;
	int held;

	if (fd < thread->descriptors->base) {
		return kr_host_call(thread, SYS_close, call->arg);
	}
	held = may_linger(fd) ? kr_hold_file(thread, fd) : -1;
	result = pass_in_turn(thread, SYS_close, call->arg, 1);
	if (held >= 0) {
		kr_release_file(thread, held);
	}
	return result;
}

int64_t kr_call_dup2(struct kr_thread *thread, const struct kr_call *call)
{
	return replace_in_turn(thread, SYS_dup2, call->arg);
}

int64_t kr_call_dup3(struct kr_thread *thread, const struct kr_call *call)
{
	return replace_in_turn(thread, SYS_dup3, call->arg);
}

int kr_hold_file(struct kr_thread *thread, int fd)
{
	int held;

	kr_machine_lock_memory(thread->machine);
	held = kr_is_monitor_fd(fd) ? -EBADF : kr_descriptors_copy(thread->descriptors, fd);
	kr_machine_unlock_memory(thread->machine);
	return held;
}

void kr_release_file(struct kr_thread *thread, int held)
{
	kr_descriptors_close(thread->descriptors, held);
}

/* What the third argument of a command is: a number, or a pointer to so many bytes. */
static int pointed_size(int command, uint64_t *size)
{
	switch (command) {
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		*size = sizeof(struct flock);
		return 0;
	case F_GETOWN_EX:
	case F_SETOWN_EX:
		*size = sizeof(struct f_owner_ex);
		return 0;
	case F_OWNER_UIDS:
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
	case F_GET_FILE_RW_HINT:
	case F_SET_FILE_RW_HINT:
		*size = 8;
		return 0;
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
	case F_DUPFD_QUERY:
	case F_CREATED_QUERY:
	case F_GETFD:
	case F_SETFD:
	case F_GETFL:
	case F_SETFL:
	case F_GETOWN:
	case F_SETOWN:
	case F_GETSIG:
	case F_SETSIG:
	case F_GETLEASE:
	case F_SETLEASE:
	case F_NOTIFY:
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
	case F_ADD_SEALS:
	case F_GET_SEALS:
		*size = 0;
		return 0;
	default:
		return -EINVAL;
	}
}

int64_t kr_call_fcntl(struct kr_thread *thread, const struct kr_call *call)
{
	int command = (int)(uint32_t)call->arg[1];
	uint64_t arg[6] = { call->arg[0], call->arg[1], call->arg[2], 0, 0, 0 };
	uint64_t size;
	int failed = pointed_size(command, &size);

	if (failed != 0) {
		return fcntl((int)(uint32_t)call->arg[0], F_GETFD) < 0 ? -errno : failed;
	}
	if (!kr_guest_has(call->arg[2], size)) {
		arg[2] = kr_stand_in(call->arg[2], size);
	}
	if (command == F_DUPFD_QUERY && kr_is_monitor_fd((int)(uint32_t)call->arg[2])) {
		return -EBADF;
	}
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
		return pass_in_turn(thread, SYS_fcntl, arg, 1);
	}
	return kr_host_call(thread, SYS_fcntl, arg);
}
