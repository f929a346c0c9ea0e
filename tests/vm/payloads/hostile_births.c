/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Threads against the birth of others.  For each new thread the monitor makes a virtual processor, whose descriptor
 * the kernel puts at the lowest free number before the monitor can move it; others try all the time to get hold of
 * what stands there, or of what stands where it is moved to.  They never may.  argv[1] says how they try; the
 * status is 1 when one got hold of something.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOWEST  3
#define OWN     20 /* the program's descriptors stand here */
#define THREADS 300
#define LIMIT   64 /* of the program's descriptors */
#define NEAR    12 /* about as many as the monitor has for itself, on both sides of it */
#define TRIERS  3

struct births {
	atomic_bool are_over;
	atomic_uint hits;
	atomic_int born;
	const char *way;
	int pair[2];
};

static bool send_lowest(const struct births *births)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {
		.header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }
	};
	char byte = 0;
	struct iovec vector = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};

	memcpy(CMSG_DATA(&control.header), &(int){ LOWEST }, sizeof(int));
	return sendmsg(births->pair[0], &message, MSG_DONTWAIT) == 1;
}

/* The monitor's descriptors stand behind the limit, in the order in which they were made. */
static int newest_of(const struct births *births)
{
	return LIMIT + atomic_load(&births->born);
}

static int least_of(const struct births *births)
{
	return newest_of(births) - NEAR > LIMIT ? newest_of(births) - NEAR : LIMIT;
}

/* What stands where the monitor moves it to, before it is known to be the monitor's. */
static bool has_moved_one(const struct births *births)
{
	const int end = newest_of(births) + NEAR;
	bool has_one = false;

	for (int fd = least_of(births); fd < end && !has_one; fd++) {
		if (strcmp(births->way, "moved dup") == 0) {
			has_one = dup(fd) >= 0;
		} else if (strcmp(births->way, "moved fcntl") == 0) {
			has_one = fcntl(fd, F_DUPFD, OWN) >= 0;
		} else {
			has_one = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED;
		}
	}
	return has_one;
}

/* A child has a table of its own, and the monitor a record of what is its own in it. */
static bool child_sees_newest(const struct births *births)
{
	const int end = newest_of(births) + NEAR;
	int status;
	pid_t child = vfork();

	if (child == 0) {
		for (int fd = least_of(births); fd < end; fd++) {
			if (fcntl(fd, F_GETFD) >= 0) {
				_exit(1);
			}
		}
		_exit(0);
	}
	return waitpid(child, &status, 0) == child && status != 0;
}

static bool has_got_hold(const struct births *births)
{
	if (strcmp(births->way, "vfork") == 0) {
		return child_sees_newest(births);
	}
	if (strncmp(births->way, "moved", 5) == 0) {
		return has_moved_one(births);
	}
	if (strcmp(births->way, "dup") == 0) {
		return dup(LOWEST) >= 0;
	}
	if (strcmp(births->way, "dup2") == 0) {
		return dup2(LOWEST, OWN + 2) >= 0;
	}
	if (strcmp(births->way, "fcntl") == 0) {
		return fcntl(LOWEST, F_DUPFD, OWN) >= 0;
	}
	if (strcmp(births->way, "message") == 0) {
		return send_lowest(births);
	}
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, LOWEST, 0) != MAP_FAILED;
}

static void *try(void *arg)
{
	struct births *births = arg;

	while (!atomic_load(&births->are_over)) {
		if (has_got_hold(births)) {
			atomic_fetch_add(&births->hits, 1);
		}
	}
	return NULL;
}

static void *live(void *nothing)
{
	(void)pause();
	return nothing;
}

int main(int argc, char **argv)
{
	struct births births = { .way = argc > 1 ? argv[1] : "" };
	pthread_attr_t small;
	pthread_t triers[TRIERS];
	pthread_t thread;
	struct rlimit files;
	int pair[2];
	int born = 0;

	/* The monitor chooses its numbers at an exec. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != LIMIT) {
		files.rlim_cur = LIMIT;
		(void)setrlimit(RLIMIT_NOFILE, &files);
		(void)execv("/proc/self/exe", argv);
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) {
		return 2;
	}
	births.pair[0] = fcntl(pair[0], F_DUPFD, OWN);
	births.pair[1] = fcntl(pair[1], F_DUPFD, OWN);
	(void)close_range(LOWEST, OWN - 1, 0);
	(void)pthread_attr_init(&small);
	(void)pthread_attr_setstacksize(&small, 65536);
	for (int i = 0; i < TRIERS; i++) {
		if (pthread_create(&triers[i], NULL, try, &births) != 0) {
			return 2;
		}
	}
	while (born < THREADS && pthread_create(&thread, &small, live, NULL) == 0) {
		born++;
		atomic_store(&births.born, born);
	}
	atomic_store(&births.are_over, true);
	for (int i = 0; i < TRIERS; i++) {
		pthread_join(triers[i], NULL);
	}
	printf("%d threads, %u hits\n", born, atomic_load(&births.hits));
	return atomic_load(&births.hits) != 0;
}
