/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fsconfig(2), whose value is what its command says.
 */
#include "hypercall.h"

#include <errno.h>
#include <linux/mount.h>
#include <sys/syscall.h>

kr_handler kr_call_fsconfig;

/* As long as a binary value may be. */
#define MAX_BINARY (1024 * 1024)

int64_t kr_call_fsconfig(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_scratch scratch;
	uint64_t arg[6];
	int size = (int)(uint32_t)call->arg[4];
	int failed = 0;

	for (int i = 0; i < 6; i++) {
		arg[i] = call->arg[i];
	}
	KR_SCRATCH_INIT(&scratch);
	if (arg[2] != 0) {
		failed = kr_check_text(&scratch, &arg[2]);
	}
	if (failed != 0) {
		return failed;
	}
	switch ((uint32_t)call->arg[1]) {
	case FSCONFIG_SET_FLAG:
	case FSCONFIG_CMD_CREATE:
	case FSCONFIG_CMD_RECONFIGURE:
		break;
	case FSCONFIG_SET_FD:
		failed = kr_is_monitor_fd(size) ? -EBADF : 0;
		break;
	case FSCONFIG_SET_BINARY:
		if (size <= 0 || size > MAX_BINARY) {
			return -EINVAL;
		}
		if (!kr_guest_has(arg[3], (uint64_t)size)) {
			arg[3] = kr_stand_in(arg[3], (uint64_t)size);
		}
		break;
	case FSCONFIG_SET_PATH:
	case FSCONFIG_SET_PATH_EMPTY:
		failed = kr_is_monitor_fd(size) ? -EBADF : kr_check_text(&scratch, &arg[3]);
		break;
	case FSCONFIG_SET_STRING:
		failed = kr_check_text(&scratch, &arg[3]);
		break;
	default:
		/* The kernel does not know it, or it is not known here what it points to. */
		arg[3] = kr_stand_in(arg[3], 1);
		break;
	}
	return failed != 0 ? failed : kr_host_call(thread, SYS_fsconfig, arg);
}
