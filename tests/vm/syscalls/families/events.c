/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Descriptors that stand for something else: pipes, counters, timers, signals, watchers, memory.
 */
#include "suite.h"

#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static char room[PAGE];

TEST(pipe03)
{
	int pair[2];
	char *edge = before_hole(8);

	say("pipe", S(pipe, pair));
	say("write to the read end", write(pair[0], "x", 1));
	say("read from the write end", read(pair[1], room, 1));
	say("at the hole", S(pipe, edge));
	EACH_BAD_OUT("fds", S(pipe, P));
	say_done("nothing is left open", fcntl(pair[1] + 3, F_GETFD));
}

TEST(pipe2_02)
{
	int pair[2];

	say("flags", S(pipe2, pair, 0x1234567));
	say("cloexec and nonblock", S(pipe2, pair, O_CLOEXEC | O_NONBLOCK));
	say("descriptor", fcntl(pair[0], F_GETFD));
	say("file", fcntl(pair[0], F_GETFL));
	say("empty", read(pair[0], room, 1));
	say("packets", S(pipe2, pair, O_DIRECT));
	say("one", write(pair[1], "abc", 3));
	say("two", write(pair[1], "de", 2));
	say("first packet", read(pair[0], room, 10));
	say("cut", read(pair[0], room, 1));
	EACH_BAD_OUT("fds", S(pipe2, P, 0));
	EACH_BAD_OUT("fds, flags", S(pipe2, P, 0x1234567));
}

TEST(eventfd02)
{
	uint64_t value = 5;
	int fd = (int)S(eventfd, 3);

	say("write", write(fd, &value, 8));
	say("read", read(fd, &value, 8));
	say("value", (long)value);
	say("short", read(fd, &value, 4));
	say("largest", (value = UINT64_MAX, write(fd, &value, 8)));
	EACH_BAD_IN("value", write(fd, P, 8));
}

TEST(eventfd2_03)
{
	uint64_t value = 2;
	int fd = (int)say_done("semaphore", S(eventfd2, 2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));

	say("read", read(fd, &value, 8));
	say("value", (long)value);
	say("read", read(fd, &value, 8));
	say("empty", read(fd, &value, 8));
	say("flags", S(eventfd2, 0, 0x1234));
	say("full", (value = UINT64_MAX - 1, write(fd, &value, 8)));
	say("no more", (value = 1, write(fd, &value, 8)));
}

TEST(signalfd01)
{
	uint64_t set = 1ull << (SIGUSR1 - 1);
	struct signalfd_siginfo info;
	int fd;

	S(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	fd = (int)say_done("new", S(signalfd, -1, &set, 8));
	say("raise", kill(getpid(), SIGUSR1));
	say("read", read(fd, &info, sizeof info));
	say("signal", info.ssi_signo);
	say("code", info.ssi_code);
	say("short", read(fd, &info, 10));
	say("size", S(signalfd, -1, &set, 4));
	say("not one", S(signalfd, 1, &set, 8));
	say("closed", S(signalfd, 99, &set, 8));
	EACH_BAD_IN("mask", S(signalfd, -1, P, 8));
}

TEST(signalfd4_02)
{
	uint64_t set = 1ull << (SIGUSR1 - 1);
	struct signalfd_siginfo info[2];
	int fd;

	S(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	fd = (int)say_done("nonblock", S(signalfd4, -1, &set, 8, SFD_NONBLOCK | SFD_CLOEXEC));
	say("nothing", read(fd, info, sizeof info));
	say("queued", (kill(getpid(), SIGUSR1), read(fd, info, sizeof info)));
	say("flags", S(signalfd4, -1, &set, 8, 0x1234));
	say("same", S(signalfd4, fd, &set, 8, 0) == fd);
}

TEST(timerfd_create01)
{
	say("clock", S(timerfd_create, 77, 0));
	say("flags", S(timerfd_create, CLOCK_MONOTONIC, 0x1234));
	say("cpu time", S(timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0));
	say_done("boot time", S(timerfd_create, CLOCK_BOOTTIME, TFD_CLOEXEC));
}

TEST(timerfd_settime01)
{
	struct itimerspec once = { { 0, 0 }, { 0, 1000 } };
	struct itimerspec wrong = { { 0, 0 }, { 0, 1000000000 } };
	struct itimerspec far = { { 7, 0 }, { 1000, 0 } };
	struct itimerspec old;
	uint64_t count;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	say("once", S(timerfd_settime, fd, 0, &once, NULL));
	say("read", read(fd, &count, 8));
	say("count", (long)count);
	say("short", read(fd, &count, 4));
	say("nanoseconds", S(timerfd_settime, fd, 0, &wrong, NULL));
	say("flags", S(timerfd_settime, fd, 77, &once, NULL));
	say("no timer", S(timerfd_settime, 1, 0, &once, NULL));
	say("no descriptor", S(timerfd_settime, -1, 0, &once, NULL));
	say("no descriptor, no time", S(timerfd_settime, -1, 0, NULL, NULL));
	say("far", S(timerfd_settime, fd, 0, &far, &old));
	say("old", S(timerfd_settime, fd, 0, &far, &old));
	say("old interval", old.it_interval.tv_sec);
	EACH_BAD_IN("new", S(timerfd_settime, fd, 0, P, NULL));
	EACH_BAD_OUT("old", S(timerfd_settime, fd, 0, &far, P));
}

TEST(timerfd_gettime01)
{
	struct itimerspec now;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	say("unarmed", S(timerfd_gettime, fd, &now));
	say("value", now.it_value.tv_sec);
	say("no timer", S(timerfd_gettime, 1, &now));
	say("no descriptor, no room", S(timerfd_gettime, -1, NULL));
	EACH_BAD_OUT("current", S(timerfd_gettime, fd, P));
}

TEST(memfd_create01)
{
	char name[300];
	int fd = (int)say_done("plain", S(memfd_create, "name", 0));

	say("sealed", fcntl(fd, F_GET_SEALS));
	say("add a seal", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	fd = (int)say_done("sealing", S(memfd_create, "name", 2u | 1u));
	say("write", write(fd, "hello", 5));
	say("add", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW));
	say("write sealed", write(fd, "hello", 5));
	say("map", mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? errno : 0);
	say("flags", S(memfd_create, "name", 0x1000));
	memset(name, 'm', sizeof name);
	name[249] = 0;
	say_done("longest name", S(memfd_create, name, 0));
	name[249] = 'm';
	name[250] = 0;
	say("long name", S(memfd_create, name, 0));
	EACH_BAD_IN("name", S(memfd_create, P, 0));
}

TEST(inotify_init101)
{
	say("flags", S(inotify_init1, 0x1234));
	say_done("nonblock", S(inotify_init1, IN_NONBLOCK | IN_CLOEXEC));
}

TEST(inotify_init01)
{
	int fd = (int)say_done("new", S(inotify_init));

	say("flags", fcntl(fd, F_GETFL));
}

TEST(inotify_add_watch01)
{
	int fd = inotify_init1(IN_NONBLOCK);
	struct inotify_event *event = (struct inotify_event *)room;

	say("watch", S(inotify_add_watch, fd, ".", IN_CREATE | IN_DELETE));
	close(make_file("f", 1));
	say("event", read(fd, room, sizeof room));
	say_bytes("name", event->name, 1);
	say("mask", event->mask);
	say("short", (unlink("f"), read(fd, room, 4)));
	say("missing", S(inotify_add_watch, fd, "missing", IN_CREATE));
	say("no events", S(inotify_add_watch, fd, ".", 0));
	say("no watcher", S(inotify_add_watch, 1, ".", IN_CREATE));
	say("no descriptor", S(inotify_add_watch, -1, ".", IN_CREATE));
	say("no descriptor, no path", S(inotify_add_watch, -1, NULL, IN_CREATE));
	say("directory only", S(inotify_add_watch, fd, "/dev/null", IN_ONLYDIR | IN_OPEN));
	EACH_BAD_IN("path", S(inotify_add_watch, fd, P, IN_CREATE));
}

TEST(inotify_rm_watch01)
{
	int fd = inotify_init1(IN_NONBLOCK);

	say("unknown", S(inotify_rm_watch, fd, 77));
	say("remove", S(inotify_rm_watch, fd, inotify_add_watch(fd, ".", IN_CREATE)));
	say("no watcher", S(inotify_rm_watch, 1, 1));
	say("no descriptor", S(inotify_rm_watch, -1, 1));
	say("ignored", read(fd, room, sizeof room));
}

TEST(fanotify_init01)
{
	say("flags", S(fanotify_init, 0x80000000u, 0));
	say("event flags", S(fanotify_init, FAN_CLASS_NOTIF, 0x7fffffff));
	say_done("by name", S(fanotify_init, FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY));
}

TEST(fanotify_mark01)
{
	int fd = (int)S(fanotify_init, FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);

	say("mark", S(fanotify_mark, fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "."));
	say("no watcher", S(fanotify_mark, 1, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "."));
	say("no descriptor", S(fanotify_mark, -1, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "."));
	say("flags", S(fanotify_mark, fd, 0x10000, FAN_OPEN, AT_FDCWD, "."));
	EACH_BAD_IN("path", S(fanotify_mark, fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, P));
}
