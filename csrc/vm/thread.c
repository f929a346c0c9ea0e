/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "thread.h"

#include "machine.h"

#include <linux/futex.h>
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

/* What the kernel does for a thread that it ends: clear the word that a joiner waits for. */
static void wake_joiner(const struct kr_thread *thread)
{
	const uint32_t zero = 0;

	if (thread->clear_tid != 0 && kr_copy_to_guest(thread->clear_tid, &zero, sizeof zero) == 0) {
		(void)syscall(SYS_futex, thread->clear_tid, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

void kr_thread_exit(struct kr_thread *thread, int status)
{
	struct kr_machine *machine = thread->machine;

	kr_robust_list_release(thread, thread->robust_list);
	if (__atomic_fetch_sub(&machine->threads, 1, __ATOMIC_ACQ_REL) > 1) {
		wake_joiner(thread);
	}
	for (;;) {
		(void)syscall(SYS_exit, status);
	}
}
