/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls that look into a process, and are served for the calling one: kcmp(2), process_vm_readv(2) and
 * process_vm_writev(2), by which programs touch memory of their own that may not be there, and move_pages(2).
 */
#include "../base/kernel.h"
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
kr_handler kr_call_move_pages;

#define NOBODY UINT32_MAX
#define PAGES  512u /* whose addresses are copied at once */

/* A process is named by any of its threads. */
static bool is_own(uint64_t pid)
{
	return (int)pid > 0 && syscall(SYS_tgkill, getpid(), (int)pid, 0) == 0;
}

static bool is_there(int pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
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
		/* The thread that was named may end, and its number become another process's. */
		arg[0] = (uint64_t)kr_sys_gettid();
		return kr_host_call(thread, nr, arg);
	}
	arg[0] = 0;
	result = kr_host_call(thread, nr, arg);
	return result == -ESRCH && is_there(pid) ? -EPERM : result;
}

int64_t kr_call_process_vm_readv(struct kr_thread *thread, const struct kr_call *call)
{
	return copy_within(thread, call, SYS_process_vm_readv);
}

int64_t kr_call_process_vm_writev(struct kr_thread *thread, const struct kr_call *call)
{
	return copy_within(thread, call, SYS_process_vm_writev);
}

static uint64_t checked(uint64_t address, uint64_t size)
{
	return address == 0 || kr_guest_has(address, size) ? address : kr_stand_in(address, size);
}

/* The pages `done` … `done + size` of a call.  What is not the guest's is nobody's. */
static int64_t move_some(struct kr_thread *thread, const struct kr_call *call, uint64_t done, uint64_t size)
{
	uint64_t pages[PAGES];
	const uint64_t nodes = call->arg[3] != 0 ? call->arg[3] + done * sizeof(int) : 0;
	const uint64_t status = call->arg[4] + done * sizeof(int);

	if (kr_copy_from_guest(pages, call->arg[2] + done * sizeof pages[0], size * sizeof pages[0]) < 0) {
		return -EFAULT;
	}
	for (uint64_t i = 0; i < size; i++) {
		pages[i] = kr_guest_has(pages[i], 1) ? pages[i] : 0;
	}
	return kr_host_call(thread, SYS_move_pages,
			    (const uint64_t[6]){ 0, size, (uint64_t)(uintptr_t)pages,
						 checked(nodes, size * sizeof(int)),
						 checked(status, size * sizeof(int)), call->arg[5] });
}

/* The number of pages that could not be moved, of all parts. */
int64_t kr_call_move_pages(struct kr_thread *thread, const struct kr_call *call)
{
	const int pid = (int)call->arg[0];
	const uint64_t count = call->arg[1];
	int64_t left = 0;

	if (pid != 0 && !is_own(call->arg[0])) {
		/* Asked about nobody, the kernel says what else is wrong. */
		const uint64_t nobodys[6] = { NOBODY, count, 0, 0, 0, call->arg[5] };
		int64_t result = kr_host_call(thread, SYS_move_pages, nobodys);

		return result == -ESRCH && is_there(pid) ? -EPERM : result;
	}
	for (uint64_t done = 0; done < count || count == 0;) {
		uint64_t size = count - done < PAGES ? count - done : PAGES;
		int64_t some = move_some(thread, call, done, size);

		if (some < 0 || count == 0) {
			return some;
		}
		left += some;
		done += size;
	}
	return left;
}
