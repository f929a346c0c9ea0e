/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Threads against the birth of others.  For each new thread the monitor makes a virtual processor, whose descriptor
 * the kernel puts at the lowest free number before the monitor can move it; others try all the time to get hold of
 * what stands there.  They never may.  argv[1] says how they try; the status is 1 when one got hold of something.
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
#include <sys/socket.h>
#include <unistd.h>

#define LOWEST  3
#define OWN     20 /* the program's descriptors stand here */
#define THREADS 300

struct births {
	atomic_bool are_over;
	atomic_uint hits;
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

static bool has_got_hold(const struct births *births)
{
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
	pthread_t trier;
	pthread_t thread;
	int pair[2];
	int born = 0;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) {
		return 2;
	}
	births.pair[0] = fcntl(pair[0], F_DUPFD, OWN);
	births.pair[1] = fcntl(pair[1], F_DUPFD, OWN);
	(void)close_range(LOWEST, OWN - 1, 0);
	(void)pthread_attr_init(&small);
	(void)pthread_attr_setstacksize(&small, 65536);
	if (pthread_create(&trier, NULL, try, &births) != 0) {
		return 2;
	}
	while (born < THREADS && pthread_create(&thread, &small, live, NULL) == 0) {
		born++;
	}
	atomic_store(&births.are_over, true);
	pthread_join(trier, NULL);
	printf("%d threads, %u hits\n", born, atomic_load(&births.hits));
	return atomic_load(&births.hits) != 0;
}
