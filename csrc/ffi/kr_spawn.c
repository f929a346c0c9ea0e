/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kr_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)64 * 1024)

struct spawn {
	int image;
	char *const *args;
	const int *inherit;
	unsigned inherit_count;
	int error; /* the child's errno, seen by the parent because both share the memory */
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

/* The child, in the parent's memory: nothing here may write to what the parent reads, but `error`. */
static int run_child(void *argument)
{
	struct spawn *spawn = argument;
	struct sigaction standard = { .sa_handler = SIG_DFL };
	char *const no_environment[] = { NULL };
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++) {
		(void)sigaction(signal, &standard, NULL); /* fails for SIGKILL, SIGSTOP and glibc's own */
	}
	(void)sigemptyset(&none);
	if (inherit_descriptors(spawn) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0) {
		(void)execveat(spawn->image, "", spawn->args, no_environment, AT_EMPTY_PATH);
	}
	spawn->error = errno;
	_exit(127);
}

int kr_spawn(int image, char *const args[], const int *inherit, unsigned inherit_count, int *pidfd)
{
	struct spawn spawn = { .image = image, .args = args, .inherit = inherit, .inherit_count = inherit_count };
	sigset_t all;
	sigset_t before;
	void *stack;
	int pid;
	int fd = -1;

	stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED) {
		return -errno;
	}
	/* No handler of the parent may run in the child, which shares its memory. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = clone(run_child, (char *)stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &spawn,
		    &fd);
	spawn.error = pid < 0 ? errno : spawn.error;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)munmap(stack, STACK_BYTES);
	if (spawn.error != 0) {
		if (pid > 0) {
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
			}
			(void)close(fd);
		}
		return -spawn.error;
	}
	*pidfd = fd;
	return pid;
}
