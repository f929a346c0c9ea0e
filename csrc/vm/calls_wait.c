/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Waits that replace the guest's signal mask for their time.  The mask is the guest's: the monitor applies it,
 * and the host call is made without one.
 */
#include "hypercall.h"

#include <errno.h>
#include <sys/syscall.h>

kr_handler kr_call_ppoll;
kr_handler kr_call_pselect6;
kr_handler kr_call_epoll_pwait;
kr_handler kr_call_epoll_pwait2;

/* Make the call with the mask at `address`, or with the guest's own when that is NULL. */
static int64_t wait_with_mask(struct kr_thread *thread, int64_t nr, const uint64_t arg[6], uint64_t address,
			      uint64_t size)
{
	uint64_t mask;

	if (address == 0) {
		return kr_host_call(thread, nr, arg);
	}
	if (size != sizeof mask) {
		return -EINVAL;
	}
	if (kr_copy_from_guest(&mask, address, sizeof mask) < 0) {
		return -EFAULT;
	}
	return kr_host_call_masked(thread, nr, arg, mask);
}

int64_t kr_call_ppoll(struct kr_thread *thread, const struct kr_call *call)
{
	const uint64_t arg[6] = { call->arg[0], call->arg[1], call->arg[2], 0, 0, 0 };

	return wait_with_mask(thread, SYS_ppoll, arg, call->arg[3], call->arg[4]);
}

int64_t kr_call_pselect6(struct kr_thread *thread, const struct kr_call *call)
{
	const uint64_t arg[6] = { call->arg[0], call->arg[1], call->arg[2], call->arg[3], call->arg[4], 0 };
	struct {
		uint64_t address;
		uint64_t size;
	} mask = { 0, 0 };

	if (call->arg[5] != 0 && kr_copy_from_guest(&mask, call->arg[5], sizeof mask) < 0) {
		return -EFAULT;
	}
	return wait_with_mask(thread, SYS_pselect6, arg, mask.address, mask.size);
}

int64_t kr_call_epoll_pwait(struct kr_thread *thread, const struct kr_call *call)
{
	const uint64_t arg[6] = { call->arg[0], call->arg[1], call->arg[2], call->arg[3], 0, 0 };

	return wait_with_mask(thread, SYS_epoll_pwait, arg, call->arg[4], call->arg[5]);
}

int64_t kr_call_epoll_pwait2(struct kr_thread *thread, const struct kr_call *call)
{
	const uint64_t arg[6] = { call->arg[0], call->arg[1], call->arg[2], call->arg[3], 0, 0 };

	return wait_with_mask(thread, SYS_epoll_pwait2, arg, call->arg[4], call->arg[5]);
}
