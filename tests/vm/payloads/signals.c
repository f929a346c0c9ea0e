/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "expect.h"
#include "handlers.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static int pipe_fds[2];

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

/* As who has a look at a fault, and then sends it on as it came to whom it was meant for. */
static int fault_that_was_sent_is_caught(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };

	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		siginfo_t info = { .si_signo = faults[i], .si_code = SEGV_MAPERR };

		info.si_addr = &info;
		handle(faults[i], note, 0);
		EXPECT(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), faults[i], &info) == 0);
		EXPECT(caught == faults[i] && code == SEGV_MAPERR && address == &info);
	}
	return 0;
}

#define INTERRUPTIONS 400

static char *fault_page;
static atomic_int faults;
static atomic_int interruptions;

static void allow(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	faults++;
	EXPECT(mprotect(fault_page, 4096, PROT_READ | PROT_WRITE) == 0);
}

/* Whoever is interrupted has not masked it. */
static void interrupt(int number, siginfo_t *info, void *context)
{
	(void)info;
	EXPECT(sigismember(&((ucontext_t *)context)->uc_sigmask, number) == 0);
	interruptions++;
}

/* At other moments of the other thread's rounds each time. */
static void *interrupt_again(void *thread)
{
	for (int i = 0; i < INTERRUPTIONS; i++) {
		const int before = faults;

		while (interruptions < i || faults == before) {
		}
		for (volatile int wait = i % 40 * 1000; wait > 0; wait--) {
		}
		EXPECT(pthread_kill(*(pthread_t *)thread, SIGUSR1) == 0);
	}
	return NULL;
}

/* A collector of garbage stops threads by a signal, but not while they note what has been written to. */
static int fault_comes_before_what_its_handler_masks(void)
{
	struct sigaction action = { .sa_sigaction = allow, .sa_flags = SA_SIGINFO };
	pthread_t self = pthread_self();
	pthread_t other;

	sigaddset(&action.sa_mask, SIGUSR1);
	EXPECT(sigaction(SIGSEGV, &action, NULL) == 0);
	handle(SIGUSR1, interrupt, 0);
	fault_page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(fault_page != MAP_FAILED && pthread_create(&other, NULL, interrupt_again, &self) == 0);
	while (interruptions < INTERRUPTIONS) {
		EXPECT(mprotect(fault_page, 4096, PROT_READ) == 0);
		*(volatile char *)fault_page = 1;
	}
	EXPECT(pthread_join(other, NULL) == 0);
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
		CASE(altstack_is_used),
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
		CASE(fault_that_was_sent_is_caught),
		CASE(fault_comes_before_what_its_handler_masks),
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
