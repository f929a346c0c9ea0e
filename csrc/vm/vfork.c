/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The child is a process of its own on the host, with its own descriptors and dispositions of signals, that shares
 * the monitor's memory; its parent's host thread waits, as the kernel has it.  It runs on a processor of its
 * parent's machine, which the parent takes for it beforehand so that both have its descriptor.  posix_spawn relies
 * on the sharing: the child leaves the errno of its exec in its parent's memory.
 *
 * Without CLONE_VFORK it is a host thread of the monitor's own that waits, so that everything it lends,
 * thread-local storage too, is the child's until the kernel says that the child is through, however it has ended.
 *
 * What the child changes of the record of the guest's memory stays, because that is shared; it has actions and
 * descriptors of its own.
 */
#include "vfork.h"

#include "../base/clone.h"
#include "awaited.h"
#include "host_call.h"
#include "machine.h"
#include "run.h"
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not CLONE_NEWPID: its number would be one of a thread of its parent's, and both name the holder of a lock. */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWUSER)
#define NUMBERS \
	(CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SETTLS | \
	 CLONE_PARENT)
#define IGNORED (CLONE_SYSVSEM | CLONE_DETACHED | CLONE_PTRACE | CLONE_UNTRACED | CLONE_IO)
#define ACCEPTED \
	(NAMESPACES | NUMBERS | IGNORED | CLONE_VM | CLONE_VFORK | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
	 CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP)

/* What the child has of its own in the shared memory. */
struct borrower {
	struct kr_thread thread;
	struct kr_actions actions;
	struct kr_descriptors descriptors;
};

/* What the calling thread and the host thread in its place tell each other; the latter unmaps it. */
struct share {
	const struct kr_thread *parent;
	struct clone_args args;
	struct kr_cpu_state state;
	uint64_t parent_tid; /* the guest's word for the child's number, 0 for none */
	pid_t child;         /* the kernel's, before the child begins */
	int64_t result;      /* when there is no child */
	sem_t known;         /* one or the other */
	sem_t taken;
};

bool kr_vfork_fits(const struct kr_thread *thread, const struct clone_args *args)
{
	/* Nor may the number of a child that is born into another namespace be that of one that shares the memory.
	 */
	bool is_alone = __atomic_load_n(&thread->machine->threads, __ATOMIC_ACQUIRE) == 1 &&
			__atomic_load_n(&thread->machine->borrowers, __ATOMIC_ACQUIRE) == 0 &&
			(args->flags & CLONE_VFORK) != 0;

	return !thread->is_borrower && (args->flags & CLONE_VM) != 0 && (args->flags & ~(uint64_t)ACCEPTED) == 0 &&
	       (is_alone || kr_worker_may_be(thread->machine));
}

/* Only now, so that nobody who reads the word finds the child unborn. */
static void tell(struct share *share)
{
	if (share->parent_tid != 0) {
		(void)kr_copy_to_guest(share->parent_tid, &share->child, sizeof share->child);
	}
	(void)sem_post(&share->known);
}

static void run(void *argument)
{
	struct borrower *borrower = argument;

	/* In the place of the lender, who waits: until it is adopted this thread passes for that one. */
	kr_machine_unlock_memory(borrower->thread.machine);
	kr_thread_adopt(&borrower->thread);
	kr_lock_holder_begin(&borrower->thread.holder);
	if (borrower->thread.descriptors == &borrower->descriptors) {
		kr_awaited_forget(&borrower->descriptors);
	}
	if (borrower->thread.share != NULL) {
		tell(borrower->thread.share);
		borrower->thread.share = NULL;
	}
	kr_signals_set_host_mask(borrower->thread.mask);
	kr_run(&borrower->thread);
}

static void equip(struct borrower *borrower, const struct kr_thread *thread, struct kr_cpu *cpu, uint64_t flags)
{
	const bool has_files = (flags & CLONE_FILES) == 0;

	borrower->actions.lock = (struct kr_lock){ .bytes = { 0 } };
	borrower->descriptors = *thread->descriptors;
	kr_descriptors_unspare_all(&borrower->descriptors);
	thread->machine->shares_files = thread->machine->shares_files || !has_files;
	kr_actions_lock(thread->actions);
	memcpy(borrower->actions.action, thread->actions->action, sizeof borrower->actions.action);
	kr_actions_unlock(thread->actions);
	if ((flags & CLONE_CLEAR_SIGHAND) != 0) {
		kr_signals_forget_handlers(&borrower->actions);
	}
	borrower->thread =
		(struct kr_thread){ .machine = thread->machine,
				    .cpu = cpu,
				    .actions = (flags & CLONE_SIGHAND) == 0 ? &borrower->actions : thread->actions,
				    .descriptors = has_files ? &borrower->descriptors : thread->descriptors,
				    .mask = thread->mask,
				    .altstack = thread->altstack,
				    .entry = thread->entry,
				    .seccomp = thread->seccomp,
				    .share = thread->share,
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

/* The memory outlives who lends it, and the kernel is not to go through the guest's lists of mutexes in it. */
static void begin_lending(struct kr_machine *machine)
{
	kr_machine_lock_threads(machine);
	if (__atomic_fetch_add(&machine->borrowers, 1, __ATOMIC_ACQ_REL) == 0) {
		for (struct kr_thread *thread = machine->first_thread; thread != NULL; thread = thread->next) {
			kr_lock_holder_cut(&thread->holder);
		}
	}
	kr_machine_unlock_threads(machine);
}

static void end_lending(struct kr_machine *machine)
{
	kr_machine_lock_threads(machine);
	if (__atomic_sub_fetch(&machine->borrowers, 1, __ATOMIC_ACQ_REL) == 0) {
		for (struct kr_thread *thread = machine->first_thread; thread != NULL; thread = thread->next) {
			kr_lock_holder_join(&thread->holder);
		}
	}
	kr_machine_unlock_threads(machine);
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
	/* From the copy of the record on until the kernel has copied the descriptors, nobody makes one. */
	kr_machine_lock_memory(thread->machine);
	equip(&borrower, thread, cpu, args->flags);
	result = kr_clone(&host, sizeof host, run, &borrower);
	/* Thread-local storage is shared, too. */
	kr_thread_adopt(thread);
	/* The child has, unless there is none or it was killed first. */
	kr_machine_unlock_memory(thread->machine);
	return result;
}

int64_t kr_vfork(struct kr_thread *thread, const struct clone_args *args, const struct kr_cpu_state *state)
{
	void *stack = mmap(NULL, KR_THREAD_STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct kr_machine *machine = thread->machine;
	struct kr_cpu *cpu;
	int64_t result;

	if (stack == MAP_FAILED) {
		return -ENOMEM;
	}
	cpu = take_cpu(machine);
	result = cpu != NULL ? kr_cpu_load(cpu, state) : -ENOMEM;
	if (result == 0) {
		begin_lending(machine);
		result = lend(thread, args, stack, cpu);
		end_lending(machine);
		/* A signal may have ended the child between a fault and its delivery. */
		(void)kr_cpu_cancel_exception(cpu);
	}
	if (cpu != NULL) {
		kr_cpu_release(cpu);
	}
	(void)munmap(stack, KR_THREAD_STACK);
	return result;
}

static void *stand_in(void *argument)
{
	struct share *share = argument;
	struct kr_thread thread = { .machine = share->parent->machine,
				    .host = pthread_self(),
				    .actions = share->parent->actions,
				    .descriptors = share->parent->descriptors,
				    .mask = share->parent->mask,
				    .altstack = { .flags = SS_DISABLE },
				    .entry = share->parent->entry,
				    .seccomp = share->parent->seccomp,
				    .share = share };

	kr_thread_adopt(&thread);
	kr_lock_holder_begin(&thread.holder);
	share->result = kr_vfork(&thread, &share->args, &share->state);
	/* The child has said so before, unless it was killed first. */
	(void)sem_post(&share->known);
	while (sem_wait(&share->taken) != 0) {
	}
	(void)munmap(share, sizeof *share);
	kr_thread_leave(&thread);
	kr_lock_holder_end();
	return NULL;
}

static int64_t start_stand_in(struct share *share)
{
	struct kr_machine *machine = share->parent->machine;
	pthread_attr_t attributes;
	pthread_t id;
	int64_t result;
	int failed;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, KR_THREAD_STACK);
	/* No fork may copy what the C library holds meanwhile. */
	kr_machine_lock_threads(machine);
	failed = pthread_create(&id, &attributes, stand_in, share);
	kr_machine_unlock_threads(machine);
	(void)pthread_attr_destroy(&attributes);
	if (failed != 0) {
		(void)munmap(share, sizeof *share);
		return -failed;
	}
	while (sem_wait(&share->known) != 0) {
	}
	result = share->child != 0 ? share->child : share->result;
	(void)sem_post(&share->taken);
	return result;
}

int64_t kr_share(struct kr_thread *thread, const struct clone_args *args, const struct kr_cpu_state *state)
{
	struct share *share = mmap(NULL, sizeof *share, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (share == MAP_FAILED) {
		return -ENOMEM;
	}
	*share = (struct share){ .parent = thread,
				 .args = *args,
				 .state = *state,
				 .parent_tid = (args->flags & CLONE_PARENT_SETTID) != 0 ? args->parent_tid : 0 };
	share->args.flags |= CLONE_VFORK | CLONE_PARENT_SETTID;
	share->args.parent_tid = (uint64_t)(uintptr_t)&share->child;
	(void)sem_init(&share->known, 0, 0);
	(void)sem_init(&share->taken, 0, 0);
	return start_stand_in(share);
}
