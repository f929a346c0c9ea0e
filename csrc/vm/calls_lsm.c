/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lsm_get_self_attr(2) and lsm_list_modules(2), which read the size of their room from memory.
 */
#include "hypercall.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

kr_handler kr_call_lsm_get_self_attr;
kr_handler kr_call_lsm_list_modules;

#ifndef SYS_lsm_get_self_attr
#define SYS_lsm_get_self_attr 459
#endif
#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules 461
#endif

/* The room is the argument `at`, its size behind the next. */
static int64_t pass(struct kr_thread *thread, const struct kr_call *call, int64_t nr, unsigned at)
{
	uint64_t arg[6];
	uint32_t size;
	int64_t result;

	memcpy(arg, call->arg, sizeof arg);
	if (kr_copy_from_guest(&size, arg[at + 1], sizeof size) < 0) {
		arg[at + 1] = kr_stand_in(arg[at + 1], sizeof size);
		return kr_host_call(thread, nr, arg);
	}
	if (arg[at] != 0 && !kr_guest_has(arg[at], size)) {
		arg[at] = kr_stand_in(arg[at], size);
	}
	arg[at + 1] = (uint64_t)(uintptr_t)&size;
	result = kr_host_call(thread, nr, arg);
	/* The kernel writes the size whatever else is wrong, but for the arguments. */
	if (result != -EINVAL && kr_copy_to_guest(call->arg[at + 1], &size, sizeof size) < 0) {
		return -EFAULT;
	}
	return result;
}

int64_t kr_call_lsm_get_self_attr(struct kr_thread *thread, const struct kr_call *call)
{
	return pass(thread, call, SYS_lsm_get_self_attr, 1);
}

int64_t kr_call_lsm_list_modules(struct kr_thread *thread, const struct kr_call *call)
{
	return pass(thread, call, SYS_lsm_list_modules, 0);
}
