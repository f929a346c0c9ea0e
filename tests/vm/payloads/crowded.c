/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A process that makes others, or threads, until its cgroup allows no more: it is told so, and whoever was made is
 * there.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST  100 /* more than the limit */
#define LEAST 15  /* and fewer */
#define UP    3   /* the descriptor by which a child says that it is there */

extern char **environ;

static volatile sig_atomic_t ended;

static void count_end(int signal)
{
	(void)signal;
	ended++;
}

static int say_up(void)
{
	EXPECT(write(UP, "u", 1) == 1);
	close(UP);
	for (;;) {
		pause();
	}
}

static pid_t by_fork(void)
{
	pid_t child = fork();

	if (child == 0) {
		say_up();
	}
	return child;
}

static pid_t by_vfork(void)
{
	static char self[] = "/proc/self/exe";
	static char name[] = "up";
	char *const args[] = { self, name, NULL };
	volatile int failed = 0;
	pid_t child = vfork();

	if (child == 0) {
		execv(self, args);
		failed = errno;
		_exit(1);
	}
	if (child > 0 && failed != 0) {
		EXPECT(waitpid(child, NULL, 0) == child);
		ended = 0;
		errno = failed;
		return -1;
	}
	return child;
}

static pid_t by_spawn(void)
{
	static char self[] = "/proc/self/exe";
	static char name[] = "up";
	char *const args[] = { self, name, NULL };

	pid_t child;

	errno = posix_spawn(&child, self, NULL, NULL, args, environ);
	ended = errno != 0 ? 0 : ended; /* its end was awaited by the C library */
	return errno == 0 ? child : -1;
}

/* As fork, and its number and a descriptor are told. */
static pid_t by_clone3(void)
{
	int pidfd = -5;
	pid_t number = -6;
	struct clone_args args = { .flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
				   .pidfd = (uint64_t)(uintptr_t)&pidfd,
				   .parent_tid = (uint64_t)(uintptr_t)&number,
				   .exit_signal = SIGCHLD };
	long child = syscall(SYS_clone3, &args, sizeof args);
	int failed = errno;

	if (child == 0) {
		say_up();
	}
	if (child > 0) {
		EXPECT(number == child && fcntl(pidfd, F_GETFD) == FD_CLOEXEC && close(pidfd) == 0);
	} else {
		EXPECT(number == -6);
	}
	errno = failed;
	return (pid_t)child;
}

/* The next descriptor is where it was before a child that is refused. */
static pid_t make(pid_t (*by)(void), int *up)
{
	int ends[2];
	pid_t child;
	int failed;

	EXPECT(pipe2(ends, O_CLOEXEC) == 0 && dup2(ends[1], UP) == UP && close(ends[1]) == 0);
	child = by();
	failed = errno;
	EXPECT(close(UP) == 0 && open("/dev/null", O_RDONLY) == UP);
	*up = ends[0];
	errno = failed;
	return child;
}

static pid_t children[MOST];
static int count;

/* Each of them is there before the next one is made. */
static void make_all(pid_t (*by)(void))
{
	char byte;
	int up;

	while (count < MOST && (children[count] = make(by, &up)) > 0) {
		EXPECT(read(up, &byte, 1) == 1);
		EXPECT(close(up) == 0);
		count++;
	}
	EXPECT(count < MOST && errno == EAGAIN);
	EXPECT(read(up, &byte, 1) == 0);
	EXPECT(close(up) == 0);
}

static void end_last(void)
{
	pid_t child = children[--count];
	int status;

	EXPECT(kill(child, SIGTERM) == 0);
	while (waitpid(child, &status, 0) != child) {
		EXPECT(errno == EINTR);
	}
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* With room for all that a new process may take for a moment, and with room for less. */
static int crowd(pid_t (*by)(void))
{
	const struct sigaction counted = { .sa_handler = count_end };
	pid_t first;

	EXPECT(open("/dev/null", O_RDONLY) == UP);
	EXPECT(sigaction(SIGCHLD, &counted, NULL) == 0);
	make_all(by);
	EXPECT(count >= LEAST && ended == 0);
	first = children[0];
	children[0] = children[count - 1];
	children[count - 1] = first;
	end_last();
	ended = 0;
	make_all(by);
	EXPECT(ended == 0);
	EXPECT(waitpid(-1, NULL, WNOHANG | __WALL) == 0);
	while (count > 0) {
		end_last();
	}
	EXPECT(waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD);
	return 0;
}

static int fork_is_refused(void)
{
	return crowd(by_fork);
}

static int clone3_is_refused(void)
{
	return crowd(by_clone3);
}

static int vfork_is_refused(void)
{
	return crowd(by_vfork);
}

static int spawn_is_refused(void)
{
	return crowd(by_spawn);
}

/* The end of a child that was made is told, whoever was refused behind it. */
static int end_of_another_is_told_beside_who_is_refused(void)
{
	sigset_t set;
	siginfo_t info;
	pid_t first;

	EXPECT(open("/dev/null", O_RDONLY) == UP);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	EXPECT(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	make_all(by_fork);
	first = children[0];
	children[0] = children[--count];
	end_last();
	EXPECT(sigwaitinfo(&set, &info) == SIGCHLD);
	EXPECT(kill(first, SIGKILL) == 0 && waitid(P_PID, (id_t)first, &info, WEXITED | WNOWAIT) == 0);
	make_all(by_fork);
	EXPECT(sigwaitinfo(&set, &info) == SIGCHLD && info.si_pid == first && info.si_status == SIGKILL);
	EXPECT(sigpending(&set) == 0 && sigismember(&set, SIGCHLD) == 0);
	EXPECT(waitpid(first, NULL, 0) == first);
	while (count > 0) {
		end_last();
	}
	return 0;
}

static void *stay(void *argument)
{
	for (;;) {
		pause();
	}
	return argument;
}

static int thread_is_refused_and_those_before_it_stay(void)
{
	pthread_t thread;
	int count = 0;
	int failed;

	while ((failed = pthread_create(&thread, NULL, stay, NULL)) == 0) {
		EXPECT(++count < MOST);
	}
	EXPECT(failed == EAGAIN && count >= LEAST);
	_exit(0);
}

/* Its descriptors end at the limit of whoever started it. */
static int fork_with_all_descriptors(void)
{
	int status;
	pid_t child;

	while (dup(1) >= 0) {
	}
	EXPECT(errno == EMFILE);
	child = fork();
	if (child == 0) {
		_exit(5);
	}
	EXPECT(child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
#define CASE(name) { #name, name }
		CASE(fork_is_refused),
		CASE(clone3_is_refused),
		CASE(vfork_is_refused),
		CASE(spawn_is_refused),
		CASE(end_of_another_is_told_beside_who_is_refused),
		CASE(thread_is_refused_and_those_before_it_stay),
		CASE(fork_with_all_descriptors),
		{ NULL, NULL },
	};

	return argc > 1 && strcmp(argv[1], "up") == 0 ? say_up() : run_case(cases, argc, argv);
}
