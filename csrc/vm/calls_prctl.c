/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * prctl(2) and seccomp(2): an option goes to the host's kernel only when it means the same for the monitor's
 * thread as for the guest's.  What is not named here is EINVAL, as on a kernel that does not know it.
 */
#include "hypercall.h"
#include "machine.h"
#include "seccomp.h"
#include "thread.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

kr_handler kr_call_prctl;
kr_handler kr_call_seccomp;

#define KNOWN_FLAGS \
	(SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC | \
	 SECCOMP_FILTER_FLAG_TSYNC_ESRCH)

/* Newer than the headers. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif
#ifndef PR_FUTEX_HASH
#define PR_FUTEX_HASH 78
#endif

#define MOST_AUXV         4096u /* the kernel keeps no more of it */
#define COMM_SIZE         16u   /* a thread's name, with its NUL */
#define CAP_SYS_ADMIN_BIT (1u << 21)

static bool has_sys_admin(void)
{
	struct {
		uint32_t version;
		int32_t pid;
	} header = { .version = 0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, .pid = 0 };
	struct {
		uint32_t effective;
		uint32_t permitted;
		uint32_t inheritable;
	} data[2];

	return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & CAP_SYS_ADMIN_BIT) != 0;
}

/* Are these filters of another thread the beginning of the calling one's? */
static bool is_beginning(const struct kr_seccomp *others, const struct kr_seccomp *own)
{
	const struct kr_filter *filter = own->filters;

	while (filter != NULL && filter != others->filters) {
		filter = filter->older;
	}
	return !others->strict && filter == others->filters;
}

/* 0, or the number of a thread that has filters which the calling one has not. */
static pid_t find_diverged(const struct kr_thread *thread)
{
	for (const struct kr_thread *other = thread->machine->first_thread; other != NULL; other = other->next) {
		if (other != thread && !is_beginning(&other->seccomp, &thread->seccomp)) {
			return other->tid;
		}
	}
	return 0;
}

static void share_filters(const struct kr_thread *thread)
{
	for (struct kr_thread *other = thread->machine->first_thread; other != NULL; other = other->next) {
		if (other != thread) {
			__atomic_store_n(&other->seccomp.filters, thread->seccomp.filters, __ATOMIC_RELEASE);
			other->seccomp.no_new_privs |= thread->seccomp.no_new_privs;
		}
	}
}

/* With TSYNC for all threads, or for none. */
static int64_t install(struct kr_thread *thread, const struct sock_filter *code, size_t size, uint64_t flags)
{
	struct kr_machine *machine = thread->machine;
	bool is_for_all = (flags & SECCOMP_FILTER_FLAG_TSYNC) != 0;
	int64_t result;

	kr_machine_lock_threads(machine);
	result = is_for_all ? find_diverged(thread) : 0;
	if (result != 0) {
		result = (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) != 0 ? -ESRCH : result;
	} else {
		result = kr_seccomp_add(&thread->seccomp, code, size, false);
		if (result == 0 && is_for_all) {
			share_filters(thread);
		}
	}
	kr_machine_unlock_threads(machine);
	return result;
}

/* Add a filter to the calling thread's own.  The kernel wants no_new_privs or CAP_SYS_ADMIN, of the guest. */
static int64_t add_filter(struct kr_thread *thread, uint64_t from, uint64_t flags)
{
	struct kr_seccomp *seccomp = kr_thread_seccomp(thread);
	struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog program;

	if ((flags & ~(uint64_t)KNOWN_FLAGS) != 0) {
		/* There are no listeners. */
		return -EINVAL;
	}
	if (kr_copy_from_guest(&program, from, sizeof program) < 0) {
		return -EFAULT;
	}
	if (program.len == 0 || program.len > BPF_MAXINSNS) {
		return -EINVAL;
	}
	if (!seccomp->no_new_privs && !has_sys_admin()) {
		return -EACCES;
	}
	if (program.filter == NULL) {
		return -EINVAL;
	}
	if (kr_copy_from_guest(code, (uint64_t)(uintptr_t)program.filter, program.len * sizeof code[0]) < 0) {
		return -EFAULT;
	}
	return seccomp->strict ? -EINVAL : install(thread, code, program.len, flags);
}

static int64_t set_strict(struct kr_thread *thread)
{
	struct kr_seccomp *seccomp = kr_thread_seccomp(thread);

	if (seccomp->filters != NULL) {
		return -EINVAL;
	}
	seccomp->strict = true;
	return 0;
}

static int64_t tell_action(uint64_t from)
{
	uint32_t action;

	if (kr_copy_from_guest(&action, from, sizeof action) < 0) {
		return -EFAULT;
	}
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

int64_t kr_call_seccomp(struct kr_thread *thread, const struct kr_call *call)
{
	switch ((uint32_t)call->arg[0]) {
	case SECCOMP_SET_MODE_STRICT:
		return call->arg[1] != 0 || call->arg[2] != 0 ? -EINVAL : set_strict(thread);
	case SECCOMP_SET_MODE_FILTER:
		return add_filter(thread, call->arg[2], call->arg[1]);
	case SECCOMP_GET_ACTION_AVAIL:
		return call->arg[1] != 0 ? -EINVAL : tell_action(call->arg[2]);
	default:
		return -EINVAL;
	}
}

static int64_t set_seccomp(struct kr_thread *thread, const struct kr_call *call)
{
	switch (call->arg[1]) {
	case SECCOMP_MODE_STRICT:
		return set_strict(thread);
	case SECCOMP_MODE_FILTER:
		return add_filter(thread, call->arg[2], 0);
	default:
		return -EINVAL;
	}
}

static int64_t get_seccomp(struct kr_thread *thread)
{
	const struct kr_seccomp *seccomp = kr_thread_seccomp(thread);

	if (seccomp->strict) {
		/* The call itself is not allowed then, and has not come here. */
		return SECCOMP_MODE_STRICT;
	}
	return seccomp->filters != NULL ? SECCOMP_MODE_FILTER : SECCOMP_MODE_DISABLED;
}

static int64_t set_no_new_privs(struct kr_thread *thread, const struct kr_call *call)
{
	if (call->arg[1] != 1 || call->arg[2] != 0 || call->arg[3] != 0 || call->arg[4] != 0) {
		return -EINVAL;
	}
	kr_thread_seccomp(thread)->no_new_privs = true;
	return 0;
}

static int64_t get_no_new_privs(struct kr_thread *thread, const struct kr_call *call)
{
	if (call->arg[1] != 0 || call->arg[2] != 0 || call->arg[3] != 0 || call->arg[4] != 0) {
		return -EINVAL;
	}
	return kr_thread_seccomp(thread)->no_new_privs ? 1 : 0;
}

static int64_t pass(struct kr_thread *thread, const struct kr_call *call)
{
	return kr_host_call(thread, SYS_prctl, call->arg);
}

/* The second argument points to `size` bytes. */
static int64_t pass_pointer(struct kr_thread *thread, const struct kr_call *call, uint64_t size)
{
	uint64_t at = kr_guest_has(call->arg[1], size) ? call->arg[1] : kr_stand_in(call->arg[1], size);

	return kr_host_call(thread, SYS_prctl,
			    (const uint64_t[6]){ call->arg[0], at, call->arg[2], call->arg[3], call->arg[4], 0 });
}

/* PR_SET_VMA: a name, or none, for anonymous mappings, as /proc/self/maps shows it. */
static int64_t name_memory(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_scratch scratch;
	uint64_t arg[6] = { call->arg[0], call->arg[1], call->arg[2], call->arg[3], call->arg[4], 0 };

	KR_SCRATCH_INIT(&scratch);
	if (!kr_guest_has(arg[2], arg[3])) {
		arg[2] = kr_stand_in(arg[2], arg[3]);
	}
	if (arg[4] != 0 && kr_check_text(&scratch, &arg[4]) < 0) {
		return -ENOMEM;
	}
	return kr_host_call(thread, SYS_prctl, arg);
}

static int64_t tell_word(const struct kr_call *call, const void *word, size_t size)
{
	return kr_copy_to_guest(call->arg[1], word, size);
}

static int64_t set_name(struct kr_thread *thread, const struct kr_call *call)
{
	char name[COMM_SIZE] = { 0 };
	int64_t length = kr_copy_string(name, call->arg[1], sizeof name);

	if (length < 0 && length != -ENAMETOOLONG) {
		return length;
	}
	name[COMM_SIZE - 1] = 0;
	return kr_host_call(thread, SYS_prctl,
			    (const uint64_t[6]){ PR_SET_NAME, (uint64_t)(uintptr_t)name, 0, 0, 0, 0 });
}

int64_t kr_call_prctl(struct kr_thread *thread, const struct kr_call *call)
{
	switch ((int)(uint32_t)call->arg[0]) {
	case PR_SET_NAME:
		return set_name(thread, call);
	case PR_SET_VMA:
		return name_memory(thread, call);
	case PR_SET_TSC:
		/* It can be read, and there is no way to change that. */
		return call->arg[1] == PR_TSC_ENABLE ? 0 : -EINVAL;
	case PR_GET_TSC:
		return tell_word(call, &(const int){ PR_TSC_ENABLE }, sizeof(int));
	case PR_GET_TID_ADDRESS:
		return tell_word(call, &thread->clear_tid, sizeof thread->clear_tid);
	case PR_GET_AUXV:
		return pass_pointer(thread, call, call->arg[2] < MOST_AUXV ? call->arg[2] : MOST_AUXV);
	case PR_GET_NAME:
		return pass_pointer(thread, call, COMM_SIZE);
	case PR_GET_PDEATHSIG:
	case PR_GET_CHILD_SUBREAPER:
		return pass_pointer(thread, call, sizeof(int));
	case PR_SET_PDEATHSIG:
	case PR_SET_CHILD_SUBREAPER:
	case PR_GET_DUMPABLE:
	case PR_SET_DUMPABLE:
	case PR_GET_KEEPCAPS:
	case PR_SET_KEEPCAPS:
	case PR_GET_SECUREBITS:
	case PR_SET_SECUREBITS:
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
	case PR_CAP_AMBIENT:
	case PR_GET_TIMERSLACK:
	case PR_SET_TIMERSLACK:
	case PR_GET_TIMING:
	case PR_GET_SPECULATION_CTRL:
	case PR_SET_SPECULATION_CTRL:
	case PR_GET_THP_DISABLE:
	case PR_SET_THP_DISABLE:
	case PR_MCE_KILL:
	case PR_MCE_KILL_GET:
	case PR_GET_IO_FLUSHER:
	case PR_SET_IO_FLUSHER:
	case PR_GET_MEMORY_MERGE:
	case PR_SET_MEMORY_MERGE:
	case PR_TASK_PERF_EVENTS_DISABLE:
	case PR_TASK_PERF_EVENTS_ENABLE:
	case PR_FUTEX_HASH:
		return pass(thread, call);
	case PR_GET_NO_NEW_PRIVS:
		return get_no_new_privs(thread, call);
	case PR_SET_NO_NEW_PRIVS:
		return set_no_new_privs(thread, call);
	case PR_GET_SECCOMP:
		return get_seccomp(thread);
	case PR_SET_SECCOMP:
		return set_seccomp(thread, call);
	case PR_SET_PTRACER:
		/* Yama's exceptions are for tracers, and no guest traces. */
		return -EINVAL;
	case PR_SET_MM:
		return -EPERM;
	default:
		return -EINVAL;
	}
}
