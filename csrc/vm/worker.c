/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker.h"

#include "../base/clone.h"
#include "../base/fd.h"
#include "host_call.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/resource.h>
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

static void run_first(void *argument)
{
	struct kr_err ignored;

	(void)kr_cpu_begin(argument, &ignored);
	for (;;) {
		(void)syscall(SYS_exit_group, 0);
	}
}

/* The child's errors do not matter: the caller makes a run of its own behind it, and has them. */
static void run_in_child(struct kr_cpu *cpu)
{
	_Alignas(16) uint8_t stack[CHILD_STACK];
	const struct clone_args args = { .flags = CLONE_VM | CLONE_VFORK | CLONE_FILES,
					 .stack = (uint64_t)(uintptr_t)stack,
					 .stack_size = sizeof stack };
	int64_t pid = kr_clone(&args, sizeof args, run_first, cpu);

	while (pid > 0 && waitpid((pid_t)pid, NULL, (int)__WCLONE) < 0 && errno == EINTR) {
	}
}

/* The task and the child have to be of this process's namespace. */
static void run_in_child_from_here(const struct kr_machine *machine, struct kr_cpu *cpu)
{
	kr_own_fd int childrens = children_namespace(machine);

	if (bring_children_home(machine)) {
		run_in_child(cpu);
		send_children_away(childrens);
	}
}

int kr_worker_end(const struct kr_machine *machine, struct kr_cpu *cpu, struct kr_err *err)
{
	if (kr_worker_may_be(machine)) {
		run_in_child(cpu);
	} else {
		run_in_child_from_here(machine, cpu);
	}
	return machine->limits.kept[RLIMIT_NPROC].soft == RLIM_INFINITY ? 0 : kr_cpu_begin(cpu, err);
}
