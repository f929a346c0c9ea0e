/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signals.h"

#include "../base/kernel.h"
#include "host_call.h"
#include "machine.h"
#include "sigframe.h"
#include "thread.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define MASK_BYTES      8u
#define ALTSTACK_MIN    2048u /* MINSIGSTKSZ, which glibc no longer has as a constant */
#define BIT(number)     (1ull << ((number)-1))
#define UNBLOCKABLE     (BIT(SIGKILL) | BIT(SIGSTOP))
#define KERNEL_RESTORER 0x04000000ull
#define EXPOSE_TAGBITS  0x00000800ull
/* What the kernel keeps of an action's flags: by the others programs find out what it knows. */
#define KNOWN_FLAGS \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND | \
	 EXPOSE_TAGBITS | KERNEL_RESTORER)

void kr_signals_set_host_mask(uint64_t mask)
{
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, MASK_BYTES);
}

uint64_t kr_signals_swap_host_mask(uint64_t mask)
{
	uint64_t before = 0;

	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, MASK_BYTES);
	return before;
}

void kr_signals_block_host(void)
{
	kr_signals_set_host_mask(~0ull);
}

void kr_actions_lock(struct kr_actions *actions)
{
	(void)kr_lock_take(&actions->lock, &kr_thread_current()->holder);
}

void kr_actions_unlock(struct kr_actions *actions)
{
	kr_lock_drop(&actions->lock, &kr_thread_current()->holder);
}

void kr_signals_inherit(struct kr_thread *thread)
{
	for (int number = 1; number <= KR_SIGNALS; number++) {
		(void)syscall(SYS_rt_sigaction, number, NULL, &thread->actions->action[number - 1], MASK_BYTES);
	}
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &thread->mask, MASK_BYTES);
}

/* What an instruction of the monitor's raises is noted like what was sent, for a process may send itself anything,
 * a fault with the kernel's own code too.  The fault comes again at once, finds everything blocked, and with that
 * the kernel ends the process. */
static void on_signal(int number, siginfo_t *info, void *context)
{
	struct kr_thread *thread = kr_thread_current();
	ucontext_t *user = context;
	greg_t *ip = &user->uc_mcontext.gregs[REG_RIP];

	thread->pending.info = *info;
	thread->pending.number = number;
	/* The kernel's mask is 8 bytes; glibc's type is longer than what the kernel wrote. */
	memset(&user->uc_sigmask, 0xff, MASK_BYTES);
	if (kr_host_call_is_ahead((uint64_t)*ip)) {
		*ip = (greg_t)(uintptr_t)kr_host_call_skip;
	}
	thread->cpu->run->immediate_exit = 1;
}

static bool is_caught(const struct kr_action *action)
{
	return action->handler != (uint64_t)(uintptr_t)SIG_DFL && action->handler != (uint64_t)(uintptr_t)SIG_IGN;
}

/* Give the host what corresponds to the guest's action.  0 or -errno. */
static int set_host_action(int number, const struct kr_action *action)
{
	struct kr_action host = *action;

	if (is_caught(action)) {
		host.handler = (uint64_t)(uintptr_t)on_signal;
		host.flags = (action->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT)) | SA_SIGINFO;
		host.mask = ~0ull;
	}
	host.flags |= KERNEL_RESTORER;
	host.restorer = (uint64_t)(uintptr_t)kr_signal_restorer;
	return syscall(SYS_rt_sigaction, number, &host, NULL, MASK_BYTES) == 0 ? 0 : -errno;
}

static struct kr_action take_action(struct kr_actions *actions, int number)
{
	struct kr_action *action = &actions->action[number - 1];
	struct kr_action taken;

	kr_actions_lock(actions);
	taken = *action;
	if (is_caught(action) && (action->flags & SA_RESETHAND) != 0) {
		action->handler = (uint64_t)(uintptr_t)SIG_DFL;
		(void)set_host_action(number, action);
	}
	kr_actions_unlock(actions);
	return taken;
}

/* A signal that has been noted has everything blocked on the host until it is delivered, so that the next one
 * stays in the kernel.  Blocking comes first: no signal can be noted between the look and the change. */
static void set_mask(struct kr_thread *thread, uint64_t mask)
{
	kr_signals_block_host();
	thread->mask = mask & ~UNBLOCKABLE;
	if (thread->pending.number == 0) {
		kr_signals_set_host_mask(thread->mask);
	}
}

/* Run a handler of the guest.  `blocked` is the mask it begins from, `saved` the one it returns to. */
static void handle(struct kr_thread *thread, int number, const siginfo_t *info, const struct kr_action *action,
		   uint64_t blocked, uint64_t saved, const struct kr_trap_info *trap)
{
	if (kr_sigframe_push(thread, number, info, action, saved, trap) < 0) {
		kr_signals_die(SIGSEGV);
	}
	blocked |= action->mask | ((action->flags & SA_NODEFER) != 0 ? 0 : BIT(number));
	set_mask(thread, blocked);
}

/* To the calling thread, which may claim any sender then. */
static void send_again(const siginfo_t *info)
{
	(void)syscall(SYS_rt_tgsigqueueinfo, getpid(), kr_sys_gettid(), info->si_signo, info);
}

bool kr_signals_restart(const struct kr_thread *thread)
{
	struct kr_actions *actions = thread->actions;
	uint64_t flags;

	kr_actions_lock(actions);
	flags = actions->action[thread->pending.number - 1].flags;
	kr_actions_unlock(actions);
	return (flags & SA_RESTART) != 0;
}

/* Nothing is noted any more; returns what was. */
static siginfo_t take_pending(struct kr_thread *thread)
{
	thread->pending.number = 0;
	thread->pending.before_call = false;
	thread->cpu->run->immediate_exit = 0;
	return thread->pending.info;
}

void kr_signals_deliver(struct kr_thread *thread)
{
	const struct kr_trap_info none = { .vector = 0 };
	int number = thread->pending.number;
	uint64_t blocked = thread->has_masked ? thread->masked : thread->mask;
	struct kr_action action = take_action(thread->actions, number);
	siginfo_t info = take_pending(thread);

	thread->has_masked = false;
	if (is_caught(&action)) {
		handle(thread, number, &info, &action, blocked, thread->mask, &none);
		return;
	}
	/* Its handler was taken away in the meantime by another thread: the host knows what to do with it. */
	send_again(&info);
	set_mask(thread, thread->mask);
}

void kr_signals_force(struct kr_thread *thread, const siginfo_t *info, uint32_t vector, uint64_t error,
		      uint64_t address)
{
	const struct kr_trap_info trap = { .vector = vector, .error = error, .address = address };
	int number = info->si_signo;
	struct kr_action action = take_action(thread->actions, number);

	if (!is_caught(&action) || (thread->mask & BIT(number)) != 0) {
		kr_signals_die(number);
	}
	/* A fault comes before what was sent, and its handler may have that masked: it is the kernel's again, which
	 * delivers it when the mask lets it. */
	kr_signals_block_host();
	if (thread->pending.number != 0) {
		const siginfo_t sent = take_pending(thread);

		send_again(&sent);
	}
	handle(thread, number, info, &action, thread->mask, thread->mask, &trap);
}

/* Give every caught signal its default action on the host, or the monitor's handler back. */
static void set_caught(struct kr_actions *actions, bool by_default)
{
	const struct kr_action default_action = { .handler = 0 };

	kr_actions_lock(actions);
	for (int number = 1; number <= KR_SIGNALS; number++) {
		const struct kr_action *action = &actions->action[number - 1];

		if (is_caught(action)) {
			(void)set_host_action(number, by_default ? &default_action : action);
		}
	}
	kr_actions_unlock(actions);
}

void kr_signals_forget_handlers(struct kr_actions *actions)
{
	for (int number = 1; number <= KR_SIGNALS; number++) {
		struct kr_action *action = &actions->action[number - 1];

		if (is_caught(action)) {
			*action = (struct kr_action){ .handler = 0 };
		}
	}
}

bool kr_signals_begin_exec(struct kr_thread *thread)
{
	kr_signals_block_host();
	if (thread->pending.number != 0) {
		thread->pending.before_call = true;
		return false;
	}
	set_caught(thread->actions, true);
	kr_signals_set_host_mask(thread->mask);
	return true;
}

void kr_signals_abandon_exec(struct kr_thread *thread)
{
	kr_signals_block_host();
	set_caught(thread->actions, false);
	kr_signals_set_host_mask(thread->mask);
}

/* The exceptions end even the first process of a pid namespace, which ignores a signal that it sends itself. */
static void raise_exception(int number)
{
	switch (number) {
	case SIGSEGV:
		__asm__ volatile("movb $0, 0" ::: "memory");
		break;
	case SIGFPE:
		__asm__ volatile("xorl %%ecx, %%ecx\n\tmovl $1, %%eax\n\tcltd\n\tidivl %%ecx" ::
					 : "eax", "ecx", "edx", "cc");
		break;
	case SIGTRAP:
		__asm__ volatile("int3");
		break;
	default:
		__asm__ volatile("ud2");
		break;
	}
}

void kr_signals_die(int number)
{
	const struct rlimit no_core = { 0, 0 };
	const struct kr_action by_default = { .handler = 0 };

	/* The monitor's memory is nobody's business. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)set_host_action(number, &by_default);
	kr_signals_set_host_mask(~BIT(number));
	(void)syscall(SYS_tgkill, getpid(), kr_sys_gettid(), number);
	if (number == SIGSEGV || number == SIGFPE || number == SIGTRAP || number == SIGILL) {
		raise_exception(number);
	}
	for (;;) {
		(void)syscall(SYS_exit_group, 128 + number);
	}
}

void kr_signals_take_back(pid_t child, int number)
{
	const uint64_t set = number != 0 ? BIT(number) : 0;
	const struct timespec now = { .tv_sec = 0 };
	siginfo_t info;

	if (set == 0 || syscall(SYS_rt_sigtimedwait, &set, &info, &now, MASK_BYTES) != number) {
		return; /* another thread may have it already */
	}
	if (info.si_code <= 0 || info.si_pid != child) {
		send_again(&info);
		return;
	}
	/* Another child's was dropped if it ended while this one's was there. */
	memset(&info, 0, sizeof info);
	if (number == SIGCHLD && waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
		send_again(&info);
	}
}

static int64_t set_action(struct kr_actions *actions, int number, const struct kr_action *new)
{
	struct kr_action *action = &actions->action[number - 1];
	int result;

	result = set_host_action(number, new);
	if (result == 0) {
		*action = *new;
		action->flags &= KNOWN_FLAGS;
		action->mask &= ~UNBLOCKABLE;
	}
	return result;
}

int64_t kr_call_rt_sigaction(struct kr_thread *thread, const struct kr_call *call)
{
	int number = (int)call->arg[0];
	struct kr_actions *actions = thread->actions;
	struct kr_action new;
	struct kr_action old;
	int64_t result = 0;

	if (call->arg[3] != MASK_BYTES) {
		return -EINVAL;
	}
	if (call->arg[1] != 0 && kr_copy_from_guest(&new, call->arg[1], sizeof new) < 0) {
		return -EFAULT;
	}
	if (number < 1 || number > KR_SIGNALS || (call->arg[1] != 0 && (number == SIGKILL || number == SIGSTOP))) {
		return -EINVAL;
	}
	kr_actions_lock(actions);
	old = actions->action[number - 1];
	if (call->arg[1] != 0) {
		result = set_action(actions, number, &new);
	}
	kr_actions_unlock(actions);
	if (result == 0 && call->arg[2] != 0 && kr_copy_to_guest(call->arg[2], &old, sizeof old) < 0) {
		return -EFAULT;
	}
	return result;
}

int64_t kr_call_rt_sigprocmask(struct kr_thread *thread, const struct kr_call *call)
{
	uint64_t old = thread->mask;
	uint64_t set;

	if (call->arg[3] != MASK_BYTES) {
		return -EINVAL;
	}
	if (call->arg[1] != 0) {
		if (kr_copy_from_guest(&set, call->arg[1], sizeof set) < 0) {
			return -EFAULT;
		}
		switch ((int)call->arg[0]) {
		case SIG_BLOCK:
			set |= old;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		set_mask(thread, set);
	}
	if (call->arg[2] != 0) {
		return kr_copy_to_guest(call->arg[2], &old, sizeof old);
	}
	return 0;
}

int64_t kr_call_rt_sigreturn(struct kr_thread *thread, const struct kr_call *call)
{
	siginfo_t info = { .si_signo = SIGSEGV, .si_code = SI_KERNEL };
	uint64_t mask;

	(void)call;
	thread->has_context = true;
	if (kr_sigframe_pop(thread, &mask) < 0) {
		kr_signals_force(thread, &info, 0, 0, 0);
		return 0;
	}
	set_mask(thread, mask);
	return 0;
}

static bool is_same_stack(const struct kr_altstack *one, const struct kr_altstack *other)
{
	return one->base == other->base && one->size == other->size && one->flags == other->flags;
}

int64_t kr_call_sigaltstack(struct kr_thread *thread, const struct kr_call *call)
{
	uint64_t sp = kr_cpu_regs(thread->cpu)->rsp;
	bool in_use = kr_sigframe_on_altstack(&thread->altstack, sp);
	struct kr_altstack old = thread->altstack;
	struct kr_altstack new;

	old.flags = (int32_t)((uint32_t)old.flags & (1u << 31)) | (old.size == 0 ? SS_DISABLE
								   : in_use      ? SS_ONSTACK
										 : 0);
	old.zero = 0;
	if (call->arg[0] != 0) {
		int32_t mode;

		if (kr_copy_from_guest(&new, call->arg[0], sizeof new) < 0) {
			return -EFAULT;
		}
		mode = (int32_t)((uint32_t) new.flags & ~(1u << 31));
		if (in_use) {
			return -EPERM;
		}
		if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE) {
			return -EINVAL;
		}
		/* What is no change is no error, whatever its size. */
		if (is_same_stack(&new, &thread->altstack)) {
			new = thread->altstack;
		} else if (mode == SS_DISABLE) {
			new.base = 0;
			new.size = 0;
		} else if (new.size < ALTSTACK_MIN) {
			return -ENOMEM;
		}
		thread->altstack = new;
	}
	return call->arg[1] != 0 ? kr_copy_to_guest(call->arg[1], &old, sizeof old) : 0;
}

int64_t kr_call_rt_sigsuspend(struct kr_thread *thread, const struct kr_call *call)
{
	const uint64_t none[6] = { 0 };
	uint64_t mask;

	if (call->arg[1] != MASK_BYTES) {
		return -EINVAL;
	}
	if (kr_copy_from_guest(&mask, call->arg[0], sizeof mask) < 0) {
		return -EFAULT;
	}
	return kr_host_call_masked(thread, SYS_pause, none, mask & ~UNBLOCKABLE);
}

int64_t kr_call_rt_sigtimedwait(struct kr_thread *thread, const struct kr_call *call)
{
	/* The set and the rest lie in the arena; the kernel reads and writes them as the guest's own. */
	return kr_host_call(thread, SYS_rt_sigtimedwait, call->arg);
}

void kr_seccomp_trap(struct kr_thread *thread, const struct kr_call *call, uint16_t data)
{
	siginfo_t info = { .si_signo = SIGSYS, .si_code = 1, .si_errno = data };

	info.si_call_addr = (void *)(uintptr_t)call->ip;
	info.si_syscall = (int)call->nr;
	info.si_arch = 0xc000003e; /* AUDIT_ARCH_X86_64 */
	thread->forced = info;
	thread->is_forced = true;
}

void kr_seccomp_kill(struct kr_thread *thread, bool process)
{
	/* Strict mode is older than SIGSYS. */
	int number = thread->seccomp.strict ? SIGKILL : SIGSYS;

	if (process || __atomic_load_n(&thread->machine->threads, __ATOMIC_ACQUIRE) == 1) {
		kr_signals_die(number);
	}
	kr_thread_exit(thread, number);
}
