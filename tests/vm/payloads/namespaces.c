/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Namespaces that only a process of one thread may leave or join.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	EXPECT(fd >= 0);
	EXPECT(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	EXPECT(close(fd) == 0);
}

static void become_root_of_own(int flags)
{
	char map[40];
	char groups[40];

	(void)snprintf(map, sizeof map, "0 %d 1", (int)getuid());
	(void)snprintf(groups, sizeof groups, "0 %d 1", (int)getgid());
	EXPECT(unshare(CLONE_NEWUSER | flags) == 0);
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/gid_map", groups);
	EXPECT(getuid() == 0);
}

static int status_of(pid_t pid)
{
	int status;

	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int user_namespace_is_left(void)
{
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile double kept = 1.5;
	pid_t child;

	EXPECT(shared != MAP_FAILED);
	shared[0] = 'a';
	become_root_of_own(0);
	EXPECT(kept * 2 == 3.0 && shared[0] == 'a');
	EXPECT(sethostname("x", 1) == -1 && errno == EPERM);
	child = fork();
	if (child == 0) {
		shared[0] = 'b';
		_exit(getuid() == 0 ? 3 : 4);
	}
	EXPECT(status_of(child) == 3 && shared[0] == 'b');
	return 0;
}

static int others_belong_to_it(void)
{
	pid_t child;

	become_root_of_own(CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNS);
	EXPECT(sethostname("inside", 6) == 0);
	child = fork();
	if (child == 0) {
		_exit(getpid() == 1 ? 5 : 6);
	}
	EXPECT(status_of(child) == 5);
	return 0;
}

static int one_lies_in_another(void)
{
	become_root_of_own(0);
	become_root_of_own(0);
	become_root_of_own(CLONE_NEWUTS);
	EXPECT(sethostname("deep", 4) == 0);
	return 0;
}

static void *wait_forever(void *unused)
{
	(void)unused;
	for (;;) {
		(void)pause();
	}
	return NULL;
}

static int second_thread_forbids_it(void)
{
	pthread_t thread;

	EXPECT(unshare(CLONE_THREAD) == 0);
	EXPECT(pthread_create(&thread, NULL, wait_forever, NULL) == 0);
	EXPECT(unshare(CLONE_NEWUSER) == -1 && errno == EINVAL);
	EXPECT(unshare(CLONE_THREAD) == -1 && errno == EINVAL);
	EXPECT(unshare(CLONE_FS) == 0);
	return 0;
}

static int thread_that_has_ended_forbids_nothing(void)
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, wait_forever, NULL) == 0);
	EXPECT(pthread_cancel(thread) == 0 && pthread_join(thread, NULL) == 0);
	become_root_of_own(0);
	EXPECT(pthread_create(&thread, NULL, wait_forever, NULL) == 0);
	EXPECT(pthread_cancel(thread) == 0 && pthread_join(thread, NULL) == 0);
	return 0;
}

static int processes_before_users(void)
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, wait_forever, NULL) == 0);
	EXPECT(pthread_cancel(thread) == 0 && pthread_join(thread, NULL) == 0);
	EXPECT(unshare(CLONE_NEWPID) == 0);
	EXPECT(pthread_create(&thread, NULL, wait_forever, NULL) == EINVAL);
	EXPECT(unshare(CLONE_NEWUSER) == 0);
	return 0;
}

static int is_first(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		_exit(getpid() == 1 ? 3 : 4);
	}
	EXPECT(waitpid(child, &status, 0) == child);
	return WEXITSTATUS(status);
}

/* The program that is executed has children in the new namespace. */
static int processes_before_an_exec(void)
{
	char *const args[] = { "namespaces", "is_first", NULL };

	EXPECT(unshare(CLONE_NEWPID) == 0);
	execv("/proc/self/exe", args);
	return 1;
}

static volatile sig_atomic_t caught;

static void catch (int number)
{
	caught = number;
}

static int signals_arrive_behind_it(void)
{
	EXPECT(signal(SIGUSR1, catch) != SIG_ERR);
	become_root_of_own(0);
	EXPECT(raise(SIGUSR1) == 0 && caught == SIGUSR1);
	return 0;
}

static int childs_namespaces_are_joined(void)
{
	int ready[2];
	int done[2];
	char path[64];
	char byte = 0;
	pid_t child;
	int user;

	EXPECT(pipe(ready) == 0 && pipe(done) == 0);
	child = fork();
	if (child == 0) {
		(void)close(done[1]);
		become_root_of_own(CLONE_NEWUTS);
		EXPECT(write(ready[1], "r", 1) == 1);
		EXPECT(read(done[0], &byte, 1) == 0);
		_exit(0);
	}
	EXPECT(read(ready[0], &byte, 1) == 1);
	(void)snprintf(path, sizeof path, "/proc/%d/ns/user", (int)child);
	user = open(path, O_RDONLY);
	EXPECT(user >= 0 && setns(user, CLONE_NEWUSER) == 0);
	EXPECT(getuid() == 0);
	EXPECT(setns(user, CLONE_NEWUSER) == -1 && errno == EINVAL);
	(void)snprintf(path, sizeof path, "/proc/%d/ns/uts", (int)child);
	user = open(path, O_RDONLY);
	EXPECT(user >= 0 && setns(user, 0) == 0 && sethostname("joined", 6) == 0);
	(void)close(done[1]);
	EXPECT(status_of(child) == 0);
	return 0;
}

static int mounts_are_joined(void)
{
	int own = open("/proc/self/ns/mnt", O_RDONLY);

	EXPECT(own >= 0 && chdir("/tmp") == 0);
	EXPECT(setns(own, CLONE_NEWNS) == 0);
	EXPECT(unshare(CLONE_NEWNS) == 0 && setns(own, 0) == 0);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE(user_namespace_is_left),
		CASE(others_belong_to_it),
		CASE(one_lies_in_another),
		CASE(second_thread_forbids_it),
		CASE(thread_that_has_ended_forbids_nothing),
		CASE(signals_arrive_behind_it),
		CASE(processes_before_users),
		CASE(processes_before_an_exec),
		{ "is_first", is_first },
		CASE(childs_namespaces_are_joined),
		CASE(mounts_are_joined),
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
