/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Robust mutexes: whoever dies with one locked leaves it to who waits for it.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t *mutexes;

/* Two, shared with children. */
static void share_mutexes(void)
{
	pthread_mutexattr_t attributes;

	mutexes = mmap(NULL, 2 * sizeof *mutexes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(mutexes != MAP_FAILED && pthread_mutexattr_init(&attributes) == 0);
	EXPECT(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
	EXPECT(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
	for (int i = 0; i < 2; i++) {
		EXPECT(pthread_mutex_init(&mutexes[i], &attributes) == 0);
	}
}

static void check_released(void)
{
	alarm(10);
	for (int i = 0; i < 2; i++) {
		EXPECT(pthread_mutex_lock(&mutexes[i]) == EOWNERDEAD);
		EXPECT(pthread_mutex_consistent(&mutexes[i]) == 0);
		EXPECT(pthread_mutex_unlock(&mutexes[i]) == 0);
	}
}

/* _exit of the whole process, not of the thread. */
static int exit_releases(void)
{
	pid_t child;

	share_mutexes();
	child = fork();
	if (child == 0) {
		_exit(pthread_mutex_lock(&mutexes[0]) != 0 || pthread_mutex_lock(&mutexes[1]) != 0);
	}
	EXPECT(waitpid(child, NULL, 0) == child);
	check_released();
	return 0;
}

static void *lock_both(void *written_to)
{
	EXPECT(pthread_mutex_lock(&mutexes[0]) == 0 && pthread_mutex_lock(&mutexes[1]) == 0);
	EXPECT(write(*(int *)written_to, "l", 1) == 1);
	for (;;) {
		pause();
	}
}

static void *lock_in_the_main_thread(int *written_to)
{
	return lock_both(written_to);
}

static void *lock_in_a_thread(int *written_to)
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, lock_both, written_to) == 0);
	for (;;) {
		pause();
	}
}

/* After a child has borrowed the memory, and been killed in it, too. */
static void *lock_behind_a_vfork(int *written_to)
{
	pid_t inner = vfork();

	if (inner == 0) {
		kill(getpid(), SIGKILL);
	}
	waitpid(inner, NULL, 0);
	return lock_both(written_to);
}

/* Return a child that has locked both. */
static pid_t start_owner(void *(*lock)(int *))
{
	int fds[2];
	char byte;
	pid_t child;

	share_mutexes();
	EXPECT(pipe(fds) == 0);
	child = fork();
	if (child == 0) {
		lock(&fds[1]);
	}
	EXPECT(read(fds[0], &byte, 1) == 1);
	EXPECT(pthread_mutex_trylock(&mutexes[1]) == EBUSY);
	return child;
}

static void check_death(void *(*lock)(int *), int number)
{
	pid_t child = start_owner(lock);

	EXPECT(kill(child, number) == 0 && waitpid(child, NULL, 0) == child);
	check_released();
}

/* Whoever dies without a call of its own: by a signal, its main thread's or another's locks. */
static int death_releases(void)
{
	check_death(lock_in_the_main_thread, SIGTERM);
	check_death(lock_in_the_main_thread, SIGKILL);
	check_death(lock_in_a_thread, SIGTERM);
	check_death(lock_in_a_thread, SIGKILL);
	return 0;
}

static int death_of_a_lender_of_memory_releases(void)
{
	check_death(lock_behind_a_vfork, SIGKILL);
	return 0;
}

static void *kill_soon(void *child)
{
	usleep(50000);
	kill(*(pid_t *)child, SIGKILL);
	return NULL;
}

static int death_wakes_who_waits(void)
{
	pid_t child = start_owner(lock_in_the_main_thread);
	pthread_t killer;

	EXPECT(pthread_create(&killer, NULL, kill_soon, &child) == 0);
	check_released();
	EXPECT(pthread_join(killer, NULL) == 0 && waitpid(child, NULL, 0) == child);
	return 0;
}

int main(int argc, char **argv)
{
	/* One case a line, as the tests read them. */
	/* clang-format off */
	static const struct test_case cases[] = {
		CASE(exit_releases),
		CASE(death_releases),
		CASE(death_of_a_lender_of_memory_releases),
		CASE(death_wakes_who_waits),
		{ NULL, NULL },
	};
	/* clang-format on */

	return run_case(cases, argc, argv);
}
