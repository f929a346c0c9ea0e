/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Waiting for descriptors.
 */
#include "suite.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>

static int ready[2]; /* a pipe with a byte in it */
static int empty[2];

static void make_pipes(void)
{
	(void)!pipe(ready);
	(void)!pipe(empty);
	(void)!write(ready[1], "x", 1);
}

static void on_alarm(int number)
{
	(void)number;
}

/* SIGALRM soon, with a handler. */
static void interrupt_soon(int flags)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval soon = { { 0, 0 }, { 0, 30000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
}

TEST(poll01)
{
	struct pollfd fds[3];

	make_pipes();
	fds[0] = (struct pollfd){ ready[0], POLLIN, 0 };
	fds[1] = (struct pollfd){ empty[0], POLLIN, 0 };
	fds[2] = (struct pollfd){ 99, POLLIN, 0 };
	say("three", S(poll, fds, 3, 1000));
	say("ready", fds[0].revents);
	say("empty", fds[1].revents);
	say("closed", fds[2].revents);
	say("negative", (fds[2].fd = -1, S(poll, &fds[1], 2, 0)));
	say("none", S(poll, NULL, 0, 1));
	say("hang up", (close(empty[1]), S(poll, &fds[1], 1, 0)));
	say("events", fds[1].revents);
	EACH_BAD_OUT("fds", S(poll, P, 1, 0));
	EACH_BAD_OUT("fds, many", S(poll, P, 1u << 30, 0));
}

TEST(poll02)
{
	struct rlimit limit = { 30, 30 };
	struct pollfd fds[31];

	make_pipes();
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = (struct pollfd){ -1, 0, 0 };
	}
	setrlimit(RLIMIT_NOFILE, &limit);
	say("as many as the limit", S(poll, fds, 30, 0));
	say("more than the limit", S(poll, fds, 31, 0));
	say("far more", S(poll, fds, -1, 0));
	interrupt_soon(SA_RESTART);
	say("interrupted", S(poll, fds, 1, 5000));
}

TEST(ppoll01)
{
	struct pollfd fd;
	struct timespec soon = { 0, 1000 };
	struct timespec wrong = { 0, -1 };
	uint64_t set = 0;

	make_pipes();
	fd = (struct pollfd){ empty[0], POLLIN, 0 };
	say("timeout", S(ppoll, &fd, 1, &soon, NULL, 0));
	say("ready", (fd.fd = ready[0], S(ppoll, &fd, 1, NULL, &set, 8)));
	say("nanoseconds", S(ppoll, &fd, 1, &wrong, NULL, 0));
	say("seconds", (wrong = (struct timespec){ -1, 0 }, S(ppoll, &fd, 1, &wrong, NULL, 0)));
	say("mask size", S(ppoll, &fd, 1, NULL, &set, 4));
	interrupt_soon(0);
	say("interrupted", (fd.fd = empty[0], S(ppoll, &fd, 1, NULL, NULL, 0)));
	soon = (struct timespec){ 0, 0 };
	EACH_BAD_OUT("fds", S(ppoll, P, 1, &soon, NULL, 0));
	EACH_BAD_IN("timeout", S(ppoll, &fd, 0, P != NULL ? P : hole, NULL, 0));
	EACH_BAD_IN("mask", S(ppoll, &fd, 1, &soon, P != NULL ? P : hole, 8));
}

TEST(select01)
{
	fd_set set;
	struct timeval soon = { 0, 1000 };

	make_pipes();
	memset(&set, 0, sizeof set);
	FD_SET(ready[0], &set);
	FD_SET(empty[0], &set);
	say("two", S(select, 20, &set, NULL, NULL, &soon));
	say("ready", FD_ISSET(ready[0], &set) != 0);
	say("empty", FD_ISSET(empty[0], &set) != 0);
	say("closed", (FD_SET(19, &set), S(select, 20, &set, NULL, NULL, &soon)));
	say("negative", S(select, -1, NULL, NULL, NULL, &soon));
	say("timeout", (memset(&set, 0, sizeof set), FD_SET(empty[0], &set), soon.tv_usec = 1000,
			S(select, 20, &set, NULL, NULL, &soon)));
	say("time left", soon.tv_sec * 1000000 + soon.tv_usec);
	say("negative time", (soon.tv_sec = -1, S(select, 0, NULL, NULL, NULL, &soon)));
	interrupt_soon(SA_RESTART);
	say("interrupted", (FD_SET(empty[0], &set), S(select, 20, &set, NULL, NULL, NULL)));
	soon = (struct timeval){ 0, 0 };
	EACH_BAD_OUT("read", S(select, 20, P, NULL, NULL, &soon));
	EACH_BAD_OUT("write", S(select, 20, NULL, P, NULL, &soon));
	EACH_BAD_OUT("except", S(select, 20, NULL, NULL, P, &soon));
	EACH_BAD_IN("timeout", S(select, 0, NULL, NULL, NULL, P != NULL ? P : hole));
}

TEST(pselect602)
{
	fd_set set;
	struct timespec soon = { 0, 1000 };
	uint64_t mask = 0;
	struct {
		const void *set;
		size_t size;
	} argument = { &mask, 8 };

	make_pipes();
	memset(&set, 0, sizeof set);
	FD_SET(ready[0], &set);
	say("ready", S(pselect6, 20, &set, NULL, NULL, &soon, &argument));
	say("mask size", (argument.size = 4, S(pselect6, 20, &set, NULL, NULL, &soon, &argument)));
	say("negative", S(pselect6, -1, &set, NULL, NULL, &soon, NULL));
	say("nanoseconds", (soon.tv_nsec = 1000000000, S(pselect6, 20, &set, NULL, NULL, &soon, NULL)));
	soon = (struct timespec){ 0, 0 };
	argument.size = 8;
	EACH_BAD_OUT("read", S(pselect6, 20, P, NULL, NULL, &soon, NULL));
	EACH_BAD_IN("mask", (argument.set = P, S(pselect6, 0, NULL, NULL, NULL, &soon, &argument)));
	EACH_BAD_IN("argument", S(pselect6, 0, NULL, NULL, NULL, &soon, P));
}

TEST(epoll_create01)
{
	say("zero", S(epoll_create, 0));
	say("negative", S(epoll_create, -1));
	say_done("one", S(epoll_create, 1));
}

TEST(epoll_create102)
{
	say("flags", S(epoll_create1, 1));
	say("cloexec", fcntl((int)S(epoll_create1, EPOLL_CLOEXEC), F_GETFD));
}

TEST(epoll_ctl02)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);
	int other = epoll_create1(0);

	make_pipes();
	say("add", S(epoll_ctl, epoll, EPOLL_CTL_ADD, ready[0], &event));
	say("again", S(epoll_ctl, epoll, EPOLL_CTL_ADD, ready[0], &event));
	say("change", S(epoll_ctl, epoll, EPOLL_CTL_MOD, ready[0], &event));
	say("change another", S(epoll_ctl, epoll, EPOLL_CTL_MOD, empty[0], &event));
	say("remove", S(epoll_ctl, epoll, EPOLL_CTL_DEL, ready[0], NULL));
	say("remove again", S(epoll_ctl, epoll, EPOLL_CTL_DEL, ready[0], NULL));
	say("operation", S(epoll_ctl, epoll, 77, ready[0], &event));
	say("itself", S(epoll_ctl, epoll, EPOLL_CTL_ADD, epoll, &event));
	say("no epoll", S(epoll_ctl, 1, EPOLL_CTL_ADD, ready[0], &event));
	say("no descriptor", S(epoll_ctl, -1, EPOLL_CTL_ADD, ready[0], &event));
	say("nothing to watch", S(epoll_ctl, epoll, EPOLL_CTL_ADD, 99, &event));
	say("regular file", S(epoll_ctl, epoll, EPOLL_CTL_ADD, make_file("f", 1), &event));
	say("another epoll", S(epoll_ctl, epoll, EPOLL_CTL_ADD, other, &event));
	say("a circle", S(epoll_ctl, other, EPOLL_CTL_ADD, epoll, &event));
	say("add without an event", S(epoll_ctl, epoll, EPOLL_CTL_ADD, ready[0], NULL));
	EACH_BAD_IN("event", S(epoll_ctl, epoll, EPOLL_CTL_ADD, empty[0], P));
	EACH_BAD_IN("event, no descriptor", S(epoll_ctl, -1, EPOLL_CTL_ADD, empty[0], P));
}

static int watch_ready(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x123456789 };
	int epoll = epoll_create1(0);

	make_pipes();
	epoll_ctl(epoll, EPOLL_CTL_ADD, ready[0], &event);
	return epoll;
}

TEST(epoll_wait03)
{
	struct epoll_event events[4];
	int epoll = watch_ready();

	say("one", S(epoll_wait, epoll, events, 4, 1000));
	say("data", (long)events[0].data.u64);
	say("none allowed", S(epoll_wait, epoll, events, 0, 0));
	say("negative", S(epoll_wait, epoll, events, -1, 0));
	say("no epoll", S(epoll_wait, 1, events, 4, 0));
	say("no descriptor", S(epoll_wait, -1, events, 4, 0));
	say("no descriptor, no room", S(epoll_wait, -1, NULL, 4, 0));
	EACH_BAD_OUT("events", S(epoll_wait, epoll, P, 4, 0));
	say("too many", S(epoll_wait, epoll, events, INT_MAX, 0));
	(void)read(ready[0], events, 1);
	interrupt_soon(SA_RESTART);
	say("interrupted", S(epoll_wait, epoll, events, 4, -1));
}

TEST(epoll_pwait03)
{
	struct epoll_event events[4];
	int epoll = watch_ready();
	uint64_t set = 0;

	say("one", S(epoll_pwait, epoll, events, 4, 1000, &set, 8));
	say("mask size", S(epoll_pwait, epoll, events, 4, 1000, &set, 4));
	EACH_BAD_OUT("events", S(epoll_pwait, epoll, P, 4, 0, NULL, 8));
	EACH_BAD_IN("mask", S(epoll_pwait, epoll, events, 4, 0, P, 8));
}

TEST(epoll_pwait202)
{
	struct epoll_event events[4];
	int epoll = watch_ready();
	uint64_t set = 0;
	struct timespec soon = { 0, 1000 };
	struct timespec wrong = { 0, -1 };

	say("one", S(epoll_pwait2, epoll, events, 4, &soon, &set, 8));
	say("nanoseconds", S(epoll_pwait2, epoll, events, 4, &wrong, &set, 8));
	say("timeout", ((void)read(ready[0], events, 1), S(epoll_pwait2, epoll, events, 4, &soon, NULL, 8)));
	EACH_BAD_IN("timeout", S(epoll_pwait2, epoll, events, 4, P != NULL ? P : hole, NULL, 8));
}
