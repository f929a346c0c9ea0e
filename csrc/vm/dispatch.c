/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From a hypercall to its result: the guest's seccomp, then the table.
 */
#include "hypercall.h"
#include "seccomp.h"

#include <errno.h>
#include <linux/audit.h>

/* The largest errno that a filter can return, as the kernel has it. */
#define MAX_ERRNO 4095u

const struct kr_entry *kr_call_find(int64_t nr)
{
	size_t low = 0;
	size_t high = kr_call_table_size;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (kr_call_table[middle].nr == nr) {
			return &kr_call_table[middle];
		}
		if (kr_call_table[middle].nr < nr) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

enum kr_restart kr_call_restart(int64_t nr)
{
	const struct kr_entry *entry = kr_call_find(nr);

	return entry != NULL ? (enum kr_restart)entry->restart : KR_RESTART_NEVER;
}

int64_t kr_forward(struct kr_thread *thread, const struct kr_call *call)
{
	const struct kr_entry *entry = kr_call_find(call->nr);
	struct kr_scratch scratch;
	uint64_t host[6];
	int failed;

	if (entry == NULL) {
		return -ENOSYS;
	}
	KR_SCRATCH_INIT(&scratch);
	failed = kr_check_args(entry, call, &scratch, host);
	return failed != 0 ? failed : kr_host_call(thread, call->nr, host);
}

/* Check, then let the handler do it.  Its spans are the guest's or nobody's; what else it reads it copies for
 * itself. */
static int64_t emulate(struct kr_thread *thread, const struct kr_call *call, const struct kr_entry *entry)
{
	struct kr_call checked = *call;
	struct kr_scratch scratch;
	int failed;

	KR_SCRATCH_INIT(&scratch);
	failed = kr_check_args(entry, call, &scratch, checked.arg);
	return failed != 0 ? failed : entry->handler(thread, &checked);
}

/* Without a listener the kernel says ENOSYS.  So does the monitor of a call that an agent could let go on where it
 * must not: `create` refuses profiles that name one which the table has. */
static bool may_notify(const struct kr_call *call, const struct kr_filter *by)
{
	const struct kr_entry *entry = kr_call_find(call->nr);

	return by != NULL && by->has_listener && entry != NULL && entry->notifies;
}

/* Ask the guest's filters.  True when the call may go on; else *result is what the guest gets. */
static bool is_allowed(struct kr_thread *thread, const struct kr_call *call, int64_t *result)
{
	const struct kr_seccomp *seccomp = kr_thread_seccomp(thread);
	struct seccomp_data data = {
		.nr = (int)call->nr,
		.arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = call->ip,
	};
	const struct kr_filter *by;
	uint32_t verdict;
	uint32_t value;

	if (!seccomp->strict && __atomic_load_n(&seccomp->filters, __ATOMIC_ACQUIRE) == NULL) {
		return true;
	}
	for (int i = 0; i < 6; i++) {
		data.args[i] = call->arg[i];
	}
	verdict = kr_seccomp_run(seccomp, &data, &by);
	value = verdict & SECCOMP_RET_DATA;
	switch (verdict & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return true;
	case SECCOMP_RET_ERRNO:
		*result = -(int64_t)(value < MAX_ERRNO ? value : MAX_ERRNO);
		return false;
	case SECCOMP_RET_TRAP:
		/* As the kernel rolls the call back, the handler of SIGSYS finds its number in RAX. */
		kr_seccomp_trap(thread, call, (uint16_t)value);
		*result = call->nr;
		return false;
	case SECCOMP_RET_USER_NOTIF:
		*result = may_notify(call, by) ? kr_seccomp_notify(thread, call) : -ENOSYS;
		return false;
	case SECCOMP_RET_TRACE:
		/* What the kernel says without a tracer, and here there is none. */
		*result = -ENOSYS;
		return false;
	case SECCOMP_RET_KILL_THREAD:
		kr_seccomp_kill(thread, false);
		*result = -ENOSYS;
		return false;
	default:
		kr_seccomp_kill(thread, true);
		*result = -ENOSYS;
		return false;
	}
}

int64_t kr_dispatch(struct kr_thread *thread, const struct kr_call *call)
{
	const struct kr_entry *entry;
	int64_t result = 0;

	if (!is_allowed(thread, call, &result)) {
		return result;
	}
	entry = kr_call_find(call->nr);
	if (entry == NULL) {
		return -ENOSYS;
	}
	switch ((enum kr_serve)entry->serve) {
	case KR_SERVE_FORWARD:
		return kr_forward(thread, call);
	case KR_SERVE_EMULATE:
		return emulate(thread, call, entry);
	case KR_SERVE_REFUSE:
		return -entry->error;
	}
	return -ENOSYS;
}
