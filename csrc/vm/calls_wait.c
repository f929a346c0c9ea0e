/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Waits that replace the guest's signal mask for their time.  The mask is the guest's: the monitor applies it,
 * and the host call is made without one.
 */
#include "hypercall.h"

#include <string.h>
#include <sys/syscall.h>

kr_handler kr_call_ppoll;
kr_handler kr_call_pselect6;
kr_handler kr_call_epoll_pwait;
kr_handler kr_call_epoll_pwait2;

/* As the kernel has it in the last argument of pselect6. */
struct mask {
	uint64_t address;
	uint64_t size;
};

/* Make the call with the mask, or with the guest's own when there is none.  A mask that is no good goes to the
 * kernel, which may find something else first: `refused` is the call with it. */
static int64_t wait_with_mask(struct kr_thread *thread, int64_t nr, const uint64_t arg[6], const struct mask *from,
			      const uint64_t refused[6])
{
	uint64_t mask;

	if (from->address == 0) {
		return kr_host_call(thread, nr, arg);
	}
	if (from->size != sizeof mask || kr_copy_from_guest(&mask, from->address, sizeof mask) < 0) {
		return kr_host_call(thread, nr, refused);
	}
	return kr_host_call_masked(thread, nr, arg, mask);
}

/* The mask and its size are the arguments `at` and the next. */
static int64_t wait_with_argument(struct kr_thread *thread, int64_t nr, const struct kr_call *call, unsigned at)
{
	const struct mask mask = { call->arg[at], call->arg[at + 1] };
	uint64_t arg[6] = { 0 };
	uint64_t refused[6] = { 0 };

	memcpy(arg, call->arg, at * sizeof arg[0]);
	memcpy(refused, arg, sizeof refused);
	refused[at] = kr_stand_in(mask.address, sizeof(uint64_t));
	refused[at + 1] = mask.size;
	return wait_with_mask(thread, nr, arg, &mask, refused);
}

int64_t kr_call_ppoll(struct kr_thread *thread, const struct kr_call *call)
{
	return wait_with_argument(thread, SYS_ppoll, call, 3);
}

int64_t kr_call_pselect6(struct kr_thread *thread, const struct kr_call *call)
{
	const uint64_t *from = call->arg;
	const uint64_t arg[6] = { from[0], from[1], from[2], from[3], from[4], 0 };
	uint64_t refused[6] = { from[0], from[1], from[2], from[3], from[4], 0 };
	struct mask mask = { 0, 0 };
	struct mask nobodys;

	if (from[5] != 0 && kr_copy_from_guest(&mask, from[5], sizeof mask) < 0) {
		refused[5] = kr_stand_in(from[5], sizeof mask);
		return kr_host_call(thread, SYS_pselect6, refused);
	}
	nobodys = (struct mask){ kr_stand_in(mask.address, sizeof(uint64_t)), mask.size };
	refused[5] = (uint64_t)(uintptr_t)&nobodys;
	return wait_with_mask(thread, SYS_pselect6, arg, &mask, refused);
}

int64_t kr_call_epoll_pwait(struct kr_thread *thread, const struct kr_call *call)
{
	return wait_with_argument(thread, SYS_epoll_pwait, call, 4);
}

int64_t kr_call_epoll_pwait2(struct kr_thread *thread, const struct kr_call *call)
{
	return wait_with_argument(thread, SYS_epoll_pwait2, call, 4);
}
