/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Processes: their making, their end, what they execute.
 */
#include "suite.h"

#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/resource.h>

extern char **environ;

static int end_with(void *arg)
{
	return *(int *)arg;
}

static int pause_forever(void *arg)
{
	(void)arg;
	for (;;) {
		pause();
	}
	return 0;
}

static int become(void *path)
{
	char *args[] = { path, "-c", "exit 7", NULL };

	S(execve, path, args, environ);
	return errno;
}

static void write_script(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	(void)!write(fd, text, strlen(text));
	fchmod(fd, mode);
	close(fd);
}

TEST(execve03)
{
	static char *const args[] = { "x", NULL };
	char *path = malloc(PATH_MAX + 1);

	write_script("text", "hello", 0755);
	write_script("empty", "", 0755);
	write_script("closed", "#!/bin/sh\nexit 5\n", 0644);
	write_script("script", "#!/bin/sh\nexit 5\n", 0755);
	write_script("lost", "#!/no/such\n", 0755);
	write_script("bare", "#!\n", 0755);
	write_script("itself", "#!itself\n", 0755);
	write_script("elf", "\177ELF", 0755);
	mkdir("d", 0755);
	say("missing", S(execve, "missing", args, NULL));
	say("below a file", S(execve, "text/x", args, NULL));
	say("directory", S(execve, "d", args, NULL));
	say("closed", S(execve, "closed", args, NULL));
	say("text", S(execve, "text", args, NULL));
	say("empty", S(execve, "empty", args, NULL));
	say("bare", S(execve, "bare", args, NULL));
	say("half a program", S(execve, "elf", args, NULL));
	say("lost interpreter", S(execve, "lost", args, NULL));
	say("itself", S(execve, "itself", args, NULL));
	say("empty path", S(execve, "", args, NULL));
	memset(path, 'p', PATH_MAX);
	path[PATH_MAX] = 0;
	say("long path", S(execve, path, args, NULL));
	say_status("script", wait_child(start_child(become, "./script")));
	say_status("shell", wait_child(start_child(become, "/bin/sh")));
	EACH_BAD_IN("path", S(execve, P, args, NULL));
	EACH_BAD_IN("args", S(execve, "/bin/true", P != NULL ? P : hole, NULL));
	EACH_BAD_IN("env", S(execve, "/bin/true", args, P != NULL ? P : hole));
	EACH_BAD("argument", bad_count - 1,
		 S(execve, "/bin/true", ((char *[]){ "x", P != NULL ? P : hole, NULL }), NULL));
}

/* Execute with long arguments that make so many bytes together with all else that is counted. */
static int become_with(void *bytes)
{
	static char words[] = "/bin/sh\0-c\0exit 9";
	char *args[] = { words, words + 8, words + 11, NULL, NULL, NULL, NULL };
	const size_t all = *(size_t *)bytes - 8 - sizeof words - 6 * sizeof(char *);
	const size_t sizes[] = { all / 3, all / 3, all - 2 * (all / 3) };

	for (size_t i = 0; i < COUNT(sizes); i++) {
		args[i + 3] = malloc(sizes[i]);
		memset(args[i + 3], 'a', sizes[i] - 1);
		args[i + 3][sizes[i] - 1] = 0;
	}
	S(execve, args[0], args, NULL);
	return errno;
}

TEST(execve06)
{
	static const size_t stacks[] = { 256, 300, 512, 640, 1024 };

	for (size_t i = 0; i < COUNT(stacks); i++) {
		struct rlimit limit = { stacks[i] << 10, RLIM_INFINITY };
		size_t bytes = limit.rlim_cur / 4 > 128 << 10 ? limit.rlim_cur / 4 : 128 << 10;

		setrlimit(RLIMIT_STACK, &limit);
		say_status("as many as may be", wait_child(start_child(become_with, &bytes)));
		bytes++;
		say_status("one more", wait_child(start_child(become_with, &bytes)));
	}
}

TEST(execveat02)
{
	static char *const args[] = { "x", NULL };
	int fd;

	write_script("script", "#!/bin/sh\nexit 5\n", 0755);
	(void)!symlink("script", "link");
	fd = open("script", O_RDONLY);
	say("flags", S(execveat, AT_FDCWD, "script", args, NULL, 1));
	say("link", S(execveat, AT_FDCWD, "link", args, NULL, AT_SYMLINK_NOFOLLOW));
	say("empty", S(execveat, fd, "", args, NULL, 0));
	say("no descriptor", S(execveat, -1, "script", args, NULL, 0));
	say("no directory", S(execveat, fd, "script", args, NULL, 0));
	EACH_BAD_IN("path", S(execveat, AT_FDCWD, P, args, NULL, 0));
}

TEST(fork03)
{
	int status = 77;
	pid_t pid = (pid_t)S(fork);

	if (pid == 0) {
		_exit(9);
	}
	say_status("child", wait_child(pid));
	say_status("by the library", wait_child(start_child(end_with, &status)));
}

TEST(vfork01)
{
	volatile int seen = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		seen = 5;
		_exit(3);
	}
	say("shared", seen);
	say_status("child", wait_child(pid));
}

TEST(fork10)
{
	struct rlimit limit = { 1, 1 };

	become_nobody();
	setrlimit(RLIMIT_NPROC, &limit);
	say("no more", S(fork));
}

TEST(clone08)
{
	say("sighand alone", S(clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
	say("thread alone", S(clone, CLONE_THREAD, 0, 0, 0, 0));
	say("thread without memory", S(clone, CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0));
	say("fs and newns", S(clone, CLONE_FS | CLONE_NEWNS, 0, 0, 0, 0));
	say("newpid and thread", S(clone, CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0, 0, 0));
	say("pidfd and parent", S(clone, CLONE_PIDFD | CLONE_PARENT_SETTID, 0, 0, 0, 0));
}

TEST(clone302)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int pidfd = -1;
	long pid = S(clone3, &args, sizeof args);

	if (pid == 0) {
		_exit(6);
	}
	say_status("child", wait_child((pid_t)pid));
	args.flags = CLONE_PIDFD;
	args.pidfd = (uintptr_t)&pidfd;
	pid = S(clone3, &args, sizeof args);
	if (pid == 0) {
		_exit(7);
	}
	say("pidfd", fcntl(pidfd, F_GETFD));
	say_status("child", wait_child((pid_t)pid));
	say("short", S(clone3, &args, 10));
	say("nothing", S(clone3, &args, 0));
	say("long", S(clone3, &args, 1ul << 20));
	args = (struct clone_args){ .exit_signal = 65 };
	say("signal", S(clone3, &args, sizeof args));
	args = (struct clone_args){ .flags = CLONE_SIGHAND };
	say("sighand", S(clone3, &args, sizeof args));
	args = (struct clone_args){ .flags = 1ull << 40 };
	say("flags", S(clone3, &args, sizeof args));
	args = (struct clone_args){ .stack = 4096 };
	say("stack without size", S(clone3, &args, sizeof args));
	args = (struct clone_args){ .stack_size = 4096 };
	say("size without stack", S(clone3, &args, sizeof args));
	args = (struct clone_args){ .flags = CLONE_INTO_CGROUP, .cgroup = 1ull << 40 };
	say("cgroup", S(clone3, &args, sizeof args));
	args = (struct clone_args){ .set_tid = 1, .set_tid_size = 1 };
	say("tids", S(clone3, &args, sizeof args));
	args = (struct clone_args){ .set_tid_size = 1 };
	say("no tids", S(clone3, &args, sizeof args));
	EACH_BAD_IN("args", S(clone3, P, sizeof args));
}

TEST(exit02)
{
	int status = 300;

	say_status("cut", wait_child(start_child(end_with, &status)));
	say_status("negative", wait_child(start_child(end_with, &(int){ -1 })));
	if (fork() == 0) {
		S(exit, 11);
	}
	wait(&status);
	say_status("the thread alone", status);
}

TEST(exit_group01)
{
	int status;

	if (fork() == 0) {
		S(exit_group, 12);
	}
	wait(&status);
	say_status("the group", status);
}

TEST(wait403)
{
	int status;
	struct rusage usage;
	pid_t child;

	say("none", S(wait4, -1, &status, 0, NULL));
	say("options", S(wait4, -1, &status, 0x1000000 - 1, NULL));
	say("smallest", S(wait4, INT_MIN, &status, 0, NULL));
	child = start_child(pause_forever, NULL);
	say("still there", S(wait4, child, &status, WNOHANG, &usage));
	kill(child, SIGSTOP);
	say("stopped", S(wait4, child, &status, WUNTRACED, &usage) == child);
	say_status("by", status);
	kill(child, SIGCONT);
	say("continued", S(wait4, child, &status, WCONTINUED, NULL) == child);
	say("status", status);
	kill(child, SIGTERM);
	say("ended", S(wait4, child, &status, 0, &usage) == child);
	say_status("by", status);
	child = start_child(end_with, &(int){ 1 });
	say("bad status", S(wait4, child, hole, 0, NULL) == child ? 0 : -1);
	child = start_child(end_with, &(int){ 1 });
	say("bad usage", S(wait4, child, NULL, 0, hole) == child ? 0 : -1);
}

TEST(waitid07)
{
	siginfo_t info;
	pid_t child;

	say("none", S(waitid, P_ALL, 0, &info, WEXITED, NULL));
	say("no options", S(waitid, P_ALL, 0, &info, 0, NULL));
	say("options", S(waitid, P_ALL, 0, &info, 0x100, NULL));
	say("type", S(waitid, 77, 0, &info, WEXITED, NULL));
	say("pid", S(waitid, P_PID, 0, &info, WEXITED, NULL));
	say("no pidfd", S(waitid, P_PIDFD, 1, &info, WEXITED, NULL));
	child = start_child(end_with, &(int){ 5 });
	say("look", S(waitid, P_PID, child, &info, WEXITED | WNOWAIT, NULL));
	say("status", info.si_status);
	say("code", info.si_code);
	say("pid", info.si_pid == child);
	say("take", S(waitid, P_PID, child, NULL, WEXITED, NULL));
	child = start_child(pause_forever, NULL);
	say("nothing yet", (info.si_pid = 7, S(waitid, P_PID, child, &info, WEXITED | WNOHANG, NULL)));
	say("pid", info.si_pid);
	kill(child, SIGSTOP);
	say("stopped", S(waitid, P_PID, child, &info, WSTOPPED, NULL));
	say("code", info.si_code);
	kill(child, SIGKILL);
	say("bad info", S(waitid, P_PID, child, hole, WEXITED, NULL));
}

TEST(getpid01)
{
	say("pid", S(getpid) > 1);
}

TEST(getppid01)
{
	say("parent", S(getppid) > 0);
}

TEST(gettid01)
{
	say("thread", S(gettid) == S(getpid));
}

TEST(getpgid01)
{
	say("self", S(getpgid, 0) == S(getpgrp));
	say("nobody", S(getpgid, 1 << 22));
	say("negative", S(getpgid, -1));
}

TEST(setpgid02)
{
	pid_t child = start_child(pause_forever, NULL);

	say("negative group", S(setpgid, 0, -1));
	say("negative pid", S(setpgid, -1, 0));
	say("nobody", S(setpgid, 1 << 22, 0));
	say("parent", S(setpgid, getppid(), 0));
	say("child", S(setpgid, child, 0));
	say("its group", S(getpgid, child) == child);
	say("another session's group", S(setpgid, 0, 1 << 21));
	kill(child, SIGKILL);
}

TEST(getpgrp01)
{
	say("group", (setpgid(0, 0), S(getpgrp) == getpid()));
}

TEST(getsid02)
{
	say("self", S(getsid, 0) > 0);
	say("nobody", S(getsid, 1 << 22));
}

TEST(setsid01)
{
	say("session", S(setsid) == getpid());
	say("again", S(setsid));
	say("group of the leader", S(setpgid, 0, 0));
}

TEST(vhangup01)
{
	say("nobody", (become_nobody(), S(vhangup)));
}

TEST(personality01)
{
	say("ask", S(personality, 0xffffffffu));
	say("set", S(personality, 0x0040000));
	say("ask", S(personality, 0xffffffffu));
}

TEST(arch_prctl01)
{
	unsigned long base = 0;

	say("fs", S(arch_prctl, 0x1003, &base));
	say("there", base != 0);
	say("set gs", S(arch_prctl, 0x1001, 0x12345ul));
	say("gs", S(arch_prctl, 0x1004, &base));
	say("value", (long)base);
	say("noncanonical", S(arch_prctl, 0x1001, 0x8000000000000000ul));
	say("kernel", S(arch_prctl, 0x1001, 0xffff888000000000ul));
	say("code", S(arch_prctl, 0x7777, &base));
	say("cpuid", S(arch_prctl, 0x1011, 0));
	EACH_BAD_OUT("fs", S(arch_prctl, 0x1003, P));
}
