/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker.h"

#include "host_call.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
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
	int64_t pid = kr_host_clone(&args, sizeof args, run_first, cpu);

	while (pid > 0 && waitpid((pid_t)pid, NULL, (int)__WCLONE) < 0 && errno == EINTR) {
	}
}

int kr_worker_end(const struct kr_machine *machine, struct kr_cpu *cpu, struct kr_err *err)
{
	if (kr_worker_may_be(machine)) {
		run_in_child(cpu);
	}
	return machine->limits.kept[RLIMIT_NPROC].soft == RLIM_INFINITY ? 0 : kr_cpu_begin(cpu, err);
}
