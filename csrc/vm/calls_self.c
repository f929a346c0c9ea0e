/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls that look into a process, and are served for the calling one: kcmp(2), and process_vm_readv(2) and
 * process_vm_writev(2), by which programs touch memory of their own that may not be there.
 */
#include "hypercall.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

kr_handler kr_call_kcmp;
kr_handler kr_call_process_vm_readv;
kr_handler kr_call_process_vm_writev;

/* A process is named by any of its threads. */
static bool is_own(uint64_t pid)
{
	return (int)pid > 0 && syscall(SYS_tgkill, getpid(), (int)pid, 0) == 0;
}

static bool is_monitors(uint64_t pid, uint64_t fd)
{
	return fd <= INT32_MAX && kr_is_monitor_fd((int)fd) && is_own(pid);
}

static int64_t compare_in_epoll(struct kr_thread *thread, uint64_t arg[6])
{
	struct kcmp_epoll_slot slot;

	if (kr_copy_from_guest(&slot, arg[4], sizeof slot) < 0) {
		arg[4] = kr_stand_in(arg[4], sizeof slot);
	} else if (is_monitors(arg[1], slot.efd)) {
		return -EBADF;
	} else {
		arg[4] = (uint64_t)(uintptr_t)&slot;
	}
	return kr_host_call(thread, SYS_kcmp, arg);
}

int64_t kr_call_kcmp(struct kr_thread *thread, const struct kr_call *call)
{
	uint64_t arg[6];

	memcpy(arg, call->arg, sizeof arg);
	switch ((int)arg[2]) {
	case KCMP_FILE:
		if (is_monitors(arg[0], arg[3]) || is_monitors(arg[1], arg[4])) {
			return -EBADF;
		}
		return kr_host_call(thread, SYS_kcmp, arg);
	case KCMP_EPOLL_TFD:
		return is_monitors(arg[0], arg[3]) ? -EBADF : compare_in_epoll(thread, arg);
	case KCMP_VM:
	case KCMP_FILES:
	case KCMP_FS:
	case KCMP_SIGHAND:
	case KCMP_IO:
	case KCMP_SYSVSEM:
		return kr_host_call(thread, SYS_kcmp, arg);
	default:
		return -EINVAL;
	}
}

/* Both lists of vectors are checked copies.  Of another process, the kernel is asked about nobody, and says what
 * else is wrong. */
static int64_t copy_within(struct kr_thread *thread, const struct kr_call *call, int64_t nr)
{
	const int pid = (int)call->arg[0];
	uint64_t arg[6];
	int64_t result;

	memcpy(arg, call->arg, sizeof arg);
	if (is_own(call->arg[0])) {
		return kr_host_call(thread, nr, arg);
	}
	arg[0] = 0;
	result = kr_host_call(thread, nr, arg);
	if (result == -ESRCH && pid > 0 && (kill(pid, 0) == 0 || errno == EPERM)) {
		return -EPERM;
	}
	return result;
}

int64_t kr_call_process_vm_readv(struct kr_thread *thread, const struct kr_call *call)
{
	return copy_within(thread, call, SYS_process_vm_readv);
}

int64_t kr_call_process_vm_writev(struct kr_thread *thread, const struct kr_call *call)
{
	return copy_within(thread, call, SYS_process_vm_writev);
}
