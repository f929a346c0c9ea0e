/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Children that share their parent's memory and are killed while they change its mappings: the parent goes on, and
 * its memory is in order.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES (1ull << 30)
#define AREA_BYTES (1ul << 20)
#define PAGE       4096ul
#define ROUNDS     60
#define READ_WRITE (PROT_READ | PROT_WRITE)
#define PRIVATE    (MAP_PRIVATE | MAP_ANONYMOUS)

static void nap(long microseconds)
{
	const struct timespec time = { 0, microseconds * 1000 };

	nanosleep(&time, NULL);
}

static void check_end(pid_t child)
{
	int status = -1;

	EXPECT(child > 0 && waitpid(child, &status, 0) == child);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void *be_there(void *argument)
{
	return argument;
}

/* Mappings, threads and further children are as if nothing had been. */
static void check_parent(void)
{
	char *page = mmap(NULL, PAGE, READ_WRITE, PRIVATE, -1, 0);
	pthread_t thread;
	pid_t child;
	int status;

	EXPECT(page != MAP_FAILED);
	page[0] = 'p';
	EXPECT(mprotect(page, PAGE, PROT_READ) == 0 && page[0] == 'p' && munmap(page, PAGE) == 0);
	EXPECT(pthread_create(&thread, NULL, be_there, NULL) == 0 && pthread_join(thread, NULL) == 0);
	child = fork();
	if (child == 0) {
		_exit(5);
	}
	EXPECT(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5);
}

/* Kill whoever fills the file, once it does. */
static pid_t start_killer(int file, const volatile pid_t *victim)
{
	pid_t killer = fork();

	if (killer == 0) {
		struct stat info = { .st_blocks = 0 };

		while (*victim == 0 || (fstat(file, &info) == 0 && info.st_blocks == 0)) {
			nap(200);
		}
		_exit(kill(*victim, SIGKILL));
	}
	return killer;
}

static int in_the_middle_of_a_mapping(void)
{
	volatile pid_t *victim = mmap(NULL, PAGE, READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int file = memfd_create("filled", 0);
	pid_t killer;
	pid_t child;
	int status;

	EXPECT(file >= 0 && ftruncate(file, FILE_BYTES) == 0);
	killer = start_killer(file, victim);
	child = vfork();
	if (child == 0) {
		*victim = getpid();
		for (;;) {
			(void)mmap(NULL, FILE_BYTES, READ_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
		}
	}
	check_end(child);
	EXPECT(waitpid(killer, &status, 0) == killer && status == 0);
	close(file);
	check_parent();
	return 0;
}

static char *area;
static volatile pid_t runner;
static volatile int over;

static void change_for_ever(unsigned seed)
{
	for (;;) {
		size_t at = (size_t)(rand_r(&seed) % (int)(AREA_BYTES / PAGE)) * PAGE;
		size_t size = (size_t)(1 + rand_r(&seed) % 16) * PAGE;

		size = at + size > AREA_BYTES ? AREA_BYTES - at : size;
		switch (rand_r(&seed) % 5) {
		case 0:
			munmap(area + at, size);
			break;
		case 1:
			mprotect(area + at, size, PROT_READ);
			break;
		case 2:
			mprotect(area + at, size, READ_WRITE);
			break;
		case 3:
			mremap(area + at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			       area + (at + AREA_BYTES / 2) % AREA_BYTES);
			break;
		default:
			mmap(area + at, size, READ_WRITE, PRIVATE | MAP_FIXED, -1, 0);
			area[at] = 'c';
			break;
		}
	}
}

static void *kill_runners(void *argument)
{
	unsigned seed = 7;

	while (!over) {
		if (runner != 0) {
			nap(rand_r(&seed) % 3000);
			(void)kill(runner, SIGKILL);
			runner = 0;
		}
		sched_yield();
	}
	return argument;
}

/* In the parent, at the same time: it waits for the same locks.  Its pages are mapped
 * before the area has holes. */
static void *map_often(void *argument)
{
	char *pages = argument;

	while (!over) {
		EXPECT(mmap(pages, 2 * PAGE, READ_WRITE, PRIVATE | MAP_FIXED, -1, 0) == pages && pages[PAGE] == 0);
		pages[PAGE] = 'm';
		EXPECT(mprotect(pages, 2 * PAGE, PROT_READ) == 0 && pages[PAGE] == 'm');
		nap(100);
	}
	return argument;
}

static int run_changes(void *round)
{
	runner = getpid();
	change_for_ever((unsigned)(uintptr_t)round);
	return 0;
}

static pid_t start_beside(unsigned round)
{
	static char stack[65536] __attribute__((aligned(16)));

	return clone(run_changes, stack + sizeof stack, CLONE_VM | SIGCHLD, (void *)(uintptr_t)round);
}

static int kill_at_any_moment(int is_vfork)
{
	pthread_t killer;
	pthread_t mapper;

	char *pages = mmap(NULL, 2 * PAGE, READ_WRITE, PRIVATE, -1, 0);

	area = mmap(NULL, AREA_BYTES, READ_WRITE, PRIVATE, -1, 0);
	EXPECT(pages != MAP_FAILED && area != MAP_FAILED);
	EXPECT(pthread_create(&killer, NULL, kill_runners, NULL) == 0);
	EXPECT(pthread_create(&mapper, NULL, map_often, pages) == 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		pid_t child = is_vfork ? vfork() : start_beside(round);

		if (child == 0) {
			run_changes((void *)(uintptr_t)round);
		}
		check_end(child);
		EXPECT(mmap(area, AREA_BYTES, READ_WRITE, PRIVATE | MAP_FIXED, -1, 0) == area);
		for (size_t at = 0; at < AREA_BYTES; at += PAGE) {
			EXPECT(area[at] == 0);
			area[at] = 'a';
		}
	}
	over = 1;
	EXPECT(pthread_join(killer, NULL) == 0 && pthread_join(mapper, NULL) == 0);
	check_parent();
	return 0;
}

static int at_any_moment(void)
{
	return kill_at_any_moment(1);
}

static int at_any_moment_beside_the_parent(void)
{
	return kill_at_any_moment(0);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE(in_the_middle_of_a_mapping),
		CASE(at_any_moment),
		CASE(at_any_moment_beside_the_parent),
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
