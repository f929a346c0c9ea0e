/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alone.h"

#include "../base/kernel.h"
#include "../base/fd.h"
#include "../base/listing.h"
#include "host_call.h"
#include "machine.h"
#include "thread.h"
#include "worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

#define LISTING_BYTES 1024u

/* The thread of this process beside the calling one, 0 for none. */
static pid_t find_other(const struct kr_machine *machine)
{
	_Alignas(struct kr_listed) char listing[LISTING_BYTES];
	kr_own_fd int tasks = openat(machine->proc, "self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long size = tasks >= 0 ? syscall(SYS_getdents64, tasks, listing, sizeof listing) : 0;

	for (long at = 0; at < size;) {
		const struct kr_listed *entry = (const void *)(listing + at);
		pid_t tid = (pid_t)strtol(entry->name, NULL, 10);

		if (tid != 0 && tid != kr_sys_gettid()) {
			return tid;
		}
		at += entry->size;
	}
	return 0;
}

/* Wait until the thread behind `pidfd` is no longer one of the process. */
static void wait_for_end(int pidfd)
{
	struct pollfd gone = { .fd = pidfd };
	siginfo_t ignored;

	while (ppoll(&gone, 1, NULL, NULL) < 0 && errno == EINTR) {
	}
	/* The kernel wakes the waiter before the thread is off the list, both under the lock that this takes. */
	(void)waitid(P_ALL, 0, &ignored, WEXITED | WNOHANG | WNOWAIT);
}

static void give_up_machine(struct kr_thread *thread)
{
	struct kr_machine *machine = thread->machine;
	pid_t worker = find_other(machine);
	kr_own_fd int pidfd = worker != 0 ? (int)syscall(SYS_pidfd_open, worker, PIDFD_THREAD) : -1;

	kr_cpu_forget_all(machine, thread->cpu);
	kr_descriptors_close(&machine->descriptors, machine->vm);
	machine->vm = -1;
	if (pidfd >= 0) {
		wait_for_end(pidfd);
	}
}

static int64_t call_once(int64_t nr, const uint64_t arg[6])
{
	int64_t result = syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);

	return result < 0 ? -errno : result;
}

static int64_t call_without_machine(struct kr_thread *thread, int64_t nr, const uint64_t arg[6])
{
	struct kr_cpu_state state;
	struct kr_err err = { .text = "its registers are lost" };
	int64_t result = kr_cpu_save(thread->cpu, &state);
	pid_t reserved;

	if (result < 0) {
		return result;
	}
	reserved = kr_worker_reserve(thread->machine);
	if (reserved < 0) {
		return -ENOMEM;
	}
	give_up_machine(thread);
	result = call_once(nr, arg);
	if (kr_machine_renew(thread->machine, thread->cpu, reserved, &err) < 0 ||
	    kr_cpu_load(thread->cpu, &state) < 0) {
		(void)dprintf(STDERR_FILENO, "krun-vm: the virtual machine cannot be made again: %s\n", err.text);
		kr_signals_die(SIGKILL);
	}
	return result;
}

bool kr_is_only_thread(struct kr_thread *thread)
{
	const struct kr_machine *machine = thread->machine;

	return !thread->is_borrower && __atomic_load_n(&machine->threads, __ATOMIC_ACQUIRE) == 1 &&
	       __atomic_load_n(&machine->borrowers, __ATOMIC_ACQUIRE) == 0;
}

bool kr_may_leave_files(struct kr_thread *thread)
{
	return kr_is_only_thread(thread) || (thread->is_borrower && !thread->machine->shares_files);
}

int64_t kr_call_alone(struct kr_thread *thread, int64_t nr, const uint64_t arg[6])
{
	struct kr_machine *machine = thread->machine;
	int64_t result = -EINVAL;

	/* A signal's handler would look for the processor. */
	kr_signals_block_host();
	kr_machine_lock_threads(machine);
	kr_thread_await_leavers(machine);
	kr_machine_lock_memory(machine);
	if (kr_is_only_thread(thread)) {
		/* The host threads that have just been awaited may have been all. */
		result = call_once(nr, arg);
		if (result == -EINVAL && kr_worker_may_be(machine)) {
			result = call_without_machine(thread, nr, arg);
		}
	}
	kr_machine_unlock_memory(machine);
	kr_machine_unlock_threads(machine);
	kr_signals_set_host_mask(thread->mask);
	return result;
}
