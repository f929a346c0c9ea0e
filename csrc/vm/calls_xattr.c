/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * setxattrat(2) and getxattrat(2), whose value is in a structure.
 */
#include "hypercall.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

kr_handler kr_call_setxattrat;
kr_handler kr_call_getxattrat;

#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#endif
#ifndef SYS_getxattrat
#define SYS_getxattrat 464
#endif

#define MOST 4096u /* the kernel takes no longer structure, of whatever future */

/* The beginning of every version. */
struct value {
	uint64_t address;
	uint32_t size;
	uint32_t flags;
};

/* Arguments: directory, path, flags, name, structure and its size.  What is wrong with the size the kernel says. */
static int64_t pass(struct kr_thread *thread, const struct kr_call *call, int64_t nr)
{
	_Alignas(struct value) uint8_t copy[MOST];
	struct kr_scratch scratch;
	struct value value;
	const uint64_t size = call->arg[5];
	uint64_t arg[6];

	memcpy(arg, call->arg, sizeof arg);
	KR_SCRATCH_INIT(&scratch);
	if ((arg[1] != 0 && kr_check_text(&scratch, &arg[1]) < 0) || kr_check_text(&scratch, &arg[3]) < 0) {
		return -ENOMEM;
	}
	arg[4] = kr_stand_in(arg[4], size);
	if (size >= sizeof value && size <= sizeof copy && kr_copy_from_guest(copy, call->arg[4], size) == 0) {
		memcpy(&value, copy, sizeof value);
		if (value.address != 0 && !kr_guest_has(value.address, value.size)) {
			value.address = kr_stand_in(value.address, value.size);
		}
		memcpy(copy, &value, sizeof value);
		arg[4] = (uint64_t)(uintptr_t)copy;
	}
	return kr_host_call(thread, nr, arg);
}

int64_t kr_call_setxattrat(struct kr_thread *thread, const struct kr_call *call)
{
	return pass(thread, call, SYS_setxattrat);
}

int64_t kr_call_getxattrat(struct kr_thread *thread, const struct kr_call *call)
{
	return pass(thread, call, SYS_getxattrat);
}
