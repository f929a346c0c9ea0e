/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * unshare and setns: the host's, but some namespaces want a process of one thread.
 */
#include "alone.h"
#include "hypercall.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>

kr_handler kr_call_unshare;
kr_handler kr_call_setns;

/* What only a process of one thread may leave. */
#define OF_ONE_THREAD ((uint64_t)(CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM))

static int64_t unshare_flags(struct kr_thread *thread, uint64_t flags)
{
	const uint64_t arg[6] = { flags };

	return kr_host_call(thread, SYS_unshare, arg);
}

/* The user namespace comes first in the kernel, too, and owns the others; those are left for when there is a VM
 * again, because a new one could not be made behind a new namespace of processes. */
int64_t kr_call_unshare(struct kr_thread *thread, const struct kr_call *call)
{
	const uint64_t first[6] = { call->arg[0] & OF_ONE_THREAD };
	int64_t result = -EINVAL;

	if ((call->arg[0] & CLONE_FILES) != 0 && !kr_may_leave_files(thread)) {
		return result;
	}
	result = unshare_flags(thread, call->arg[0]);
	if (result != -EINVAL || first[0] == 0) {
		return result;
	}
	result = kr_call_alone(thread, SYS_unshare, first);
	return result == 0 ? unshare_flags(thread, call->arg[0] & ~OF_ONE_THREAD) : result;
}

/* Mount namespaces want one user of root and working directory, namespaces of users and of time one thread. */
int64_t kr_call_setns(struct kr_thread *thread, const struct kr_call *call)
{
	int64_t result = kr_host_call(thread, SYS_setns, call->arg);

	if ((result != -EINVAL && result != -EUSERS) || !kr_is_only_thread(thread)) {
		return result;
	}
	result = unshare_flags(thread, CLONE_FS);
	if (result == 0) {
		result = kr_host_call(thread, SYS_setns, call->arg);
	}
	return result == -EINVAL || result == -EUSERS ? kr_call_alone(thread, SYS_setns, call->arg) : result;
}
