/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A thread that wants a table of descriptors of its own, by the call that argv[1] names.  The monitor knows of one
 * table which numbers are its own: with two, what the monitor holds for one thread would make another's number the
 * guest's, and with it a virtual processor.  The status is 1 when a descriptor of the monitor's can be named.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BIRTHS 3
#define OPENED 8
#define FIRST  512 /* behind what the test has handed on */
#define END    8192

static pthread_barrier_t meeting;
static const char *way;

static void *leave(void *nothing)
{
	int left = strcmp(way, "unshare") == 0 ? unshare(CLONE_FILES) : close_range(END, END, CLOSE_RANGE_UNSHARE);

	printf("%s, ", left == 0 ? "left" : "stayed");
	(void)pthread_barrier_wait(&meeting);
	(void)pthread_barrier_wait(&meeting);
	for (int i = 0; i < OPENED; i++) {
		(void)close(open("/dev/null", O_RDONLY));
	}
	(void)pthread_barrier_wait(&meeting);
	(void)pause();
	return nothing;
}

static void *live(void *nothing)
{
	(void)pause();
	return nothing;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int seen = 0;

	way = argc > 1 ? argv[1] : "";
	if (pthread_barrier_init(&meeting, NULL, 2) != 0 || pthread_create(&thread, NULL, leave, NULL) != 0) {
		return 2;
	}
	(void)pthread_barrier_wait(&meeting);
	for (int i = 0; i < BIRTHS; i++) {
		if (pthread_create(&thread, NULL, live, NULL) != 0) {
			return 2;
		}
	}
	(void)pthread_barrier_wait(&meeting);
	(void)pthread_barrier_wait(&meeting);
	for (int fd = FIRST; fd < END; fd++) {
		seen += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
	}
	printf("%d seen\n", seen);
	return seen != 0;
}
