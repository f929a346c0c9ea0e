/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

#include "exception.h"
#include "hardware.h"
#include "layout.h"
#include "machine.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define SYSCALL_BYTES 2u /* 0f 05 */
#define OUT_BYTES     1u /* ef */
#define OUT_CODE      0xefu

/* KM's block at %gs:0. */
struct hypercall_block {
	uint64_t result;
	uint64_t arg[6];
};

/* The option that limits a call on a socket in time, 0 for none. */
static int time_limit_of(int64_t nr)
{
	switch (nr) {
	case SYS_read:
	case SYS_readv:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_accept:
	case SYS_accept4:
		return SO_RCVTIMEO;
	case SYS_write:
	case SYS_writev:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_connect:
		return SO_SNDTIMEO;
	default:
		return 0;
	}
}

/* A wait that ends by itself is not begun anew after a handler, not even with SA_RESTART. */
static bool is_limited_in_time(const struct kr_call *call)
{
	struct timeval limit = { .tv_sec = 0 };
	socklen_t size = sizeof limit;
	int option = time_limit_of(call->nr);

	if (call->nr == SYS_futex) {
		return call->arg[3] != 0;
	}
	return option != 0 && getsockopt((int)call->arg[0], SOL_SOCKET, option, &limit, &size) == 0 &&
	       (limit.tv_sec != 0 || limit.tv_usec != 0);
}

/* Whoever waits for a futex that inherits priorities goes on after any handler. */
static bool is_lock_of_priorities(const struct kr_call *call)
{
	int command = (int)(uint32_t)call->arg[1] & FUTEX_CMD_MASK;

	return call->nr == SYS_futex && (command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2);
}

/* Does the kernel make this call again, after the handler of the pending signal? */
static bool is_restarted(struct kr_thread *thread, const struct kr_call *call, int64_t result)
{
	const struct kr_pending *pending = &thread->pending;
	bool was_notified = thread->was_notified;

	thread->was_notified = false;
	if (result != -EINTR || pending->number == 0) {
		return false;
	}
	if (pending->before_call || is_lock_of_priorities(call)) {
		return true;
	}
	return (was_notified || kr_call_restart(call->nr) == KR_RESTART_SA) && kr_signals_restart(thread) &&
	       !is_limited_in_time(call);
}

static void deliver_forced(struct kr_thread *thread)
{
	if (thread->is_forced) {
		thread->is_forced = false;
		kr_signals_force(thread, &thread->forced, 0, 0, 0);
	}
}

static void serve_syscall(struct kr_thread *thread)
{
	struct kvm_regs *regs = kr_cpu_regs(thread->cpu);
	struct kr_call call = { .nr = (int64_t)(int32_t)regs->rax,
				.arg = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 },
				.ip = regs->rcx };
	int64_t result;

	thread->entry = KR_ENTRY_SYSCALL;
	regs->rip = regs->rcx;
	regs->rflags = regs->r11;
	kr_cpu_to_user(thread->cpu);
	result = kr_dispatch(thread, &call);
	/* In the child of a fork they are another processor's. */
	regs = kr_cpu_regs(thread->cpu);
	if (thread->has_context) {
		thread->has_context = false;
		return;
	}
	if (is_restarted(thread, &call, result)) {
		regs->rip = call.ip - SYSCALL_BYTES;
		return;
	}
	regs->rax = (uint64_t)result;
	deliver_forced(thread);
}

/* KVM leaves the instruction pointer on the OUT where it completes it only with the next run, and behind it
 * where it has emulated it. */
static int step_over_out(struct kr_thread *thread)
{
	struct kvm_regs *regs = kr_cpu_regs(thread->cpu);
	uint8_t before;

	if (kr_copy_from_guest(&before, regs->rip - OUT_BYTES, sizeof before) == 0 && before == OUT_CODE) {
		return 0;
	}
	if (kr_copy_from_guest(&before, regs->rip, sizeof before) < 0 || before != OUT_CODE) {
		return -EFAULT;
	}
	regs->rip += OUT_BYTES;
	return 0;
}

static void serve_hypercall(struct kr_thread *thread, uint32_t number)
{
	struct kvm_regs *regs = kr_cpu_regs(thread->cpu);
	uint64_t at = thread->cpu->run->s.regs.sregs.gs.base;
	const siginfo_t fault = { .si_signo = SIGSEGV, .si_code = SEGV_MAPERR, .si_addr = (void *)(uintptr_t)at };
	struct hypercall_block block;
	struct kr_call call = { .nr = (int64_t)number };

	thread->entry = KR_ENTRY_HYPERCALL;
	if (step_over_out(thread) < 0 || kr_copy_from_guest(&block, at, sizeof block) < 0) {
		kr_signals_force(thread, &fault, 0, 0, at);
		return;
	}
	kr_cpu_to_user(thread->cpu);
	call.ip = regs->rip;
	for (unsigned i = 0; i < 6; i++) {
		call.arg[i] = block.arg[i];
	}
	block.result = (uint64_t)kr_dispatch(thread, &call);
	regs = kr_cpu_regs(thread->cpu);
	if (thread->has_context) {
		thread->has_context = false;
		return;
	}
	if (is_restarted(thread, &call, (int64_t)block.result)) {
		regs->rip = call.ip - OUT_BYTES;
		return;
	}
	if (kr_copy_to_guest(at, &block.result, sizeof block.result) < 0) {
		kr_signals_force(thread, &fault, 0, 0, at);
	}
	deliver_forced(thread);
}

/* Another thread may have changed the page's protection while this one touched it: then it is there again.
 * `withdrawals` is their number before the guest ran. */
static void serve_missing_memory(struct kr_thread *thread, uint64_t withdrawals)
{
	struct kr_machine *machine = thread->machine;
	bool is_there;

	kr_machine_lock_memory(machine);
	is_there = machine->withdrawals != withdrawals;
	kr_machine_unlock_memory(machine);
	if (!is_there) {
		kr_exception_serve_missing(thread);
	}
}

/* KVM may let no program have a port, whatever the task's bitmap says: then the OUT has raised #GP. */
static bool is_forbidden_call(struct kr_thread *thread, const struct kr_stop *stop)
{
	const struct kvm_regs *regs = kr_cpu_regs(thread->cpu);
	uint16_t port = (uint16_t)regs->rdx;
	uint8_t code;

	return stop->vector == 13 && stop->error == 0 && port >= KR_PORT_CALL &&
	       port < KR_PORT_CALL + KR_PORT_CALLS && kr_copy_from_guest(&code, regs->rip, sizeof code) == 0 &&
	       code == OUT_CODE;
}

static void serve_exception(struct kr_thread *thread, const struct kr_stop *stop)
{
	struct kvm_regs *regs = kr_cpu_regs(thread->cpu);

	if (!is_forbidden_call(thread, stop)) {
		kr_exception_serve(thread, stop);
		return;
	}
	regs->rip += OUT_BYTES;
	serve_hypercall(thread, (uint16_t)regs->rdx - KR_PORT_CALL);
}

__attribute__((noreturn)) static void give_up(struct kr_thread *thread, const struct kr_stop *stop)
{
	struct kr_err err;

	kr_hardware_describe(thread->cpu->run, stop, &err);
	(void)dprintf(STDERR_FILENO, "krun-vm: %s\n", err.text);
	kr_signals_die(SIGKILL);
}

void kr_run(struct kr_thread *thread)
{
	struct kr_stop stop = { .kind = KR_STOP_SIGNAL };
	uint64_t withdrawals;

	while (!thread->has_ended) {
		if (thread->pending.number != 0) {
			if (stop.kind == KR_STOP_SIGNAL && kr_cpu_cancel_exception(thread->cpu) < 0) {
				give_up(thread, &stop);
			}
			kr_signals_deliver(thread);
		}
		withdrawals = __atomic_load_n(&thread->machine->withdrawals, __ATOMIC_ACQUIRE);
		kr_cpu_run(thread->cpu, &stop);
		switch (stop.kind) {
		case KR_STOP_SYSCALL:
			serve_syscall(thread);
			break;
		case KR_STOP_HYPERCALL:
			serve_hypercall(thread, stop.number);
			break;
		case KR_STOP_EXCEPTION:
			serve_exception(thread, &stop);
			break;
		case KR_STOP_MEMORY:
			serve_missing_memory(thread, withdrawals);
			break;
		case KR_STOP_SIGNAL:
			break;
		case KR_STOP_BROKEN:
			give_up(thread, &stop);
		}
	}
}
