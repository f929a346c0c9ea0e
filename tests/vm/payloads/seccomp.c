/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a payload sees of seccomp filters, its own and its container's.  The first argument names the scene; what it
 * prints and how it ends has to be the same on a kernel and in the monitor.
 */
#define _GNU_SOURCE
#include "filters.h"

#include <linux/audit.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void allow_filters(void)
{
	show("PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	printf("PR_GET_NO_NEW_PRIVS: %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void on_sigsys(int number, siginfo_t *info, void *context)
{
	(void)context;
	printf("signal %d code %d errno %d call %d arch %#x address %s\n", number, info->si_code, info->si_errno,
	       info->si_syscall, info->si_arch, info->si_call_addr != NULL ? "set" : "missing");
	fflush(stdout);
}

static void errnos(void)
{
	allow_filters();
	show("errno", add_filter(SYS_getppid, SECCOMP_RET_ERRNO | ENOMEDIUM, 0));
	show("getppid", syscall(SYS_getppid));
	show("weaker", add_filter(SYS_getppid, SECCOMP_RET_ALLOW, 0));
	show("getppid", syscall(SYS_getppid));
	show("other errno", add_filter(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV, 0));
	show("getppid", syscall(SYS_getppid));
	show("zero", add_filter(SYS_sync, SECCOMP_RET_ERRNO, 0));
	show("sync", syscall(SYS_sync));
	show("unknown call", add_filter(4242, SECCOMP_RET_ERRNO | ENOANO, 0));
	show("4242", syscall(4242));
	show("trace", add_filter(SYS_getuid, SECCOMP_RET_TRACE | 1, 0));
	show("getuid", syscall(SYS_getuid));
	show("log", add_filter(SYS_getgid, SECCOMP_RET_LOG, 0));
	show("getgid", syscall(SYS_getgid));
	printf("mode %d\n", prctl(PR_GET_SECCOMP));
}

/* The calls that a monitor does not pass on as they are. */
static void emulated(void)
{
	static const long calls[] = { SYS_mmap,  SYS_clone, SYS_clone3, SYS_execve, SYS_rt_sigaction,
				      SYS_prctl, SYS_ioctl, SYS_openat, SYS_uname,  SYS_ptrace };

	allow_filters();
	for (size_t i = 0; i < COUNT(calls); i++) {
		show("add", add_filter(calls[i], SECCOMP_RET_ERRNO | ENOANO, 0));
		show("call", syscall(calls[i], 0, 0, 0, 0, 0, 0));
	}
}

static void trap(void)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	allow_filters();
	sigaction(SIGSYS, &action, NULL);
	show("trap", add_filter(SYS_getppid, SECCOMP_RET_TRAP | 42, 0));
	printf("result %ld\n", syscall(SYS_getppid));
}

static void die(uint32_t verdict)
{
	allow_filters();
	show("kill", add_filter(SYS_getppid, verdict, 0));
	(void)syscall(SYS_getppid);
	printf("still alive\n");
}

static void kill_process(void)
{
	die(SECCOMP_RET_KILL_PROCESS);
}

static void kill_thread(void)
{
	die(SECCOMP_RET_KILL_THREAD);
}

static void trap_unhandled(void)
{
	die(SECCOMP_RET_TRAP);
}

static void *be_killed(void *nothing)
{
	(void)add_filter(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0);
	(void)syscall(SYS_getppid);
	printf("the thread is still alive\n");
	return nothing;
}

static void kill_thread_of_two(void)
{
	pthread_t thread;

	allow_filters();
	pthread_create(&thread, NULL, be_killed, NULL);
	pthread_join(thread, NULL);
	show("getppid of the other thread", syscall(SYS_getppid));
}

static pthread_barrier_t barrier;
static pid_t follower;

/* A thread that is there before its filters are. */
static void *follow(void *own_filter)
{
	follower = gettid();
	if (own_filter != NULL) {
		show("own", add_filter(SYS_getuid, SECCOMP_RET_ERRNO | EXDEV, 0));
	}
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	show("getppid of the follower", syscall(SYS_getppid));
	printf("PR_GET_NO_NEW_PRIVS: %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* Filters for all threads at once, and a thread that has some of its own. */
static void synchronized_filters(void)
{
	const unsigned flag = SECCOMP_FILTER_FLAG_TSYNC;
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, follow, NULL);
	pthread_barrier_wait(&barrier);
	allow_filters();
	show("all", add_filter(SYS_getppid, SECCOMP_RET_ERRNO | ENOANO, flag));
	show("getppid", syscall(SYS_getppid));
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	show("all but an ended one", add_filter(SYS_getgid, SECCOMP_RET_ERRNO | ENOANO, flag));
	pthread_create(&thread, NULL, follow, &barrier);
	pthread_barrier_wait(&barrier);
	printf("the other's number: %d\n", add_filter(SYS_getpid, SECCOMP_RET_ERRNO | ENOANO, flag) == follower);
	show("none", add_filter(SYS_getpid, SECCOMP_RET_ERRNO | ENOANO, flag | SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
	show("getpid", syscall(SYS_getpid));
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
}

static void arguments(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_lseek, 0, 5),
		LOAD(args[1]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | ENOANO),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { COUNT(code), code };

	allow_filters();
	show("add", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
	show("lseek 7", syscall(SYS_lseek, -1, 7L, 0));
	show("lseek 1 << 32 | 7", syscall(SYS_lseek, -1, 1L << 32 | 7, 0));
}

static void faults(void)
{
	struct sock_filter bad[] = { LOAD(nr) };
	struct sock_filter ret[] = { RETURN(SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 1, bad };
	uint32_t action = SECCOMP_RET_USER_NOTIF + 1;

	show("without no_new_privs", add_filter(SYS_getppid, SECCOMP_RET_ALLOW, 0));
	allow_filters();
	show("no return", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
	program = (struct sock_fprog){ 0, ret };
	show("empty", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
	program = (struct sock_fprog){ 1, NULL };
	show("no program", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
	show("NULL", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL));
	show("flags", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1u << 31, &program));
	show("operation", syscall(SYS_seccomp, 99, 0, NULL));
	show("unknown action", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	action = SECCOMP_RET_TRAP;
	show("known action", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
}

static void inherit(void)
{
	char *const args[] = { words[0], "probe", NULL };
	pid_t child;

	allow_filters();
	show("first", add_filter(SYS_getppid, SECCOMP_RET_ERRNO | ENOANO, 0));
	show("second", add_filter(SYS_getuid, SECCOMP_RET_ERRNO | EXDEV, 0));
	child = fork();
	if (child == 0) {
		show("getppid of the child", syscall(SYS_getppid));
		_exit(0);
	}
	(void)waitpid(child, NULL, 0);
	(void)execv(args[0], args);
	show("execv", -1);
}

static void probe(void)
{
	show("getppid", syscall(SYS_getppid));
	show("getuid", syscall(SYS_getuid));
	printf("PR_GET_NO_NEW_PRIVS: %d, mode %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECCOMP));
}

/* Under the container's profile: one call of each kind that the tests' profiles speak about. */
static void calls(void)
{
	show("clone", syscall(SYS_clone, -1, 0, 0, 0, 0));
	show("uname", syscall(SYS_uname, NULL));
	show("lseek 7", syscall(SYS_lseek, -1, 7L, 0));
	show("lseek 8", syscall(SYS_lseek, -1, 8L, 0));
	show("getppid", syscall(SYS_getppid));
	printf("mode %d, no_new_privs %d\n", prctl(PR_GET_SECCOMP), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void strict(void)
{
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	(void)!write(1, "strict\n", 7);
	syscall(SYS_exit, 5);
}

static void strict_broken(void)
{
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	syscall(SYS_getppid);
	(void)!write(1, "still alive\n", 12);
	syscall(SYS_exit, 5);
}

int main(int argc, char **argv)
{
	static const struct scene scenes[] = {
		{ "errnos", errnos },
		{ "emulated", emulated },
		{ "trap", trap },
		{ "kill-process", kill_process },
		{ "kill-thread", kill_thread },
		{ "all-threads", synchronized_filters },
		{ "trap-unhandled", trap_unhandled },
		{ "kill-thread-of-two", kill_thread_of_two },
		{ "arguments", arguments },
		{ "faults", faults },
		{ "inherit", inherit },
		{ "calls", calls },
		{ "probe", probe },
		{ "strict", strict },
		{ "strict-broken", strict_broken },
		{ NULL, NULL },
	};

	return play_scene(scenes, argc, argv);
}
