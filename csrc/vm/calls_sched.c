/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sched_setattr(2), whose structure says its own size.
 */
#include "hypercall.h"

#include <errno.h>
#include <sys/syscall.h>

kr_handler kr_call_sched_setattr;

/* The structure of the first kernel that had it, and the most that any kernel reads. */
#define SMALLEST 48u
#define LARGEST  4096u

int64_t kr_call_sched_setattr(struct kr_thread *thread, const struct kr_call *call)
{
	_Alignas(8) uint8_t attributes[LARGEST];
	uint32_t size;

	if (kr_copy_from_guest(&size, call->arg[1], sizeof size) < 0) {
		return -EFAULT;
	}
	if (size == 0) {
		size = SMALLEST;
	}
	if (size < SMALLEST || size > LARGEST) {
		return -E2BIG;
	}
	if (kr_copy_from_guest(attributes, call->arg[1], size) < 0) {
		return -EFAULT;
	}
	/* Another thread may have changed it meanwhile. */
	__builtin_memcpy(attributes, &size, sizeof size);
	return kr_host_call(
		thread, SYS_sched_setattr,
		(const uint64_t[6]){ call->arg[0], (uint64_t)(uintptr_t)attributes, call->arg[2], 0, 0, 0 });
}
