/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * /proc/self/maps, smaps, stat, statm, status and limits: what a program finds there of itself.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE 4096

struct found {
	uintptr_t start;
	uintptr_t end;
	char prot[5];
	char name[64];
};

static struct found find(const void *address)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	struct found found;
	char line[8192];

	EXPECT(maps != NULL);
	while (fgets(line, sizeof line, maps) != NULL) {
		found.name[0] = 0;
		EXPECT(sscanf(line, "%lx-%lx %4s %*s %*s %*s %63s", &found.start, &found.end, found.prot,
			      found.name) >= 3);
		if (found.start <= (uintptr_t)address && (uintptr_t)address < found.end) {
			fclose(maps);
			return found;
		}
	}
	printf("%p is not mapped\n", address);
	exit(1);
}

static int variable = 1;

static int segments_have_their_protection(void)
{
	EXPECT(strcmp(find((const void *)(uintptr_t)find).prot, "r-xp") == 0);
	EXPECT(find((const void *)(uintptr_t)find).name[0] == '/');
	EXPECT(strcmp(find("constant").prot, "r--p") == 0);
	EXPECT(strcmp(find(&variable).prot, "rw-p") == 0);
	return 0;
}

static int stack_and_heap_are_named(void)
{
	int local = 0;

	EXPECT(strcmp(find(&local).name, "[stack]") == 0);
	EXPECT(strcmp(find(sbrk(PAGE)).name, "[heap]") == 0);
	return 0;
}

#define LARGE (7u << 20)

/* What looks for the end of its stack takes the next mapping for something else. */
static int what_is_large_is_one_mapping(void)
{
	char local[LARGE];
	char *pages = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	void *stack;
	size_t size;

	EXPECT(pages != MAP_FAILED);
	for (size_t at = LARGE; at > 0; at -= PAGE) {
		*(volatile char *)&local[at - PAGE] = 1;
		*(volatile char *)&pages[LARGE - at] = 1;
	}
	EXPECT(find(local).end > (uintptr_t)&local[LARGE - 1] && strcmp(find(local).name, "[stack]") == 0);
	EXPECT(find(pages).end >= (uintptr_t)pages + LARGE);
	EXPECT(pthread_getattr_np(pthread_self(), &attributes) == 0);
	EXPECT(pthread_attr_getstack(&attributes, &stack, &size) == 0 && (char *)stack < local && size > LARGE);
	return 0;
}

static int changes_are_seen(void)
{
	char *pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(pages != MAP_FAILED && strcmp(find(pages + PAGE).prot, "rw-p") == 0);
	EXPECT(mprotect(pages + PAGE, PAGE, PROT_READ | PROT_EXEC) == 0);
	EXPECT(strcmp(find(pages).prot, "rw-p") == 0);
	EXPECT(strcmp(find(pages + PAGE).prot, "r-xp") == 0);
	EXPECT(find(pages + PAGE).start == (uintptr_t)pages + PAGE &&
	       find(pages + PAGE).end == (uintptr_t)pages + 2 * PAGE);
	EXPECT(strcmp(find(pages + 2 * PAGE).prot, "rw-p") == 0);
	return 0;
}

static int descriptor_is_the_lowest_and_for_reading(void)
{
	int lowest = dup(0);
	int fd;
	char byte;

	EXPECT(lowest >= 0 && close(lowest) == 0);
	fd = open("/proc/thread-self/maps", O_RDONLY);
	EXPECT(fd == lowest && (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0);
	EXPECT(read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == -1 && errno == EBADF);
	return 0;
}

static void *look(void *argument)
{
	for (int i = 0; i < 50; i++) {
		EXPECT(strcmp(find(argument).prot, "rw-p") == 0);
	}
	return argument;
}

static int others_may_map_meanwhile(void)
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, look, &variable) == 0);
	for (int i = 0; i < 500; i++) {
		void *page =
			mmap(NULL, PAGE, i % 2 != 0 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		EXPECT(page != MAP_FAILED && munmap(page, PAGE) == 0);
	}
	EXPECT(pthread_join(thread, NULL) == 0);
	return 0;
}

/* The number behind a label in a file of procfs. */
static long number_in(const char *path, const char *label)
{
	char text[8192] = { 0 };
	int fd = open(path, O_RDONLY);
	const char *at;

	EXPECT(fd >= 0 && read(fd, text, sizeof text - 1) > 0 && close(fd) == 0);
	at = strstr(text, label);
	EXPECT(at != NULL);
	return strtol(at + strlen(label), NULL, 10);
}

static long threads_in_stat(void)
{
	char text[1024] = { 0 };
	int fd = open("/proc/self/stat", O_RDONLY);
	char *at;

	EXPECT(fd >= 0 && read(fd, text, sizeof text - 1) > 0 && close(fd) == 0);
	at = strrchr(text, ')');
	for (int word = 2; word < 20; word++) {
		at = strchr(at + 1, ' ');
	}
	return strtol(at, NULL, 10);
}

static void *hold_on(void *lock)
{
	EXPECT(pthread_mutex_lock(lock) == 0);
	return NULL;
}

static int threads_are_the_payloads(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_t thread;

	EXPECT(prctl(PR_SET_NAME, "a) 1 2 (b") == 0);
	EXPECT(threads_in_stat() == 1 && number_in("/proc/self/status", "\nThreads:") == 1);
	EXPECT(pthread_mutex_lock(&lock) == 0);
	EXPECT(pthread_create(&thread, NULL, hold_on, &lock) == 0);
	EXPECT(threads_in_stat() == 2 && number_in("/proc/thread-self/status", "\nThreads:") == 2);
	EXPECT(pthread_mutex_unlock(&lock) == 0 && pthread_join(thread, NULL) == 0);
	return 0;
}

static int status_tells_of_the_payloads_filters(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog program = { .len = 1, .filter = &allow };
	long filters = number_in("/proc/self/status", "\nSeccomp_filters:");

	EXPECT(number_in("/proc/self/status", "\nSeccomp:") == (filters > 0 ? 2 : 0));
	EXPECT(number_in("/proc/self/status", "\nNoNewPrivs:") == prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
	EXPECT(number_in("/proc/self/status", "\nNoNewPrivs:") == 1);
	EXPECT(number_in("/proc/self/status", "\nSeccomp:") == 2);
	EXPECT(number_in("/proc/self/status", "\nSeccomp_filters:") == filters + 1);
	return 0;
}

static long word_in(const char *path, int index)
{
	char text[1024] = { 0 };
	int fd = open(path, O_RDONLY);
	char *at = text;

	EXPECT(fd >= 0 && read(fd, text, sizeof text - 1) > 0 && close(fd) == 0);
	for (int word = 1; word < index; word++) {
		at = strchr(at, ' ') + 1;
	}
	return strtol(at, NULL, 10);
}

/* By as much as a mapping has, and back. */
static int sizes_grow_and_shrink_with_mappings(void)
{
	const long pages = 2560;
	const long kib = pages * PAGE / 1024;
	long size = number_in("/proc/self/status", "\nVmSize:");
	long data = number_in("/proc/self/status", "\nVmData:");
	long resident = number_in("/proc/self/status", "\nVmRSS:");
	long in_statm = word_in("/proc/self/statm", 1);
	char *at = mmap(NULL, (size_t)pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(at != MAP_FAILED && in_statm * PAGE == size * 1024);
	EXPECT(number_in("/proc/self/status", "\nVmSize:") == size + kib);
	EXPECT(number_in("/proc/self/status", "\nVmData:") == data + kib);
	EXPECT(word_in("/proc/self/statm", 1) == in_statm + pages);
	memset(at, 1, (size_t)pages * PAGE);
	EXPECT(number_in("/proc/self/status", "\nVmRSS:") >= resident + kib - 256);
	EXPECT(number_in("/proc/self/status", "\nVmRSS:") <= number_in("/proc/self/status", "\nVmSize:"));
	EXPECT(number_in("/proc/self/status", "\nVmRSS:") <= number_in("/proc/self/status", "\nVmHWM:"));
	EXPECT(munmap(at, (size_t)pages * PAGE) == 0);
	EXPECT(number_in("/proc/self/status", "\nVmSize:") == size);
	EXPECT(number_in("/proc/self/status", "\nVmPeak:") >= size + kib);
	EXPECT(number_in("/proc/self/status", "\nVmPeak:") < size + 2 * kib);
	EXPECT(size < 20000 && number_in("/proc/self/status", "\nVmStk:") < 1000);
	EXPECT(number_in("/proc/self/status", "\nVmExe:") > 0 && number_in("/proc/self/status", "\nVmExe:") < size);
	return 0;
}

/* Fields of stat lie in the program. */
static int stat_tells_where_the_program_lies(void)
{
	char text[1024] = { 0 };
	int fd = open("/proc/self/stat", O_RDONLY);
	unsigned long field[53] = { 0 };
	char *at;

	EXPECT(fd >= 0 && read(fd, text, sizeof text - 1) > 0 && close(fd) == 0);
	at = strrchr(text, ')') + 2;
	for (int i = 3; i <= 52; i++) {
		field[i] = strtoul(at, NULL, 10);
		at = strchr(at, ' ') != NULL ? strchr(at, ' ') + 1 : at;
	}
	EXPECT(field[23] == (unsigned long)word_in("/proc/self/statm", 1) * PAGE);
	EXPECT(field[24] <= field[23] / PAGE);
	EXPECT(field[26] <= (uintptr_t)find && (uintptr_t)find < field[27]);
	EXPECT(field[45] <= (uintptr_t)&variable && (uintptr_t)&variable < field[46]);
	EXPECT(field[47] <= (uintptr_t)sbrk(0) && (uintptr_t)sbrk(0) < field[47] + (64ul << 20));
	EXPECT(find((const void *)field[28]).name[0] == '[');
	return 0;
}

/* A number of the mapping of `address` in smaps. */
static long of_mapping(const void *address, const char *label)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long start = 0;
	unsigned long end = 0;
	char line[8192];

	EXPECT(smaps != NULL);
	while (fgets(line, sizeof line, smaps) != NULL) {
		(void)sscanf(line, "%lx-%lx ", &start, &end);
		if (start <= (uintptr_t)address && (uintptr_t)address < end &&
		    strncmp(line, label, strlen(label)) == 0) {
			fclose(smaps);
			return strtol(line + strlen(label), NULL, 10);
		}
	}
	fclose(smaps);
	return -1;
}

static int smaps_count_by_mapping(void)
{
	char *at = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(at, 1, 6 * PAGE);
	EXPECT(mprotect(at, 2 * PAGE, PROT_READ) == 0);
	EXPECT(mprotect(at + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_EXEC) == 0);
	for (int i = 0; i < 4; i += 2) {
		EXPECT(of_mapping(at + i * PAGE, "Size:") == 8 && of_mapping(at + i * PAGE, "Rss:") == 8);
		EXPECT(of_mapping(at + i * PAGE, "Anonymous:") == 8);
		EXPECT(of_mapping(at + i * PAGE, "KernelPageSize:") == 4);
	}
	EXPECT(of_mapping((const void *)(uintptr_t)find, "Rss:") > 0);
	EXPECT(of_mapping(&variable, "VmFlags:") == 0);
	return 0;
}

/* What all mappings have. */
static long sum_of(const char *path, const char *label)
{
	FILE *file = fopen(path, "re");
	char line[8192];
	long sum = 0;

	EXPECT(file != NULL);
	while (fgets(line, sizeof line, file) != NULL) {
		sum += strncmp(line, label, strlen(label)) == 0 ? strtol(line + strlen(label), NULL, 10) : 0;
	}
	fclose(file);
	return sum;
}

static int rollup_is_the_sum(void)
{
	long anonymous = sum_of("/proc/self/smaps", "Anonymous:");
	long rollup = sum_of("/proc/self/smaps_rollup", "Anonymous:");

	EXPECT(rollup > 0 && labs(rollup - anonymous) < 64);
	EXPECT(sum_of("/proc/self/smaps_rollup", "Rss:") < sum_of("/proc/self/smaps", "Size:"));
	EXPECT(labs(sum_of("/proc/self/smaps_rollup", "Pss:") - sum_of("/proc/self/smaps_rollup", "Pss_Anon:") -
		    sum_of("/proc/self/smaps_rollup", "Pss_File:") -
		    sum_of("/proc/self/smaps_rollup", "Pss_Shmem:")) < 8);
	return 0;
}

static int limits_are_the_payloads(void)
{
	const struct rlimit files = { 77, 88 };
	const struct rlimit space = { 1ul << 40, RLIM_INFINITY };
	struct rlimit stack;

	EXPECT(setrlimit(RLIMIT_NOFILE, &files) == 0 && setrlimit(RLIMIT_AS, &space) == 0);
	EXPECT(getrlimit(RLIMIT_STACK, &stack) == 0);
	EXPECT(number_in("/proc/self/limits", "\nMax open files ") == 77);
	EXPECT(number_in("/proc/self/limits", "\nMax open files            77                   ") == 88);
	EXPECT(number_in("/proc/self/limits", "\nMax address space         ") == 1l << 40);
	EXPECT(number_in("/proc/self/limits", "\nMax stack size ") ==
	       (stack.rlim_cur == RLIM_INFINITY ? 0 : (long)stack.rlim_cur));
	return 0;
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE(segments_have_their_protection),
		CASE(stack_and_heap_are_named),
		CASE(what_is_large_is_one_mapping),
		CASE(changes_are_seen),
		CASE(descriptor_is_the_lowest_and_for_reading),
		CASE(others_may_map_meanwhile),
		CASE(threads_are_the_payloads),
		CASE(status_tells_of_the_payloads_filters),
		CASE(sizes_grow_and_shrink_with_mappings),
		CASE(stat_tells_where_the_program_lies),
		CASE(smaps_count_by_mapping),
		CASE(rollup_is_the_sum),
		CASE(limits_are_the_payloads),
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
