/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * /proc/self/maps: what a program finds there of itself.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
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

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
#define CASE(name) { #name, name }
		CASE(segments_have_their_protection),
		CASE(stack_and_heap_are_named),
		CASE(changes_are_seen),
		CASE(descriptor_is_the_lowest_and_for_reading),
		CASE(others_may_map_meanwhile),
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
