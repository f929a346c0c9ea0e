/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "expect.h"

#include <fenv.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static volatile sig_atomic_t code;
static void *volatile address;
static char *volatile stack_seen;
static sigset_t mask_seen;
static sigjmp_buf back;
static int pipe_fds[2];

static void note(int number, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	caught = number;
	code = info->si_code;
	address = info->si_addr;
	stack_seen = &here;
	sigprocmask(SIG_SETMASK, NULL, &mask_seen);
}

static void jump(int number, siginfo_t *info, void *context)
{
	note(number, info, context);
	siglongjmp(back, 1);
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	EXPECT(sigaction(number, &action, NULL) == 0);
}

static int handler_runs(void)
{
	handle(SIGUSR1, note, 0);
	EXPECT(raise(SIGUSR1) == 0);
	EXPECT(caught == SIGUSR1 && code == SI_TKILL);
	EXPECT(sigismember(&mask_seen, SIGUSR1) == 1);
	EXPECT(sigprocmask(SIG_SETMASK, NULL, &mask_seen) == 0 && sigismember(&mask_seen, SIGUSR1) == 0);
	return 0;
}

static int nodefer_leaves_it_unblocked(void)
{
	handle(SIGUSR1, note, SA_NODEFER);
	raise(SIGUSR1);
	EXPECT(sigismember(&mask_seen, SIGUSR1) == 0);
	return 0;
}

static int resethand_is_once(void)
{
	struct sigaction now;

	handle(SIGUSR1, note, SA_RESETHAND);
	raise(SIGUSR1);
	EXPECT(caught == SIGUSR1);
	EXPECT(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
	return 0;
}

static int blocked_stays_pending(void)
{
	sigset_t set;
	sigset_t pending;

	handle(SIGUSR1, note, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	EXPECT(caught == 0);
	EXPECT(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	EXPECT(caught == SIGUSR1);
	return 0;
}

static int registers_survive(void)
{
	register uint64_t kept __asm__("r12") = 0x1234567812345678;
	double x = 1.5;
	uint64_t vector[4] = { 1, 2, 3, 4 };
	uint64_t out[4];

	handle(SIGUSR1, note, 0);
	__asm__ volatile("movdqu %0, %%xmm7" : : "m"(vector) : "xmm7");
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
	__asm__ volatile("movdqu %%xmm7, %0" : "=m"(out));
	EXPECT(caught == SIGUSR1 && kept == 0x1234567812345678 && x * 2 == 3.0);
	EXPECT(out[0] == 1 && out[1] == 2);
	return 0;
}

static void scribble(int number)
{
	uint64_t junk[2] = { ~0ull, ~0ull };

	caught = number;
	__asm__ volatile("movdqu %0, %%xmm7\n\tmovq $-1, %%r12\n\tstd\n\tcld" : : "m"(junk) : "xmm7", "r12");
}

static int vector_registers_are_restored(void)
{
	struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	uint64_t in[2] = { 0x1111, 0x2222 };
	uint64_t out[2];

	EXPECT(signal(SIGALRM, scribble) != SIG_ERR);
	setitimer(ITIMER_REAL, &soon, NULL);
	__asm__ volatile("movdqu %1, %%xmm7\n"
			 "1:\tcmpl $0, %2\n\tje 1b\n\tmovdqu %%xmm7, %0"
			 : "=m"(out)
			 : "m"(in), "m"(caught)
			 : "xmm7", "cc", "memory");
	EXPECT(out[0] == 0x1111 && out[1] == 0x2222);
	return 0;
}

static void scribble_wide(int number)
{
	caught = number;
	__asm__ volatile("vpcmpeqd %%ymm7, %%ymm7, %%ymm7\n\tvzeroupper" ::: "xmm7");
}

static int wide_vector_registers_are_restored(void)
{
	struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	uint64_t in[4] = { 0x1111, 0x2222, 0x3333, 0x4444 };
	uint64_t out[4] = { 0x1111, 0x2222, 0x3333, 0x4444 };

	if (__builtin_cpu_supports("avx2")) {
		EXPECT(signal(SIGALRM, scribble_wide) != SIG_ERR);
		setitimer(ITIMER_REAL, &soon, NULL);
		__asm__ volatile("vmovdqu %1, %%ymm7\n"
				 "1:\tcmpl $0, %2\n\tje 1b\n\tvmovdqu %%ymm7, %0\n\tvzeroupper"
				 : "=m"(out)
				 : "m"(in), "m"(caught)
				 : "xmm7", "cc", "memory");
	}
	EXPECT(out[0] == 0x1111 && out[1] == 0x2222 && out[2] == 0x3333 && out[3] == 0x4444);
	return 0;
}

static int fault_address(void)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	handle(SIGSEGV, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)(page + 17) = 1;
	}
	EXPECT(caught == SIGSEGV && code == SEGV_ACCERR && address == page + 17);
	munmap(page, 4096);
	if (sigsetjmp(back, 1) == 0) {
		(void)*(volatile char *)(page + 18);
	}
	EXPECT(code == SEGV_MAPERR && address == page + 18);
	if (sigsetjmp(back, 1) == 0) {
		(void)*(volatile char *)8;
	}
	EXPECT(code == SEGV_MAPERR && address == (void *)8);
	return 0;
}

static int noncanonical_address(void)
{
	handle(SIGSEGV, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)0x8000000000000000ull = 1;
	}
	EXPECT(caught == SIGSEGV && code == SI_KERNEL);
	return 0;
}

static int data_cannot_be_executed(void)
{
	unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	page[0] = 0xc3;
	handle(SIGSEGV, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		((void (*)(void))page)();
		EXPECT(!"data was executed");
	}
	EXPECT(code == SEGV_ACCERR && address == page);
	EXPECT(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
	((void (*)(void))page)();
	EXPECT(mprotect(page, 4096, PROT_READ) == 0);
	caught = 0;
	if (sigsetjmp(back, 1) == 0) {
		((void (*)(void))page)();
		EXPECT(!"it is executed still");
	}
	EXPECT(caught == SIGSEGV);
	return 0;
}

static int divide_error(void)
{
	volatile int zero = 0;
	volatile int result = 0;

	handle(SIGFPE, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		result = 7 / zero;
	}
	EXPECT(caught == SIGFPE && code == FPE_INTDIV && result == 0);
	return 0;
}

static int floating_point_error(void)
{
	volatile double zero = 0;
	volatile double result = 0;

	handle(SIGFPE, jump, 0);
	feenableexcept(FE_DIVBYZERO);
	if (sigsetjmp(back, 1) == 0) {
		result = 7 / zero;
	}
	EXPECT(caught == SIGFPE && code == FPE_FLTDIV && result == 0);
	return 0;
}

static int illegal_instruction(void)
{
	handle(SIGILL, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		__asm__ volatile("ud2");
	}
	EXPECT(caught == SIGILL && code == ILL_ILLOPN);
	caught = 0;
	handle(SIGSEGV, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		__asm__ volatile("hlt");
	}
	EXPECT(caught == SIGSEGV && code == SI_KERNEL);
	return 0;
}

static int breakpoint(void)
{
	handle(SIGTRAP, note, 0);
	__asm__ volatile("int3");
	EXPECT(caught == SIGTRAP && code == SI_KERNEL);
	return 0;
}

static int truncated_file(void)
{
	FILE *file = tmpfile();
	char *page;

	EXPECT(file != NULL && ftruncate(fileno(file), 8192) == 0);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	EXPECT(page != MAP_FAILED && ftruncate(fileno(file), 0) == 0);
	handle(SIGBUS, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		page[4096] = 1;
	}
	EXPECT(caught == SIGBUS && code == BUS_ADRERR);
	return 0;
}

#define GUARD_INSTALL 102 /* MADV_GUARD_INSTALL, since Linux 6.13 */

/* Touch `at`: the signal and its code, as one number; 0 for none. */
static int signal_of(volatile char *at, int is_write)
{
	caught = code = 0;
	address = NULL;
	if (sigsetjmp(back, 1) == 0) {
		if (is_write) {
			*at = 1;
		} else {
			(void)*at;
		}
	}
	return caught * 100 + code;
}

static int signal_tells_the_missing_address(void)
{
	const int end_of_file = SIGBUS * 100 + BUS_ADRERR;
	FILE *file = tmpfile();
	const size_t size = 6 << 20;
	char *page;

	handle(SIGBUS, jump, 0);
	handle(SIGSEGV, jump, 0);
	EXPECT(file != NULL && ftruncate(fileno(file), 8192) == 0);
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	EXPECT(page != MAP_FAILED && signal_of(page + 8191, 1) == 0);
	for (int is_write = 0; is_write < 2; is_write++) {
		EXPECT(signal_of(page + 8192 + 77, is_write) == end_of_file && address == page + 8192 + 77);
		EXPECT(signal_of(page + (3 << 20), is_write) == end_of_file && address == page + (3 << 20));
		EXPECT(signal_of(page + size - 1, is_write) == end_of_file && address == page + size - 1);
		EXPECT(signal_of(page + 4096, is_write) == 0);
	}
	/* What grows is there, what shrinks no longer. */
	EXPECT(ftruncate(fileno(file), (off_t)size) == 0);
	EXPECT(signal_of(page + 8192 + 77, 1) == 0 && signal_of(page + size - 1, 1) == 0);
	EXPECT(ftruncate(fileno(file), 0) == 0);
	EXPECT(signal_of(page + 5, 0) == end_of_file && address == page + 5);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(page != MAP_FAILED);
	if (madvise(page, 4096, GUARD_INSTALL) == 0) {
		EXPECT(signal_of(page + 5, 1) == SIGSEGV * 100 + SEGV_MAPERR && address == page + 5);
		EXPECT(signal_of(page + 4096, 1) == 0);
	}
	return 0;
}

static int altstack_is_used(void)
{
	static char area[65536];
	const stack_t stack = { .ss_sp = area, .ss_size = sizeof area };
	stack_t now;

	EXPECT(sigaltstack(&stack, NULL) == 0);
	handle(SIGUSR1, note, SA_ONSTACK);
	raise(SIGUSR1);
	EXPECT(stack_seen > area && stack_seen < area + sizeof area);
	EXPECT(sigaltstack(NULL, &now) == 0 && now.ss_sp == area && now.ss_flags == 0);
	return 0;
}

static int stack_overflow(volatile int depth)
{
	volatile char page[4096];

	page[0] = (char)depth;
	return depth < 0 ? 0 : stack_overflow(depth + 1) + page[0];
}

static int altstack_catches_overflow(void)
{
	static char area[65536];
	const stack_t stack = { .ss_sp = area, .ss_size = sizeof area };

	EXPECT(sigaltstack(&stack, NULL) == 0);
	handle(SIGSEGV, jump, SA_ONSTACK);
	if (sigsetjmp(back, 1) == 0) {
		stack_overflow(0);
	}
	EXPECT(caught == SIGSEGV && stack_seen > area && stack_seen < area + sizeof area);
	return 0;
}

static void timer(int restart, int milliseconds)
{
	struct itimerval soon = { .it_value = { .tv_usec = milliseconds * 1000 } };

	handle(SIGALRM, note, restart);
	EXPECT(setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

static int read_is_interrupted(void)
{
	char byte;

	EXPECT(pipe(pipe_fds) == 0);
	timer(0, 30);
	EXPECT(read(pipe_fds[0], &byte, 1) == -1 && errno == EINTR);
	EXPECT(caught == SIGALRM);
	return 0;
}

static void feed(int number, siginfo_t *info, void *context)
{
	note(number, info, context);
	EXPECT(write(pipe_fds[1], "x", 1) == 1);
}

static int read_is_restarted(void)
{
	struct itimerval soon = { .it_value = { .tv_usec = 30000 } };
	char byte;

	EXPECT(pipe(pipe_fds) == 0);
	handle(SIGALRM, feed, SA_RESTART);
	EXPECT(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	EXPECT(read(pipe_fds[0], &byte, 1) == 1 && byte == 'x');
	EXPECT(caught == SIGALRM);
	return 0;
}

static int poll_is_never_restarted(void)
{
	timer(SA_RESTART, 30);
	EXPECT(poll(NULL, 0, 5000) == -1 && errno == EINTR);
	return 0;
}

static int waits_with_a_limit_are_never_restarted(void)
{
	const struct timespec limit = { .tv_sec = 5 };
	const struct timeval socket_limit = { .tv_sec = 5 };
	int word = 0;
	int pair[2];
	char byte;

	timer(SA_RESTART, 30);
	EXPECT(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &limit, NULL, 0) == -1 && errno == EINTR);
	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	EXPECT(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &socket_limit, sizeof socket_limit) == 0);
	timer(SA_RESTART, 30);
	EXPECT(recv(pair[0], &byte, 1, 0) == -1 && errno == EINTR);
	timer(SA_RESTART, 30);
	EXPECT(read(pair[0], &byte, 1) == -1 && errno == EINTR);
	return 0;
}

static int sleep_tells_the_rest(void)
{
	struct timespec rest = { 0, 0 };
	struct timespec whole = { .tv_sec = 5 };

	timer(SA_RESTART, 30);
	EXPECT(nanosleep(&whole, &rest) == -1 && errno == EINTR);
	EXPECT(rest.tv_sec == 4);
	return 0;
}

static int spinning_is_interrupted(void)
{
	timer(0, 30);
	while (caught == 0) {
	}
	EXPECT(caught == SIGALRM);
	return 0;
}

static int sigsuspend_waits(void)
{
	struct itimerval soon = { .it_value = { .tv_usec = 30000 } };
	sigset_t block;
	sigset_t none;
	sigset_t now;

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	handle(SIGALRM, note, SA_RESTART);
	setitimer(ITIMER_REAL, &soon, NULL);
	EXPECT(sigsuspend(&none) == -1 && errno == EINTR);
	EXPECT(caught == SIGALRM);
	EXPECT(sigprocmask(SIG_SETMASK, NULL, &now) == 0 && sigismember(&now, SIGALRM) == 1);
	return 0;
}

static int ppoll_waits(void)
{
	struct itimerval soon = { .it_value = { .tv_usec = 30000 } };
	struct timespec limit = { .tv_sec = 5 };
	sigset_t block;
	sigset_t none;

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	handle(SIGALRM, note, 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	EXPECT(ppoll(NULL, 0, &limit, &none) == -1 && errno == EINTR);
	EXPECT(caught == SIGALRM);
	return 0;
}

/* What is pending when the mask lets it through ends the wait at once. */
static int pending_signal_ends_a_masked_wait(void)
{
	struct timespec limit = { .tv_sec = 5 };
	sigset_t block;
	sigset_t none;

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	handle(SIGUSR1, note, SA_RESTART);
	alarm(5);
	raise(SIGUSR1);
	EXPECT(caught == 0 && sigsuspend(&none) == -1 && errno == EINTR && caught == SIGUSR1);
	caught = 0;
	raise(SIGUSR1);
	EXPECT(caught == 0 && ppoll(NULL, 0, &limit, &none) == -1 && errno == EINTR && caught == SIGUSR1);
	caught = 0;
	raise(SIGUSR1);
	EXPECT(caught == 0 && pselect(0, NULL, NULL, NULL, &limit, &none) == -1 && errno == EINTR);
	EXPECT(caught == SIGUSR1);
	return 0;
}

static int sigwaitinfo_takes(void)
{
	const struct timespec limit = { .tv_sec = 5 };
	const union sigval value = { .sival_int = 42 };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	EXPECT(sigqueue(getpid(), SIGRTMIN, value) == 0);
	EXPECT(sigtimedwait(&set, &info, &limit) == SIGRTMIN);
	EXPECT(info.si_code == SI_QUEUE && info.si_value.sival_int == 42 && info.si_pid == getpid());
	return 0;
}

static int ignored_is_ignored(void)
{
	signal(SIGTERM, SIG_IGN);
	raise(SIGTERM);
	return 0;
}

static int many_are_all_delivered(void)
{
	const union sigval value = { .sival_int = 0 };
	int count = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	handle(SIGRTMIN, note, 0);
	for (int i = 0; i < 200; i++) {
		caught = 0;
		EXPECT(sigqueue(getpid(), SIGRTMIN, value) == 0);
		count += caught == SIGRTMIN;
	}
	EXPECT(count == 200);
	return 0;
}

static int dies_by_default(void)
{
	raise(SIGTERM);
	return 5;
}

static int dies_by_fault(void)
{
	*(volatile char *)8 = 1;
	return 5;
}

static int dies_by_abort(void)
{
	abort();
}

/* Says that it is there, then waits in a system call. */
static int blocks(void)
{
	EXPECT(write(1, "ready\n", 6) == 6);
	pause();
	return 5;
}

static int spins(void)
{
	EXPECT(write(1, "ready\n", 6) == 6);
	for (;;) {
	}
}

static void leave(int number)
{
	_exit(number + 40);
}

static int blocks_and_catches(void)
{
	signal(SIGTERM, leave);
	return blocks();
}

static int spins_and_catches(void)
{
	signal(SIGTERM, leave);
	return spins();
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE(handler_runs),
		CASE(nodefer_leaves_it_unblocked),
		CASE(resethand_is_once),
		CASE(blocked_stays_pending),
		CASE(registers_survive),
		CASE(vector_registers_are_restored),
		CASE(wide_vector_registers_are_restored),
		CASE(fault_address),
		CASE(noncanonical_address),
		CASE(data_cannot_be_executed),
		CASE(divide_error),
		CASE(floating_point_error),
		CASE(illegal_instruction),
		CASE(breakpoint),
		CASE(truncated_file),
		CASE(signal_tells_the_missing_address),
		CASE(altstack_is_used),
		CASE(altstack_catches_overflow),
		CASE(read_is_interrupted),
		CASE(read_is_restarted),
		CASE(poll_is_never_restarted),
		CASE(waits_with_a_limit_are_never_restarted),
		CASE(sleep_tells_the_rest),
		CASE(spinning_is_interrupted),
		CASE(sigsuspend_waits),
		CASE(ppoll_waits),
		CASE(pending_signal_ends_a_masked_wait),
		CASE(sigwaitinfo_takes),
		CASE(ignored_is_ignored),
		CASE(many_are_all_delivered),
		CASE(dies_by_default),
		CASE(dies_by_fault),
		CASE(dies_by_abort),
		CASE(blocks),
		CASE(spins),
		CASE(blocks_and_catches),
		CASE(spins_and_catches),
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
