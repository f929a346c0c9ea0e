/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Threads against the check of what is opened.  One opens the memory of its own process, by its name and through a
 * link that another one changes all the time, and executes it; another puts it
 * where the monitor could hold what it has just looked at; the last reads from every descriptor that could stand
 * for it, at an address of the monitor.  No such read may ever succeed.  The status is 1 when one did.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS    1000
#define ARENA_END 0x200000000000ull
#define FIRST     3
#define LAST      8

struct race {
	atomic_bool is_over;
	atomic_uint leaks;
	off_t monitor; /* an address in it */
	int memory;    /* of the own process, held without access */
	unsigned opened;
};

/* The test sees the monitor's mappings on the host, and writes their addresses to the standard input. */
static off_t find_monitor(void)
{
	char line[64];
	uint64_t start = 0;

	printf("ready\n");
	(void)fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		start = strtoull(line, NULL, 16);
	}
	return (off_t)start;
}

static void *read_all(void *arg)
{
	struct race *race = arg;
	char byte;

	while (!atomic_load(&race->is_over)) {
		for (int fd = FIRST; fd <= LAST; fd++) {
			if (pread(fd, &byte, 1, race->monitor) == 1) {
				atomic_fetch_add(&race->leaks, 1);
			}
		}
	}
	return NULL;
}

static void *change_link(void *arg)
{
	struct race *race = arg;

	while (!atomic_load(&race->is_over)) {
		(void)!symlink("/proc/self/mem", "/tmp/next");
		(void)rename("/tmp/next", "/tmp/link");
		(void)!symlink("/tmp/harmless", "/tmp/next");
		(void)rename("/tmp/next", "/tmp/link");
	}
	return NULL;
}

static void *replace_held(void *arg)
{
	const struct race *race = arg;

	while (!atomic_load(&race->is_over)) {
		(void)dup2(race->memory, FIRST);
		(void)dup2(race->memory, FIRST + 1);
	}
	return NULL;
}

static void open_once(struct race *race, const char *path, int flags)
{
	int fd;

	(void)close_range(FIRST, FIRST + 1, 0);
	fd = open(path, flags, 0600);
	if (fd >= 0) {
		race->opened++;
		(void)close(fd);
	}
}

int main(void)
{
	char *const words[] = { "memory", NULL };
	struct race race = { .monitor = find_monitor() };
	pthread_t reader;
	pthread_t changer;
	pthread_t replacer;

	race.memory = fcntl(open("/proc/self/mem", O_PATH), F_DUPFD, LAST + 1);
	(void)close(open("/tmp/harmless", O_CREAT | O_RDWR, 0600));
	pthread_create(&reader, NULL, read_all, &race);
	pthread_create(&changer, NULL, change_link, &race);
	pthread_create(&replacer, NULL, replace_held, &race);
	for (int i = 0; i < ROUNDS; i++) {
		open_once(&race, "/proc/self/mem", O_RDWR);
		open_once(&race, "/tmp/harmless", O_RDWR);
		open_once(&race, "/proc/self/maps", O_RDONLY);
		open_once(&race, "/tmp/link", O_RDWR);
		open_once(&race, "/tmp/link", O_RDWR | O_CREAT);
		(void)execve("/proc/self/mem", words, words + 1);
		(void)execve("/tmp/link", words, words + 1);
	}
	atomic_store(&race.is_over, true);
	pthread_join(reader, NULL);
	pthread_join(changer, NULL);
	pthread_join(replacer, NULL);
	printf("%s harmless files opened, %u leaks\n", race.opened > 0 ? "some" : "no", atomic_load(&race.leaks));
	return race.monitor >= (off_t)ARENA_END && race.leaks == 0 ? 0 : 1;
}
