/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker.h"

#include "../base/clone.h"
#include "../base/fd.h"
#include "host_call.h"
#include "machine.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_STACK 8192u

bool kr_worker_may_be(const struct kr_machine *machine)
{
	struct stat own;
	struct stat childrens;

	return fstatat(machine->proc, "self/ns/pid", &own, 0) == 0 &&
	       fstatat(machine->proc, "self/ns/pid_for_children", &childrens, 0) == 0 &&
	       own.st_ino == childrens.st_ino && own.st_dev == childrens.st_dev;
}

/* Bring children back to this process's own namespace.  It takes CAP_SYS_ADMIN over that. */
static bool bring_children_home(const struct kr_machine *machine)
{
	kr_own_fd int own = openat(machine->proc, "self/ns/pid", O_RDONLY | O_CLOEXEC);

	return own >= 0 && setns(own, CLONE_NEWPID) == 0;
}

/* `to` is where they were before, -1 where nobody could open it: then it has never had a process, and another one
 * does as well. */
static void send_children_away(int to)
{
	if (to < 0 || setns(to, CLONE_NEWPID) != 0) {
		(void)unshare(CLONE_NEWPID);
	}
}

static int children_namespace(const struct kr_machine *machine)
{
	return openat(machine->proc, "self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
}

bool kr_worker_can_be(const struct kr_machine *machine)
{
	kr_own_fd int childrens = -1;

	if (kr_worker_may_be(machine)) {
		return true;
	}
	childrens = children_namespace(machine);
	if (!bring_children_home(machine)) {
		return false;
	}
	send_children_away(childrens);
	return true;
}

/* A process of this one's that shares its memory.  It has ended when this returns, and stays to be awaited.  Its
 * number, or -errno.
 *
 * It has every signal blocked: one that stops its process group would leave it stopped, and this process waiting
 * for it, which nothing can stop: whoever waits for the group to stop would wait for ever. */
static pid_t start_child(void (*call)(void *), void *argument)
{
	uint64_t before;
	pid_t child;
	_Alignas(16) uint8_t stack[CHILD_STACK];
	const struct clone_args args = { .flags = CLONE_VM | CLONE_VFORK | CLONE_FILES,
					 .stack = (uint64_t)(uintptr_t)stack,
					 .stack_size = sizeof stack };

	before = kr_signals_swap_host_mask(~0ull);
	child = (pid_t)kr_clone(&args, sizeof args, call, argument);
	kr_signals_set_host_mask(before);
	return child;
}

/* The child, and a task that it leads to, have to be of this process's namespace. */
static pid_t start_child_at_home(const struct kr_machine *machine, void (*call)(void *), void *argument)
{
	kr_own_fd int childrens = -1;
	pid_t child = -EPERM;

	if (kr_worker_may_be(machine)) {
		return start_child(call, argument);
	}
	childrens = children_namespace(machine);
	if (bring_children_home(machine)) {
		child = start_child(call, argument);
		send_children_away(childrens);
	}
	return child;
}

static void await(pid_t child)
{
	while (child > 0 && waitpid(child, NULL, (int)__WCLONE) < 0 && errno == EINTR) {
	}
}

static void end(void *ignored)
{
	(void)ignored;
	for (;;) {
		(void)syscall(SYS_exit_group, 0);
	}
}

struct first_run {
	struct kr_cpu *cpu;
	bool has_been;
};

static void run_first(void *argument)
{
	struct first_run *run = argument;
	struct kr_err ignored;

	run->has_been = kr_cpu_begin(run->cpu, &ignored) == 0;
	end(NULL);
}

/* The child's errors do not matter: the caller makes a run of its own behind it, and has them. */
static bool run_in_child(const struct kr_machine *machine, struct kr_cpu *cpu)
{
	struct first_run run = { .cpu = cpu };

	await(start_child_at_home(machine, run_first, &run));
	return run.has_been;
}

pid_t kr_worker_reserve(struct kr_machine *machine)
{
	pid_t child;

	kr_limits_lift(machine);
	child = start_child_at_home(machine, end, NULL);
	kr_limits_restore(machine);
	return child < 0 && machine->has_worker ? 0 : child;
}

void kr_worker_release(pid_t reserved)
{
	await(reserved);
}

int kr_worker_end(struct kr_machine *machine, struct kr_cpu *cpu, pid_t reserved, struct kr_err *err)
{
	int result = 0;

	machine->has_worker = !run_in_child(machine, cpu);
	kr_worker_release(reserved);
	if (machine->has_worker) {
		result = kr_cpu_begin(cpu, err);
	}
	return result;
}
