/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* 128 bytes below the stack pointer belong to a leaf function, system calls or not. */
static int red_zone_survives(void)
{
	uint64_t left = 1;

	__asm__ volatile("movabsq $0x5a5a5a5a5a5a5a5a, %%rdx\n"
			 "\tmovl $16, %%ecx\n"
			 "\tmovq $-8, %%rsi\n"
			 "1:\tmovq %%rdx, (%%rsp,%%rsi)\n"
			 "\tsubq $8, %%rsi\n"
			 "\tdecl %%ecx\n"
			 "\tjnz 1b\n"
			 "\tmovl $39, %%eax\n"
			 "\tsyscall\n"
			 "\tmovl $16, %%ecx\n"
			 "\tmovq $-8, %%rsi\n"
			 "\txorl %%eax, %%eax\n"
			 "2:\tmovq (%%rsp,%%rsi), %%rdi\n"
			 "\txorq %%rdx, %%rdi\n"
			 "\torq %%rdi, %%rax\n"
			 "\tsubq $8, %%rsi\n"
			 "\tdecl %%ecx\n"
			 "\tjnz 2b\n"
			 : "=a"(left)
			 :
			 : "rcx", "rdx", "rsi", "rdi", "r11", "memory", "cc");
	EXPECT(left == 0);
	return 0;
}

/* A call changes RAX, RCX and R11, and nothing else. */
static int call_keeps_registers(void)
{
	uint64_t differs = 1;

	__asm__ volatile("movq $11, %%rdi\n\tmovq $12, %%rsi\n\tmovq $13, %%rdx\n\tmovq $14, %%r10\n"
			 "\tmovq $15, %%r8\n\tmovq $16, %%r9\n\tmovq $17, %%r12\n\tmovq $18, %%r13\n"
			 "\tmovl $39, %%eax\n\tsyscall\n"
			 "\txorq $11, %%rdi\n\txorq $12, %%rsi\n\txorq $13, %%rdx\n\txorq $14, %%r10\n"
			 "\txorq $15, %%r8\n\txorq $16, %%r9\n\txorq $17, %%r12\n\txorq $18, %%r13\n"
			 "\tmovq %%rdi, %%rax\n\torq %%rsi, %%rax\n\torq %%rdx, %%rax\n\torq %%r10, %%rax\n"
			 "\torq %%r8, %%rax\n\torq %%r9, %%rax\n\torq %%r12, %%rax\n\torq %%r13, %%rax\n"
			 : "=a"(differs)
			 :
			 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "memory", "cc");
	EXPECT(differs == 0);
	return 0;
}

static int unknown_call_is_enosys(void)
{
	EXPECT(syscall(9999) == -1 && errno == ENOSYS);
	EXPECT(syscall(-1) == -1 && errno == ENOSYS);
	return 0;
}

static int clock_agrees(void)
{
	struct timespec fast;
	struct timespec slow;
	int64_t apart;

	for (int i = 0; i < 3; i++) {
		EXPECT(clock_gettime(CLOCK_MONOTONIC, &fast) == 0);
		EXPECT(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &slow) == 0);
		apart = (slow.tv_sec - fast.tv_sec) * 1000000000 + (slow.tv_nsec - fast.tv_nsec);
		EXPECT(apart >= 0 && apart < 1000000000);
	}
	return 0;
}

static int auxiliary_vector_is_true(void)
{
	const uint64_t *random = (const uint64_t *)getauxval(AT_RANDOM);

	EXPECT(getauxval(AT_PAGESZ) == 4096);
	EXPECT(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
	EXPECT(getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
	EXPECT(getauxval(AT_SECURE) == 0);
	EXPECT(getauxval(AT_CLKTCK) == (unsigned long)sysconf(_SC_CLK_TCK));
	EXPECT(random != NULL && (random[0] != 0 || random[1] != 0));
	EXPECT(strcmp((const char *)getauxval(AT_PLATFORM), "x86_64") == 0);
	EXPECT(strstr((const char *)getauxval(AT_EXECFN), "process") != NULL);
	EXPECT(memcmp((const char *)getauxval(AT_PHDR) - 64, "\177ELF", 4) == 0);
	EXPECT(getauxval(AT_MINSIGSTKSZ) >= 2048);
	return 0;
}

static int numbers_are_the_kernels(void)
{
	char link[32] = { 0 };
	long number = readlink("/proc/self", link, sizeof link - 1);

	EXPECT(number > 0 && atoi(link) == getpid());
	EXPECT(syscall(SYS_gettid) == getpid());
	return 0;
}

static int wide_vectors_work(void)
{
	if (__builtin_cpu_supports("avx2")) {
		uint64_t in[4] = { 1, 2, 3, 4 };
		uint64_t out[4];

		__asm__ volatile(
			"vmovdqu %1, %%ymm3\n\tvpaddq %%ymm3, %%ymm3, %%ymm3\n\tmovl $39, %%eax\n\tsyscall\n"
			"\tvmovdqu %%ymm3, %0\n\tvzeroupper"
			: "=m"(out)
			: "m"(in)
			: "rax", "rcx", "r11", "xmm3", "memory");
		EXPECT(out[0] == 2 && out[3] == 8);
	}
	return 0;
}

static int child_status_is_seen(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		_exit(77);
	}
	EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 77);
	child = fork();
	if (child == 0) {
		pause();
	}
	EXPECT(kill(child, SIGINT) == 0);
	EXPECT(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	return 0;
}

static int vfork_child_executes(void)
{
	char *const args[] = { "/proc/self/exe", "exit_with_nine", NULL };
	int status;
	pid_t child = vfork();

	if (child == 0) {
		execv(args[0], args);
		_exit(1);
	}
	EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 9);
	return 0;
}

static int exit_with_nine(void)
{
	return 9;
}

static int exec_errors_come_back(void)
{
	char *const args[] = { "x", NULL };
	char path[] = "/tmp/krun-text-XXXXXX";
	int fd = mkstemp(path);

	EXPECT(execv("/etc", args) == -1 && errno == EACCES);
	EXPECT(fd >= 0 && write(fd, "just text\n", 10) == 10);
	EXPECT(execv(path, args) == -1 && errno == EACCES);
	EXPECT(fchmod(fd, 0755) == 0 && close(fd) == 0);
	EXPECT(execv(path, args) == -1 && errno == ENOEXEC);
	EXPECT(unlink(path) == 0);
	EXPECT(execv(path, args) == -1 && errno == ENOENT);
	return 0;
}

static void *count(void *argument)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int *total = argument;

	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&lock);
		++*total;
		pthread_mutex_unlock(&lock);
	}
	return argument;
}

/* The program of a descriptor runs, and the descriptor is gone if it was to be closed on exec. */
static int program_of_a_descriptor_runs(void)
{
	char *const args[] = { "by-descriptor", "finds_no_descriptor", NULL };
	char *const env[] = { NULL };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	EXPECT(fd >= 0);
	fexecve(fd, args, env);
	return 1;
}

static int finds_no_descriptor(void)
{
	for (int fd = 3; fd < 70000; fd++) {
		EXPECT(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
	}
	return 0;
}

static int threads_count_together(void)
{
	pthread_t thread[6];
	int total = 0;
	void *result;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 6; i++) {
			EXPECT(pthread_create(&thread[i], NULL, count, &total) == 0);
		}
		for (int i = 0; i < 6; i++) {
			EXPECT(pthread_join(thread[i], &result) == 0 && result == &total);
		}
	}
	EXPECT(total == 1200);
	return 0;
}

static volatile sig_atomic_t signalled;

static void note(int number)
{
	signalled = number;
}

static void *wait_for_signal(void *argument)
{
	while (signalled == 0) {
		pause();
	}
	return argument;
}

static int signal_finds_its_thread(void)
{
	pthread_t thread;

	signal(SIGUSR1, note);
	EXPECT(pthread_create(&thread, NULL, wait_for_signal, NULL) == 0);
	/* A signal between its look and its pause does not end the pause. */
	while (pthread_tryjoin_np(thread, NULL) != 0) {
		EXPECT(pthread_kill(thread, SIGUSR1) == 0);
	}
	EXPECT(signalled == SIGUSR1);
	return 0;
}

static void *leave(void *argument)
{
	(void)argument;
	_exit(33);
}

static int any_thread_ends_the_process(void)
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, leave, NULL) == 0);
	for (;;) {
		pause();
	}
}

static int release_is_marked(void)
{
	struct utsname name;

	EXPECT(uname(&name) == 0);
	printf("%s\n", name.release);
	return 0;
}

/* Say who one is, for the outside to look at, and wait for the end of input. */
static int waits(void)
{
	char byte;

	EXPECT(write(1, "ready\n", 6) == 6);
	EXPECT(read(0, &byte, 1) == 0);
	return 0;
}

static int waits_where_reading_implies_execution(void)
{
	EXPECT(personality(READ_IMPLIES_EXEC) >= 0);
	EXPECT(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	return waits();
}

int main(int argc, char **argv)
{
	/* One case a line, as the tests read them. */
	/* clang-format off */
	static const struct test_case cases[] = {
		CASE(red_zone_survives),
		CASE(call_keeps_registers),
		CASE(unknown_call_is_enosys),
		CASE(clock_agrees),
		CASE(auxiliary_vector_is_true),
		CASE(numbers_are_the_kernels),
		CASE(wide_vectors_work),
		CASE(child_status_is_seen),
		CASE(vfork_child_executes),
		CASE(exit_with_nine),
		CASE(exec_errors_come_back),
		CASE(program_of_a_descriptor_runs),
		CASE(threads_count_together),
		CASE(signal_finds_its_thread),
		CASE(any_thread_ends_the_process),
		CASE(release_is_marked),
		CASE(waits),
		CASE(waits_where_reading_implies_execution),
		CASE(finds_no_descriptor),
		{ NULL, NULL },
	};
	/* clang-format on */

	return run_case(cases, argc, argv);
}
