/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "thread.h"

#include "../base/kernel.h"
#include "machine.h"
#include "run.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A signal handler has no other way to find what it belongs to. */
static __thread struct kr_thread *current;

struct kr_thread *kr_thread_current(void)
{
	return current;
}

void kr_thread_adopt(struct kr_thread *thread)
{
	current = thread;
}

void kr_thread_enter(struct kr_thread *thread)
{
	thread->tid = kr_sys_gettid();
	kr_lock_holder_begin(&thread->holder);
	thread->next = thread->machine->first_thread;
	thread->machine->first_thread = thread;
}

static void take_off_list(struct kr_thread *thread)
{
	struct kr_thread **link = &thread->machine->first_thread;

	while (*link != NULL && *link != thread) {
		link = &(*link)->next;
	}
	if (*link != NULL) {
		*link = thread->next;
	}
}

/* What the kernel does for a thread that it ends: clear the word that a joiner waits for. */
static void wake_joiner(const struct kr_thread *thread)
{
	const uint32_t zero = 0;

	if (thread->clear_tid != 0 && kr_copy_to_guest(thread->clear_tid, &zero, sizeof zero) == 0) {
		(void)syscall(SYS_futex, thread->clear_tid, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

void kr_thread_await_leavers(struct kr_machine *machine)
{
	while (machine->leavers != NULL) {
		/* It lies on the stack that goes with its host thread; and who is killed here must not have it
		 * awaited a second time. */
		pthread_t host = machine->leavers->host;

		machine->leavers = machine->leavers->next;
		(void)pthread_join(host, NULL);
	}
}

/* A host thread that can be awaited is; those before it are awaited here, so that there seldom is more than one. */
void kr_thread_leave(struct kr_thread *thread)
{
	struct kr_machine *machine = thread->machine;

	kr_machine_lock_threads(machine);
	take_off_list(thread);
	if (!thread->is_main) {
		kr_thread_await_leavers(machine);
		thread->next = NULL;
		machine->leavers = thread;
	}
	kr_machine_unlock_threads(machine);
}

void kr_thread_exit(struct kr_thread *thread, int status)
{
	struct kr_machine *machine = thread->machine;

	kr_signals_block_host();
	/* Nor may it be joined again: the memory outlives the thread. */
	kr_lock_holder_chain(&thread->holder, 0, 0);
	kr_robust_list_release(thread, thread->robust_list);
	while (thread->is_borrower) {
		/* The machine and its threads are another process's. */
		(void)syscall(SYS_exit_group, status);
	}
	if (thread->is_main) {
		machine->main_status = status;
	}
	kr_thread_leave(thread);
	if (__atomic_sub_fetch(&machine->threads, 1, __ATOMIC_ACQ_REL) == 0) {
		/* KVM keeps a thread of its own in the process, which would outlive the guest's. */
		for (;;) {
			(void)syscall(SYS_exit_group, machine->main_status);
		}
	}
	wake_joiner(thread);
	if (thread->is_main) {
		for (;;) {
			(void)syscall(SYS_exit, status);
		}
	}
	thread->has_context = true;
	thread->has_ended = true;
}

/* What the parent tells the new host thread, and what it hears. */
struct start {
	struct kr_thread *parent;
	const struct kr_birth *birth;
	struct kr_cpu *cpu;
	sem_t begun;
	pid_t tid;
	int result;
};

static int load(struct kr_thread *thread, const struct kr_birth *birth)
{
	int result = kr_cpu_load(thread->cpu, &birth->state);

	if (result == 0 && birth->parent_tid != 0) {
		const pid_t tid = kr_sys_gettid();

		result = kr_copy_to_guest(birth->parent_tid, &tid, sizeof tid);
	}
	return result;
}

static void *run(void *argument)
{
	struct start *start = argument;
	const struct kr_thread *parent = start->parent;
	struct kr_thread thread = { .machine = parent->machine,
				    .host = pthread_self(),
				    .cpu = start->cpu,
				    .actions = parent->actions,
				    .descriptors = parent->descriptors,
				    .mask = parent->mask,
				    .altstack = { .flags = SS_DISABLE },
				    .entry = parent->entry,
				    .clear_tid = start->birth->clear_tid,
				    .seccomp = parent->seccomp };
	uint64_t child_tid = start->birth->child_tid;
	const pid_t tid = kr_sys_gettid();

	kr_thread_adopt(&thread);
	start->tid = tid;
	start->result = load(&thread, start->birth);
	thread.has_ended = start->result < 0;
	if (!thread.has_ended) {
		/* The parent holds the lock until it knows that this thread has begun. */
		kr_thread_enter(&thread);
	}
	/* From here on `start` and the parent are gone. */
	(void)sem_post(&start->begun);
	if (!thread.has_ended) {
		if (child_tid != 0) {
			/* As in the kernel, a word that is not there is the guest's own affair. */
			(void)kr_copy_to_guest(child_tid, &tid, sizeof tid);
		}
		kr_signals_set_host_mask(thread.mask);
		kr_run(&thread);
	}
	kr_cpu_release(thread.cpu);
	kr_lock_holder_end();
	return NULL;
}

static int start_host_thread(struct start *start)
{
	pthread_attr_t attributes;
	pthread_t id;
	int failed;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, KR_THREAD_STACK);
	failed = pthread_create(&id, &attributes, run, start);
	(void)pthread_attr_destroy(&attributes);
	if (failed != 0) {
		kr_cpu_release(start->cpu);
		return -failed;
	}
	while (sem_wait(&start->begun) != 0) {
	}
	if (start->result < 0) {
		(void)pthread_join(id, NULL);
	}
	return start->result;
}

int64_t kr_thread_start(struct kr_thread *parent, const struct kr_birth *birth)
{
	struct kr_machine *machine = parent->machine;
	struct start start = { .parent = parent, .birth = birth };
	struct kr_err err;
	int64_t result;

	kr_machine_lock_threads(machine);
	kr_machine_lock_memory(machine);
	start.cpu = kr_cpu_take(machine, &err);
	kr_machine_unlock_memory(machine);
	if (start.cpu == NULL) {
		result = -EAGAIN;
	} else {
		(void)sem_init(&start.begun, 0, 0);
		__atomic_fetch_add(&machine->threads, 1, __ATOMIC_ACQ_REL);
		result = start_host_thread(&start);
		if (result < 0) {
			__atomic_fetch_sub(&machine->threads, 1, __ATOMIC_ACQ_REL);
		}
	}
	kr_machine_unlock_threads(machine);
	return result < 0 ? result : start.tid;
}
