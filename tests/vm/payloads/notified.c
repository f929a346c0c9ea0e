/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls that an agent is asked about.  The first argument names the scene; what it prints, what the agent is asked
 * and how it ends has to be the same on a kernel and in the monitor.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(all)   (sizeof(all) / sizeof(all)[0])
#define LOAD(field)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define THREADS      8

static void show(const char *what, long result)
{
	printf("%s: %s\n", what, result >= 0 ? "success" : strerrorname_np(errno));
	fflush(stdout);
}

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
static void top_of_memory(char **argv)
{
	make(argv[2]);
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

static void interrupted(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
	make("/interrupted");
	printf("%d signals\n", signals);
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
static void processes(char *program)
{
	char *const args[] = { program, "child", NULL };
	char *const next[] = { program, "next", NULL };
	pid_t child;

	posix_spawn(&child, program, NULL, NULL, args, NULL);
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
	(void)execv(program, next);
}

static void abandoned(void)
{
	make("/waiting");
	make("/later");
}

static long add_filter(long nr, uint32_t verdict)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		RETURN(verdict),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { COUNT(code), code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static void own_filters(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	show("allow", add_filter(SYS_mkdir, SECCOMP_RET_ALLOW));
	make("/asked");
	show("trace", add_filter(SYS_mkdir, SECCOMP_RET_TRACE));
	make("/stillasked");
	show("notify without a listener", add_filter(SYS_sysinfo, SECCOMP_RET_USER_NOTIF));
	show("sysinfo", syscall(SYS_sysinfo, NULL));
	show("notify", add_filter(SYS_mkdir, SECCOMP_RET_USER_NOTIF));
	make("/unasked");
	show("errno", add_filter(SYS_mkdir, SECCOMP_RET_ERRNO | ENOANO));
	make("/denied");
}

int main(int argc, char **argv)
{
	const char *scene = argc > 1 ? argv[1] : "";

	if (strcmp(scene, "answers") == 0) {
		answers();
	} else if (strcmp(scene, "top") == 0) {
		top_of_memory(argv);
	} else if (strcmp(scene, "memory") == 0) {
		memory();
	} else if (strcmp(scene, "addresses") == 0) {
		addresses();
	} else if (strcmp(scene, "descriptors") == 0) {
		descriptors();
	} else if (strcmp(scene, "interrupted") == 0) {
		interrupted(0);
	} else if (strcmp(scene, "restarted") == 0) {
		interrupted(SA_RESTART);
	} else if (strcmp(scene, "ignored") == 0) {
		ignored();
	} else if (strcmp(scene, "threads") == 0) {
		threads();
	} else if (strcmp(scene, "processes") == 0) {
		processes(argv[0]);
	} else if (strcmp(scene, "child") == 0) {
		make("/spawned");
	} else if (strcmp(scene, "next") == 0) {
		make("/executed");
	} else if (strcmp(scene, "abandoned") == 0) {
		abandoned();
	} else if (strcmp(scene, "own-filters") == 0) {
		own_filters();
	} else {
		return 99;
	}
	return 0;
}
