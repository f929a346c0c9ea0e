/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The child is a process of its own on the host, with its own descriptors and dispositions of signals, that shares
 * the monitor's memory; its parent's host thread waits, as the kernel has it.  It runs on a processor of its
 * parent's machine, which the parent takes for it beforehand so that both have its descriptor.  posix_spawn relies
 * on the sharing: the child leaves the errno of its exec in its parent's memory.
 *
 * What the child changes of the record of the guest's memory stays, because that is shared; it has actions and
 * descriptors of its own.
 */
#include "vfork.h"

#include "host_call.h"
#include "machine.h"
#include "run.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHARED (CLONE_VM | CLONE_VFORK)
#define ACCEPTED \
	(SHARED | CLONE_SETTLS | CLONE_CLEAR_SIGHAND | CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID)

/* What the child has of its own in the shared memory. */
struct borrower {
	struct kr_thread thread;
	struct kr_actions actions;
	struct kr_descriptors descriptors;
};

bool kr_vfork_fits(const struct kr_thread *thread, const struct clone_args *args)
{
	return !thread->is_borrower && (args->flags & SHARED) == SHARED && (args->flags & ~(uint64_t)ACCEPTED) == 0;
}

static void run(void *argument)
{
	struct borrower *borrower = argument;

	kr_thread_adopt(&borrower->thread);
	kr_lock_holder_begin(&borrower->thread.holder);
	kr_signals_set_host_mask(borrower->thread.mask);
	kr_run(&borrower->thread);
}

static void equip(struct borrower *borrower, const struct kr_thread *thread, struct kr_cpu *cpu, uint64_t flags)
{
	borrower->actions.lock = (struct kr_lock){ .bytes = { 0 } };
	borrower->descriptors = *thread->descriptors;
	kr_descriptors_unspare_all(&borrower->descriptors);
	kr_actions_lock(thread->actions);
	memcpy(borrower->actions.action, thread->actions->action, sizeof borrower->actions.action);
	kr_actions_unlock(thread->actions);
	if ((flags & CLONE_CLEAR_SIGHAND) != 0) {
		kr_signals_forget_handlers(&borrower->actions);
	}
	borrower->thread = (struct kr_thread){ .machine = thread->machine,
					       .cpu = cpu,
					       .actions = &borrower->actions,
					       .descriptors = &borrower->descriptors,
					       .mask = thread->mask,
					       .altstack = thread->altstack,
					       .entry = thread->entry,
					       .seccomp = thread->seccomp,
					       .is_main = true,
					       .is_borrower = true };
}

static struct kr_cpu *take_cpu(struct kr_machine *machine)
{
	struct kr_cpu *cpu;
	struct kr_err err;

	kr_machine_lock_threads(machine);
	kr_machine_lock_memory(machine);
	cpu = kr_cpu_take(machine, &err);
	kr_machine_unlock_memory(machine);
	kr_machine_unlock_threads(machine);
	return cpu;
}

static int64_t lend(struct kr_thread *thread, const struct clone_args *args, void *stack, struct kr_cpu *cpu)
{
	struct clone_args host = *args;
	struct borrower borrower;
	int64_t result;

	host.flags &= ~(uint64_t)CLONE_SETTLS;
	host.tls = 0;
	host.stack = (uint64_t)(uintptr_t)stack;
	host.stack_size = KR_THREAD_STACK;
	equip(&borrower, thread, cpu, args->flags);
	result = kr_host_clone(&host, sizeof host, run, &borrower);
	/* Thread-local storage is shared, too. */
	kr_thread_adopt(thread);
	return result;
}

int64_t kr_vfork(struct kr_thread *thread, const struct clone_args *args, const struct kr_cpu_state *state)
{
	void *stack = mmap(NULL, KR_THREAD_STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct kr_cpu *cpu;
	int64_t result;

	if (stack == MAP_FAILED) {
		return -ENOMEM;
	}
	cpu = take_cpu(thread->machine);
	result = cpu != NULL ? kr_cpu_load(cpu, state) : -ENOMEM;
	if (result == 0) {
		result = lend(thread, args, stack, cpu);
		/* A signal may have ended the child between a fault and its delivery. */
		(void)kr_cpu_cancel_exception(cpu);
	}
	if (cpu != NULL) {
		kr_cpu_release(cpu);
	}
	(void)munmap(stack, KR_THREAD_STACK);
	return result;
}
