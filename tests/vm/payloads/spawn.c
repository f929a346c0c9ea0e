/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Children that share their parent's memory until they execute a program: vfork and posix_spawn.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MISSING "/proc/self/no such program"

static volatile int word;
static char *volatile mapped;

static int status_of(pid_t child)
{
	int status = -1;

	EXPECT(child > 0 && waitpid(child, &status, 0) == child);
	return status;
}

static int child_writes_parents_memory(void)
{
	pid_t child = vfork();

	if (child == 0) {
		word = 5;
		_exit(3);
	}
	EXPECT(WEXITSTATUS(status_of(child)) == 3 && word == 5);
	return 0;
}

static int childs_mapping_is_the_parents(void)
{
	pid_t child = vfork();

	if (child == 0) {
		mapped = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mapped[4096] = 'm';
		_exit(0);
	}
	EXPECT(status_of(child) == 0 && mapped != MAP_FAILED && mapped[4096] == 'm');
	return 0;
}

static void note(int number)
{
	word = number;
}

static int childs_actions_and_descriptors_are_its_own(void)
{
	pid_t child;

	signal(SIGUSR1, note);
	child = vfork();
	if (child == 0) {
		signal(SIGUSR1, SIG_IGN);
		close(0);
		_exit(0);
	}
	EXPECT(status_of(child) == 0 && fcntl(0, F_GETFD) >= 0);
	raise(SIGUSR1);
	EXPECT(word == SIGUSR1);
	return 0;
}

static int parent_goes_on_after_a_killed_child(void)
{
	pid_t child = vfork();

	if (child == 0) {
		kill(getpid(), SIGKILL);
	}
	EXPECT(WTERMSIG(status_of(child)) == SIGKILL);
	child = vfork();
	if (child == 0) {
		*(volatile int *)(uintptr_t)(word & 0) = 1;
	}
	EXPECT(WTERMSIG(status_of(child)) == SIGSEGV);
	return child_writes_parents_memory();
}

static int child_may_fork(void)
{
	pid_t child = vfork();

	if (child == 0) {
		pid_t inner = fork();

		if (inner == 0) {
			_exit(7);
		}
		word = WEXITSTATUS(status_of(inner));
		inner = vfork();
		if (inner == 0) {
			_exit(8);
		}
		word = word * 10 + WEXITSTATUS(status_of(inner));
		_exit(0);
	}
	EXPECT(status_of(child) == 0 && word == 78);
	return 0;
}

static int spawn_says_why_it_failed(void)
{
	char *const args[] = { "x", NULL };
	posix_spawn_file_actions_t actions;
	pid_t child;

	EXPECT(posix_spawn(&child, MISSING, NULL, NULL, args, args) == ENOENT);
	EXPECT(posix_spawn(&child, "/proc/self/status", NULL, NULL, args, args) == EACCES);
	EXPECT(posix_spawn_file_actions_init(&actions) == 0);
	EXPECT(posix_spawn_file_actions_adddup2(&actions, 77, 1) == 0);
	EXPECT(posix_spawn(&child, "/proc/self/exe", &actions, NULL, args, args) == EBADF);
	EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	return 0;
}

static void *spawn_often(void *argument)
{
	char *const args[] = { "x", NULL };
	pid_t child;

	for (int i = 0; i < 100; i++) {
		EXPECT(posix_spawn(&child, MISSING, NULL, NULL, args, args) == ENOENT);
	}
	return argument;
}

static int threads_spawn_together(void)
{
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++) {
		EXPECT(pthread_create(&threads[i], NULL, spawn_often, NULL) == 0);
	}
	for (size_t i = 0; i < 4; i++) {
		EXPECT(pthread_join(threads[i], NULL) == 0);
	}
	return 0;
}

static void *be_there(void *nothing)
{
	return nothing;
}

/* Ends its thread, not its group, in the parent's memory. */
static int child_may_end_as_a_thread(void)
{
	pid_t child = vfork();
	pthread_t thread;
	int status;

	if (child == 0) {
		(void)syscall(SYS_exit, 6);
	}
	EXPECT(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 6);
	for (int i = 0; i < 3; i++) {
		EXPECT(pthread_create(&thread, NULL, be_there, NULL) == 0);
		EXPECT(pthread_join(thread, NULL) == 0);
	}
	return 0;
}

static int pipe_ends[2];

static void *write_later(void *nothing)
{
	const struct timespec time = { .tv_nsec = 100000000 };

	EXPECT(nanosleep(&time, NULL) == 0);
	mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(mapped != MAP_FAILED && write(pipe_ends[1], "x", 1) == 1);
	return nothing;
}

/* The child waits for another thread of its parent's, which goes on meanwhile. */
static int only_the_calling_thread_awaits_a_copy(void)
{
	pthread_t thread;
	pid_t child;

	EXPECT(pipe(pipe_ends) == 0 && pthread_create(&thread, NULL, write_later, NULL) == 0);
	child = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		struct pollfd said = { .fd = pipe_ends[0], .events = POLLIN };

		_exit(poll(&said, 1, 5000) == 1 ? 3 : 4);
	}
	EXPECT(WEXITSTATUS(status_of(child)) == 3 && pthread_join(thread, NULL) == 0);
	return 0;
}

/* Not for the children that it leaves behind, which have a copy of all that it had, and not for less. */
static int copy_is_awaited_until_it_ends(void)
{
	const struct timespec time = { .tv_nsec = 100000000 };
	pid_t *orphan = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	EXPECT(orphan != MAP_FAILED);
	child = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		pid_t grandchild = fork();

		if (grandchild == 0) {
			for (;;) {
				pause();
			}
		}
		nanosleep(&time, NULL);
		*orphan = grandchild;
		_exit(3);
	}
	EXPECT(*orphan > 0 && kill(*orphan, SIGKILL) == 0);
	EXPECT(WEXITSTATUS(status_of(child)) == 3);
	return 0;
}

/* The program that it executes goes on long enough. */
static int copy_is_awaited_until_it_executes(void)
{
	char *const args[] = { "spawn", "waits_to_be_killed", NULL };
	pid_t child = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);

	if (child == 0) {
		execv("/proc/self/exe", args);
		_exit(1);
	}
	EXPECT(kill(child, SIGKILL) == 0 && WTERMSIG(status_of(child)) == SIGKILL);
	return 0;
}

static volatile int is_over;

static void *ask_for_own_path(void *nothing)
{
	char path[4096];

	while (!is_over) {
		EXPECT(readlink("/proc/self/exe", path, sizeof path) > 0);
	}
	return nothing;
}

/* In the child there is nobody who would finish what another thread has begun in the parent. */
static int forked_child_knows_its_path(void)
{
	enum { FORKS = 200, PATIENCE_MS = 5000 };
	pthread_t threads[2];
	char path[4096];

	for (size_t i = 0; i < 2; i++) {
		EXPECT(pthread_create(&threads[i], NULL, ask_for_own_path, NULL) == 0);
	}
	for (int i = 0; i < FORKS; i++) {
		struct pollfd end = { .events = POLLIN };
		pid_t child = fork();

		if (child == 0) {
			_exit(readlink("/proc/self/exe", path, sizeof path) > 0 ? 0 : 1);
		}
		end.fd = (int)syscall(SYS_pidfd_open, child, 0);
		if (poll(&end, 1, PATIENCE_MS) != 1) {
			(void)kill(child, SIGKILL);
		}
		EXPECT(status_of(child) == 0 && close(end.fd) == 0);
	}
	is_over = 1;
	for (size_t i = 0; i < 2; i++) {
		EXPECT(pthread_join(threads[i], NULL) == 0);
	}
	return 0;
}

static int execute_for_ever(void)
{
	(void)execl("/proc/self/exe", "spawn", "executes_for_ever", NULL);
	return 1;
}

/* However far an exec has come: its process group stops. */
static int group_stops_at_any_moment(void)
{
	for (long round = 0; round < 150; round++) {
		const struct timespec moment = { .tv_nsec = round * 37000 };
		pid_t child = fork();
		int status = 0;

		if (child == 0) {
			(void)setpgid(0, 0);
			_exit(execute_for_ever());
		}
		EXPECT(child > 0 && (setpgid(child, child) == 0 || errno == EACCES));
		(void)nanosleep(&moment, NULL);
		EXPECT(kill(-child, SIGTSTP) == 0);
		EXPECT(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
		EXPECT(kill(-child, SIGKILL) == 0 && WTERMSIG(status_of(child)) == SIGKILL);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE(child_writes_parents_memory),
		CASE(childs_mapping_is_the_parents),
		CASE(childs_actions_and_descriptors_are_its_own),
		CASE(parent_goes_on_after_a_killed_child),
		CASE(child_may_fork),
		CASE(child_may_end_as_a_thread),
		CASE(spawn_says_why_it_failed),
		CASE(threads_spawn_together),
		CASE(forked_child_knows_its_path),
		CASE(only_the_calling_thread_awaits_a_copy),
		CASE(copy_is_awaited_until_it_ends),
		CASE(copy_is_awaited_until_it_executes),
		CASE(group_stops_at_any_moment),
		{ "waits_to_be_killed", pause },
		{ "executes_for_ever", execute_for_ever },
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
