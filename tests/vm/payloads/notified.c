/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls that an agent is asked about.  The first argument names the scene; what it prints, what the agent is asked
 * and how it ends has to be the same on a kernel and in the monitor.
 */
#define _GNU_SOURCE
#include "filters.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#define THREADS 8

static void make(const char *path)
{
	show(path, mkdir(path, 0750));
}

static void answers(void)
{
	struct stat made = { .st_mode = 0 };

	make("/refused");
	make("/faked");
	show("stat", stat("/faked", &made));
	make("/made");
	(void)stat("/made", &made);
	printf("mode %o\n", made.st_mode);
	make("/made");
	printf("value %ld\n", syscall(SYS_mkdir, "/value", 0));
}

/* The string stands where the stack begins, as far up as memory goes. */
static void top_of_memory(void)
{
	make(words[2]);
}

static void memory(void)
{
	struct sysinfo told = { .uptime = 1 };

	show("sysinfo", sysinfo(&told));
	printf("uptime %ld\n", told.uptime);
}

static void addresses(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(page + 4096, 4096);
	memset(page, '/', 4096);
	show("NULL", syscall(SYS_mkdir, NULL, 0));
	show("one", syscall(SYS_mkdir, 1L, 0));
	show("the kernel's", syscall(SYS_mkdir, -4096L, 0));
	show("unterminated", syscall(SYS_mkdir, page, 0));
	memcpy(page + 4088, "/atedge", 8);
	show("to the end of a page", syscall(SYS_mkdir, page + 4088, 0));
	show("closed", syscall(SYS_mkdirat, 77, "name", 0));
	show("with AT_FDCWD", syscall(SYS_mkdirat, AT_FDCWD, "/with", 0));
}

static void read_from(const char *what, int fd)
{
	char text[16] = "";
	ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	printf("%s: %d, '%s'\n", what, fd >= 0 ? fcntl(fd, F_GETFD) : -1, size >= 0 ? text : "");
	fflush(stdout);
}

static void descriptors(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	printf("number %d\n", fd);
	read_from("added", fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	printf("number %d\n", fd);
	read_from("added with the answer", fd);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	printf("number %d\n", fd);
	show("connect", connect(fd, (const struct sockaddr *)"\1\0/x", 5));
	read_from("replaced", fd);
}

static int signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static void receive_signals(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
	make("/interrupted");
	printf("%d signals\n", signals);
}

static void interrupted(void)
{
	receive_signals(0);
}

static void restarted(void)
{
	receive_signals(SA_RESTART);
}

static void ignored(void)
{
	signal(SIGUSR1, SIG_IGN);
	make("/interrupted");
}

static void *make_one(void *path)
{
	return (void *)(intptr_t)(mkdir(path, 0700) == 0 ? 0 : errno);
}

static void threads(void)
{
	pthread_t thread[THREADS];
	char path[THREADS][8];

	for (int i = 0; i < THREADS; i++) {
		(void)snprintf(path[i], sizeof path[i], "/t%d", i);
		pthread_create(&thread[i], NULL, make_one, path[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		void *error;

		pthread_join(thread[i], &error);
		printf("%s: %s\n", path[i], strerrorname_np((int)(intptr_t)error));
	}
}

/* A vfork, an exec in it and in place, a fork. */
static void processes(void)
{
	char *const args[] = { words[0], "child", NULL };
	char *const next[] = { words[0], "next", NULL };
	pid_t child;

	posix_spawn(&child, words[0], NULL, NULL, args, NULL);
	(void)waitpid(child, NULL, 0);
	child = fork();
	if (child == 0) {
		make("/forked");
		_exit(0);
	}
	(void)waitpid(child, NULL, 0);
	child = vfork();
	if (child == 0) {
		(void)syscall(SYS_mkdir, "/vforked", 0);
		_exit(0);
	}
	(void)waitpid(child, NULL, 0);
	(void)execv(words[0], next);
}

static void child(void)
{
	make("/spawned");
}

static void next(void)
{
	make("/executed");
}

static void abandoned(void)
{
	make("/waiting");
	make("/later");
}

static void own_filters(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	show("allow", add_filter(SYS_mkdir, SECCOMP_RET_ALLOW, 0));
	make("/asked");
	show("trace", add_filter(SYS_mkdir, SECCOMP_RET_TRACE, 0));
	make("/stillasked");
	show("notify without a listener", add_filter(SYS_sysinfo, SECCOMP_RET_USER_NOTIF, 0));
	show("sysinfo", syscall(SYS_sysinfo, NULL));
	show("notify", add_filter(SYS_mkdir, SECCOMP_RET_USER_NOTIF, 0));
	make("/unasked");
	show("errno", add_filter(SYS_mkdir, SECCOMP_RET_ERRNO | ENOANO, 0));
	make("/denied");
}

int main(int argc, char **argv)
{
	static const struct scene scenes[] = {
		{ "answers", answers },
		{ "top", top_of_memory },
		{ "memory", memory },
		{ "addresses", addresses },
		{ "descriptors", descriptors },
		{ "interrupted", interrupted },
		{ "restarted", restarted },
		{ "ignored", ignored },
		{ "threads", threads },
		{ "processes", processes },
		{ "child", child },
		{ "next", next },
		{ "abandoned", abandoned },
		{ "own-filters", own_filters },
		{ NULL, NULL },
	};

	return play_scene(scenes, argc, argv);
}
