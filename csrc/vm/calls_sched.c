/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sched_setattr(2), whose structure says its own size.
 */
#include "hypercall.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

kr_handler kr_call_sched_setattr;

/* The structure of the first kernel that had it, and the most that any kernel reads. */
#define SMALLEST 48u
#define LARGEST  4096u

static int64_t pass(struct kr_thread *thread, const struct kr_call *call, uint64_t attributes)
{
	return kr_host_call(thread, SYS_sched_setattr,
			    (const uint64_t[6]){ call->arg[0], attributes, call->arg[2], 0, 0, 0 });
}

int64_t kr_call_sched_setattr(struct kr_thread *thread, const struct kr_call *call)
{
	_Alignas(8) uint8_t attributes[LARGEST] = { 0 };
	uint64_t from = call->arg[1];
	uint32_t size;
	int64_t result;

	if (from == 0 || kr_copy_from_guest(&size, from, sizeof size) < 0) {
		return pass(thread, call, kr_stand_in(from, SMALLEST));
	}
	size = size == 0 ? SMALLEST : size;
	/* The kernel reads nothing but a wrong size. */
	if (size >= SMALLEST && size <= LARGEST && kr_copy_from_guest(attributes, from, size) < 0) {
		return pass(thread, call, kr_stand_in(from, SMALLEST));
	}
	/* Another thread may have changed it meanwhile. */
	memcpy(attributes, &size, sizeof size);
	result = pass(thread, call, (uint64_t)(uintptr_t)attributes);
	/* The kernel tells the size that it knows. */
	if (result == -E2BIG && kr_copy_to_guest(from, attributes, sizeof size) < 0) {
		return -EFAULT;
	}
	return result;
}
