/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fork, vfork, clone and clone3.  A process is a fork of the host's, whose child builds a new machine over the
 * copied memory; a thread is a processor and a host thread of this machine.  The child of a vfork runs in its
 * parent's machine, see vfork.c.
 */
#include "aio.h"
#include "awaited.h"
#include "layout.h"
#include "machine.h"
#include "thread.h"
#include "vfork.h"
#include "worker.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_TIDS 32u /* as deep as pid namespaces can be */

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
/* What only the guest's registers and the monitor's records show. */
#define GUEST_FLAGS    (CLONE_SETTLS | CLONE_VM)
#define THREAD_IGNORED (CLONE_SYSVSEM | CLONE_DETACHED | CLONE_PTRACE | CLONE_UNTRACED | CLONE_IO)
#define THREAD_ACCEPTED \
	(THREAD_FLAGS | THREAD_IGNORED | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | \
	 CLONE_CHILD_CLEARTID)

static bool is_word(uint64_t address)
{
	return kr_guest_has(address, sizeof(uint32_t));
}

static int check_words(const struct clone_args *args)
{
	if ((args->flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) != 0 && !is_word(args->child_tid)) {
		return -EFAULT;
	}
	if ((args->flags & CLONE_PARENT_SETTID) != 0 && !is_word(args->parent_tid)) {
		return -EFAULT;
	}
	if ((args->flags & CLONE_PIDFD) != 0 && !is_word(args->pidfd)) {
		return -EFAULT;
	}
	return (args->flags & CLONE_SETTLS) != 0 && args->tls >= KR_ADDRESSES_END ? -EPERM : 0;
}

/* The new thread's or process's registers. */
static int child_state(struct kr_thread *thread, const struct clone_args *args, struct kr_cpu_state *state)
{
	int result = kr_cpu_save(thread->cpu, state);

	if (result < 0) {
		return result;
	}
	state->regs.rax = 0;
	if (args->stack != 0) {
		state->regs.rsp = args->stack + args->stack_size;
	}
	if ((args->flags & CLONE_SETTLS) != 0) {
		state->sregs.fs.base = args->tls;
	}
	return 0;
}

static int64_t make_thread(struct kr_thread *thread, const struct clone_args *args)
{
	struct kr_birth birth = { .parent_tid = 0 };
	int64_t result;

	if ((args->flags & THREAD_FLAGS) != THREAD_FLAGS || (args->flags & ~(uint64_t)THREAD_ACCEPTED) != 0) {
		return -EINVAL;
	}
	if (args->set_tid_size != 0) {
		return -EINVAL;
	}
	/* Its processor would be known to this process alone, and left to the parent's. */
	if (thread->is_borrower) {
		return -EAGAIN;
	}
	result = child_state(thread, args, &birth.state);
	if (result < 0) {
		return result;
	}
	birth.parent_tid = (args->flags & CLONE_PARENT_SETTID) != 0 ? args->parent_tid : 0;
	birth.child_tid = (args->flags & CLONE_CHILD_SETTID) != 0 ? args->child_tid : 0;
	birth.clear_tid = (args->flags & CLONE_CHILD_CLEARTID) != 0 ? args->child_tid : 0;
	kr_signals_block_host();
	if (thread->pending.number != 0) {
		thread->pending.before_call = true;
		return -EINTR;
	}
	result = kr_thread_start(thread, &birth);
	if (result == -EAGAIN && !kr_worker_may_be(thread->machine)) {
		result = -EINVAL; /* what the kernel said: a thread cannot be of another namespace of processes */
	}
	kr_signals_set_host_mask(thread->mask);
	return result;
}

/* In the child: the only thread of a new machine. */
static void become_process(struct kr_thread *thread, const struct clone_args *args,
			   const struct kr_awaited *awaited, const struct kr_cpu_state *state)
{
	struct kr_machine *machine = thread->machine;
	struct kr_err err;

	kr_awaited_keep_childs(thread);
	thread->is_main = true;
	thread->is_borrower = false;
	thread->clear_tid = 0;
	thread->robust_list = 0;
	machine->threads = 1;
	machine->borrowers = 0;
	machine->shares_files = false;
	if (thread->descriptors != &machine->descriptors) {
		machine->descriptors = *thread->descriptors;
		thread->descriptors = &machine->descriptors;
	}
	machine->first_thread = NULL;
	kr_aio_forget(machine);
	kr_descriptors_unspare_all(&machine->descriptors);
	kr_awaited_forget(&machine->descriptors);
	kr_thread_enter(thread);
	if ((args->flags & CLONE_CLEAR_SIGHAND) != 0) {
		kr_signals_forget_handlers(thread->actions);
	}
	if (kr_machine_renew(machine, thread->cpu, 0, &err) < 0) {
		kr_awaited_fail(thread, awaited, err.code);
	}
	if (kr_cpu_load(thread->cpu, state) < 0) {
		kr_awaited_fail(thread, awaited, ENOMEM);
	}
	kr_awaited_tell(thread, awaited, (args->flags & CLONE_VFORK) != 0);
}

/* No other thread may hold a lock of the monitor's or of the C library's, or the child could never take it. */
static void hold_locks(const struct kr_thread *thread)
{
	struct kr_machine *machine = thread->machine;

	kr_machine_lock_threads(machine);
	kr_thread_await_leavers(machine);
	kr_machine_lock_memory(machine);
	kr_actions_lock(thread->actions);
}

static void drop_locks(const struct kr_thread *thread)
{
	struct kr_machine *machine = thread->machine;

	kr_actions_unlock(thread->actions);
	kr_machine_unlock_memory(machine);
	kr_machine_unlock_threads(machine);
}

/* What the kernel does when there is a child; not before that is certain. */
static void tell_numbers(const struct clone_args *args, pid_t child, int pidfd)
{
	if ((args->flags & CLONE_PARENT_SETTID) != 0) {
		(void)kr_copy_to_guest(args->parent_tid, &child, sizeof child);
	}
	if ((args->flags & CLONE_PIDFD) != 0) {
		(void)kr_copy_to_guest(args->pidfd, &pidfd, sizeof pidfd);
	}
}

/* The kernel makes no child when it cannot tell the pidfd. */
static int check_pidfd(const struct clone_args *args)
{
	uint32_t word;

	return (args->flags & CLONE_PIDFD) != 0 && (kr_copy_from_guest(&word, args->pidfd, sizeof word) < 0 ||
						    kr_copy_to_guest(args->pidfd, &word, sizeof word) < 0)
		       ? -EFAULT
		       : 0;
}

/* In the parent, behind the clone and without its locks: the child is only there when its machine stands. */
static int64_t await_child(struct kr_thread *thread, const struct clone_args *args,
			   const struct kr_awaited *awaited, pid_t child, int pidfd)
{
	/* A brother's end is its parent's affair. */
	const int signal = (args->flags & CLONE_PARENT) == 0 ? (int)args->exit_signal : 0;
	int failed = kr_awaited_hear(awaited, child, signal);

	if (failed < 0) {
		kr_awaited_close(thread, awaited);
		if (pidfd >= 0) {
			(void)close(pidfd);
		}
		return failed;
	}
	tell_numbers(args, child, pidfd);
	if ((args->flags & CLONE_VFORK) != 0) {
		kr_awaited_wait(awaited);
	}
	kr_awaited_close(thread, awaited);
	return child;
}

static int64_t fork_host(struct kr_thread *thread, const struct clone_args *args, const struct kr_cpu_state *state)
{
	struct kr_awaited awaited;
	struct clone_args host = *args;
	int pidfd = -1;
	int64_t result = check_pidfd(args);

	if (result < 0) {
		return result;
	}
	host.flags &= ~(uint64_t)(GUEST_FLAGS | CLONE_VFORK | CLONE_PARENT_SETTID);
	host.stack = 0;
	host.stack_size = 0;
	host.tls = 0;
	host.pidfd = (uint64_t)(uintptr_t)&pidfd;
	hold_locks(thread);
	result = kr_awaited_open(thread, &awaited);
	/* Natively a fork needs no descriptor. */
	if (result < 0 && (args->flags & CLONE_VFORK) != 0) {
		drop_locks(thread);
		return result;
	}
	result = syscall(SYS_clone3, &host, sizeof host);
	if (result < 0) {
		result = -errno;
	}
	if (result != 0) {
		kr_awaited_keep_parents(thread, &awaited);
	}
	drop_locks(thread);
	if (result == 0) {
		become_process(thread, args, &awaited, state);
		return 0;
	}
	if (result < 0) {
		kr_awaited_close(thread, &awaited);
		return result;
	}
	return await_child(thread, args, &awaited, (pid_t)result, pidfd);
}

static int64_t make_process(struct kr_thread *thread, const struct clone_args *args)
{
	struct kr_cpu_state state;
	int64_t result = child_state(thread, args, &state);

	if (result < 0) {
		return result;
	}
	kr_signals_block_host();
	if (thread->pending.number != 0) {
		thread->pending.before_call = true;
		return -EINTR;
	}
	if (kr_vfork_fits(thread, args)) {
		result = ((args->flags & CLONE_VFORK) != 0 ? kr_vfork : kr_share)(thread, args, &state);
		kr_signals_set_host_mask(thread->mask);
		return result;
	}
	result = fork_host(thread, args, &state);
	kr_signals_set_host_mask(thread->mask);
	return result;
}

/* A child of a vfork that has to have a copy of the memory instead hardly notices; no other child is that short of
 * life. */
static bool is_shared_by_all_means(const struct clone_args *args)
{
	return (args->flags & CLONE_VM) != 0 &&
	       ((args->flags & CLONE_VFORK) == 0 || (args->flags & (CLONE_FILES | CLONE_SIGHAND)) != 0);
}

static int64_t make(struct kr_thread *thread, const struct clone_args *args)
{
	int result = check_words(args);

	if (result < 0) {
		return result;
	}
	if ((args->flags & CLONE_THREAD) != 0) {
		return make_thread(thread, args);
	}
	if ((args->flags & CLONE_SIGHAND) != 0 && (args->flags & CLONE_VM) == 0) {
		return -EINVAL;
	}
	if ((args->flags & CLONE_VM) == 0 && (args->flags & CLONE_FILES) != 0) {
		/* The descriptors of the child's machine would be the parent's too, and stay when it is killed. */
		return -EINVAL;
	}
	if (is_shared_by_all_means(args) && !kr_vfork_fits(thread, args)) {
		return thread->is_borrower ? -EAGAIN : -EINVAL;
	}
	return make_process(thread, args);
}

int64_t kr_call_clone(struct kr_thread *thread, const struct kr_call *call)
{
	/* A brother's is its brother's, and what is none is never sent; clone3 refuses both. */
	const uint64_t number = call->arg[0] & CSIGNAL;
	const bool has_signal = (call->arg[0] & CLONE_PARENT) == 0 && number <= KR_SIGNALS;
	const struct clone_args args = { .flags = call->arg[0] & 0xffffffffull & ~(uint64_t)CSIGNAL,
					 .exit_signal = has_signal ? number : 0,
					 .stack = call->arg[1],
					 .parent_tid = call->arg[2],
					 .pidfd = call->arg[2],
					 .child_tid = call->arg[3],
					 .tls = call->arg[4] };

	if ((args.flags & CLONE_PIDFD) != 0 && (args.flags & (CLONE_PARENT_SETTID | CLONE_DETACHED)) != 0) {
		return -EINVAL;
	}
	return make(thread, &args);
}

int64_t kr_call_fork(struct kr_thread *thread, const struct kr_call *call)
{
	const struct clone_args args = { .exit_signal = SIGCHLD };

	(void)call;
	return make(thread, &args);
}

int64_t kr_call_vfork(struct kr_thread *thread, const struct kr_call *call)
{
	const struct clone_args args = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };

	(void)call;
	return make(thread, &args);
}

/* The structure may be older and shorter than ours, or longer when what we do not know is zero. */
static int copy_args(struct clone_args *args, uint64_t from, uint64_t size)
{
	memset(args, 0, sizeof *args);
	if (size < CLONE_ARGS_SIZE_VER0) {
		return -EINVAL;
	}
	if (size > KR_PAGE) {
		return -E2BIG;
	}
	for (uint64_t at = sizeof *args; at < size; at++) {
		uint8_t byte;

		if (kr_copy_from_guest(&byte, from + at, 1) < 0) {
			return -EFAULT;
		}
		if (byte != 0) {
			return -E2BIG;
		}
	}
	return kr_copy_from_guest(args, from, size < sizeof *args ? size : sizeof *args);
}

/* The numbers that a checkpoint wants its processes to have: the kernel reads them where the guest put them. */
static bool has_bad_tids(const struct clone_args *args)
{
	return args->set_tid_size > MOST_TIDS || (args->set_tid == 0) != (args->set_tid_size == 0);
}

int64_t kr_call_clone3(struct kr_thread *thread, const struct kr_call *call)
{
	struct clone_args args;
	int result = copy_args(&args, call->arg[0], call->arg[1]);

	if (result < 0) {
		return result;
	}
	if ((args.stack == 0) != (args.stack_size == 0) || has_bad_tids(&args)) {
		return -EINVAL;
	}
	if (!kr_guest_has(args.set_tid, args.set_tid_size * sizeof(pid_t))) {
		return -EFAULT;
	}
	if ((args.flags & CLONE_INTO_CGROUP) != 0 && kr_is_monitor_fd((int)args.cgroup)) {
		return -EBADF;
	}
	return make(thread, &args);
}
