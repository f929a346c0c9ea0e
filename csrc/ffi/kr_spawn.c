/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kr_spawn.h"

#include "../base/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_STACK 16384

struct spawn {
	int image;
	char *const *args;
	const int *inherit;
	unsigned inherit_count;
	const struct kr_cgroups *cgroups;
	int error; /* the child's errno */
};

static int inherit_descriptors(const struct spawn *spawn)
{
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) {
		return -1;
	}
	for (unsigned i = 0; i < spawn->inherit_count; i++) {
		if (fcntl(spawn->inherit[i], F_SETFD, 0) != 0) {
			return -1;
		}
	}
	return 0;
}

/* A thread that moves itself through a v1 `tasks` file spares the kernel the wait for every other CPU
 * (an RCU grace period, five to twenty milliseconds) that moving a process by its pid costs. */
static int enter_cgroups(const struct kr_cgroups *cgroups)
{
	for (unsigned i = 0; i < cgroups->tasks_count; i++) {
		if (write(cgroups->tasks[i], "0", 1) != 1) {
			return -1;
		}
	}
	return 0;
}

/* In the parent's memory, on a stack in its frame, while the parent waits. */
static void run_child(void *argument)
{
	struct spawn *spawn = argument;
	struct sigaction standard = { .sa_handler = SIG_DFL };
	char *const no_environment[] = { NULL };
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++) {
		(void)sigaction(signal, &standard, NULL); /* fails for SIGKILL, SIGSTOP and glibc's own */
	}
	(void)sigemptyset(&none);
	if (enter_cgroups(spawn->cgroups) == 0 && inherit_descriptors(spawn) == 0 &&
	    sigprocmask(SIG_SETMASK, &none, NULL) == 0) {
		(void)execveat(spawn->image, "", spawn->args, no_environment, AT_EMPTY_PATH);
	}
	spawn->error = errno;
	_exit(127);
}

int kr_spawn(int image, char *const args[], const int *inherit, unsigned inherit_count,
	     const struct kr_cgroups *cgroups, int *pidfd)
{
	struct spawn spawn = {
		.image = image,
		.args = args,
		.inherit = inherit,
		.inherit_count = inherit_count,
		.cgroups = cgroups,
	};
	_Alignas(16) char stack[CHILD_STACK];
	int fd = -1;
	/* The interpreter's page tables are not copied. */
	struct clone_args how = {
		.flags = (uint64_t)(CLONE_VM | CLONE_VFORK | CLONE_PIDFD),
		.pidfd = (uintptr_t)&fd,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof stack,
	};
	sigset_t all;
	sigset_t before;
	int error;
	int pid;

	if (cgroups->unified >= 0) {
		how.flags |= (__u64)CLONE_INTO_CGROUP;
		how.cgroup = (__u64)cgroups->unified;
	}
	/* No handler of the parent's may run in the child. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = (int)kr_clone(&how, sizeof how, run_child, &spawn);
	error = pid < 0 ? -pid : spawn.error;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		if (pid > 0) {
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
			}
			(void)close(fd);
		}
		return -error;
	}
	*pidfd = fd;
	return pid;
}
