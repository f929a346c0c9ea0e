/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the benchmark runs in krun-vm and natively.  `hello` by itself says hello; `hello stay` stays then.
 * `hello WHAT` does something often and prints what one time took, or what went through, as one number.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 2048

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void must(int holds, const char *what)
{
	if (!holds) {
		perror(what);
		exit(1);
	}
}

static void await(pid_t child)
{
	int status;

	must(waitpid(child, &status, 0) == child && status == 0, "child");
}

/* Nanoseconds of one of the calls that every kernel makes quickly. */
static double system_call(void)
{
	const int times = 2000;
	double begin = now();

	for (int i = 0; i < times; i++) {
		syscall(SYS_getppid);
	}
	return (now() - begin) / times;
}

static double clock_call(void)
{
	const int times = 200000;
	double begin = now();

	for (int i = 0; i < times; i++) {
		now();
	}
	return (now() - begin) / times;
}

static double cpu_loop(void)
{
	uint64_t value = 1;
	double begin = now();

	for (int i = 0; i < 20000000; i++) {
		value = value * 6364136223846793005u + 1442695040888963407u;
		__asm__ volatile("" : "+r"(value));
	}
	return now() - begin;
}

static char *pages(void)
{
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(memory != MAP_FAILED, "mmap");
	return memory;
}

static double touch(char *memory)
{
	double begin = now();

	for (int i = 0; i < PAGES; i++) {
		memory[i * PAGE] = 1;
	}
	return (now() - begin) / PAGES;
}

static double first_touch(void)
{
	return touch(pages());
}

/* In a child, of pages that its parent has written. */
static double touch_after_fork(void)
{
	char *memory = pages();
	double *result = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	must(result != MAP_FAILED, "mmap");
	touch(memory);
	child = fork();
	must(child >= 0, "fork");
	if (child == 0) {
		*result = touch(memory);
		_exit(0);
	}
	await(child);
	return *result;
}

static double fork_exec(char *self)
{
	char *const args[] = { self, "nothing", NULL };
	const int times = 5;
	double begin = now();

	for (int i = 0; i < times; i++) {
		pid_t child = fork();

		must(child >= 0, "fork");
		if (child == 0) {
			execv(self, args);
			_exit(1);
		}
		await(child);
	}
	return (now() - begin) / times;
}

static double spawn_exec(char *self)
{
	char *const args[] = { self, "nothing", NULL };
	const int times = 5;
	double begin = now();

	for (int i = 0; i < times; i++) {
		pid_t child;

		must(posix_spawn(&child, self, NULL, NULL, args, environ) == 0, "posix_spawn");
		await(child);
	}
	return (now() - begin) / times;
}

static double fork_alone(void)
{
	const int times = 10;
	double begin = now();

	for (int i = 0; i < times; i++) {
		pid_t child = fork();

		must(child >= 0, "fork");
		if (child == 0) {
			_exit(0);
		}
		await(child);
	}
	return (now() - begin) / times;
}

static void *nothing(void *argument)
{
	return argument;
}

static double thread(void)
{
	const int times = 100;
	double begin = now();

	for (int i = 0; i < times; i++) {
		pthread_t id;

		must(pthread_create(&id, NULL, nothing, NULL) == 0, "pthread_create");
		pthread_join(id, NULL);
	}
	return (now() - begin) / times;
}

/* Bytes per second from a child to its parent, in pieces of 64 KiB. */
static double throughput(const int ends[2])
{
	static char buffer[65536];
	const int times = 500;
	double begin = now();
	size_t total = 0;
	ssize_t got;
	pid_t child = fork();

	must(child >= 0, "fork");
	if (child == 0) {
		close(ends[0]);
		for (int i = 0; i < times; i++) {
			must(write(ends[1], buffer, sizeof buffer) == (ssize_t)sizeof buffer, "write");
		}
		_exit(0);
	}
	close(ends[1]);
	while ((got = read(ends[0], buffer, sizeof buffer)) > 0) {
		total += (size_t)got;
	}
	await(child);
	must(total == (size_t)times * sizeof buffer, "read");
	return (double)total / ((now() - begin) / 1e9);
}

static double pipe_throughput(void)
{
	int ends[2];

	must(pipe(ends) == 0, "pipe");
	return throughput(ends);
}

static double socket_throughput(void)
{
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	return throughput(ends);
}

static double measure(const char *what, char *self)
{
	const struct {
		const char *name;
		double (*measure)(void);
	} all[] = { { "system-call", system_call },
		    { "clock", clock_call },
		    { "loop", cpu_loop },
		    { "first-touch", first_touch },
		    { "touch-after-fork", touch_after_fork },
		    { "fork", fork_alone },
		    { "thread", thread },
		    { "pipe", pipe_throughput },
		    { "socket", socket_throughput } };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (strcmp(what, all[i].name) == 0) {
			return all[i].measure();
		}
	}
	must(strcmp(what, "fork-exec") == 0 || strcmp(what, "spawn") == 0, what);
	return strcmp(what, "spawn") == 0 ? spawn_exec(self) : fork_exec(self);
}

int main(int argc, char **argv)
{
	if (argc == 1 || strcmp(argv[1], "stay") == 0) {
		puts("hello");
		fflush(stdout);
		return argc == 1 ? 0 : pause();
	}
	if (strcmp(argv[1], "nothing") == 0) {
		return 0;
	}
	printf("%.1f\n", measure(argv[1], argv[0]));
	return 0;
}
