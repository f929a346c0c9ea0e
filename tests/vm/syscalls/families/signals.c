/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Signals.
 */
#include "suite.h"

#include <sys/time.h>
#include <ucontext.h>

#define BIT(number) (1ull << ((number)-1))

/* As the kernel has it. */
struct action {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

static volatile int count;
static volatile int last;
static volatile long detail;

static void on_signal(int number)
{
	count++;
	last = number;
}

static void on_info(int number, siginfo_t *info, void *context)
{
	(void)context;
	count++;
	last = number;
	detail = info->si_code * 1000 + info->si_value.sival_int;
}

static void handle(int number, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(number, &action, NULL);
}

TEST(sigaction02)
{
	struct action action = { .handler = SIG_IGN };
	struct action old;

	say("SIGKILL", S(rt_sigaction, SIGKILL, &action, NULL, 8));
	say("SIGSTOP", S(rt_sigaction, SIGSTOP, &action, NULL, 8));
	say("ask SIGKILL", S(rt_sigaction, SIGKILL, NULL, &old, 8));
	say("number", S(rt_sigaction, 65, &action, NULL, 8));
	say("zero", S(rt_sigaction, 0, &action, NULL, 8));
	say("negative", S(rt_sigaction, -1, &action, NULL, 8));
	say("size", S(rt_sigaction, SIGUSR1, &action, NULL, 16));
	say("last", S(rt_sigaction, 64, &action, NULL, 8));
	say("set", S(rt_sigaction, SIGUSR1, &action, &old, 8));
	say("default before", old.handler == SIG_DFL);
	say("ask", S(rt_sigaction, SIGUSR1, NULL, &old, 8));
	say("ignored", old.handler == SIG_IGN);
	say("ignored does nothing", kill(getpid(), SIGUSR1));
	action.mask = ~0ull;
	S(rt_sigaction, SIGUSR2, &action, NULL, 8);
	S(rt_sigaction, SIGUSR2, NULL, &old, 8);
	say("mask without the two", (old.mask & (BIT(SIGKILL) | BIT(SIGSTOP))) == 0);
	EACH_BAD_IN("new", S(rt_sigaction, SIGUSR1, P, NULL, 8));
	EACH_BAD_OUT("old", S(rt_sigaction, SIGUSR1, NULL, P, 8));
	say("number, bad pointers", S(rt_sigaction, 65, 1, 1, 8));
}

/* By the flags that are not kept a program finds out what the kernel knows. */
TEST(sigaction04)
{
	for (int bit = 0; bit < 64; bit++) {
		struct action action = { .handler = SIG_IGN, .flags = 1ull << bit };
		struct action old = { .flags = 0 };

		S(rt_sigaction, SIGUSR1, &action, NULL, 8);
		S(rt_sigaction, SIGUSR1, NULL, &old, 8);
		say("kept", old.flags == action.flags);
	}
}

TEST(sigprocmask01)
{
	uint64_t set = ~0ull;
	uint64_t old;

	say("block all", S(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8));
	say("ask", S(rt_sigprocmask, 77, NULL, &old, 8));
	say("what stays open", (long)~old);
	say("how", S(rt_sigprocmask, 77, &set, NULL, 8));
	say("size", S(rt_sigprocmask, SIG_BLOCK, &set, NULL, 4));
	say("unblock", (set = BIT(SIGUSR1), S(rt_sigprocmask, SIG_UNBLOCK, &set, &old, 8)));
	say("set", (set = 0, S(rt_sigprocmask, SIG_SETMASK, &set, &old, 8)));
	say("was open", (long)~old);
	EACH_BAD_IN("new", S(rt_sigprocmask, SIG_BLOCK, P, NULL, 8));
	EACH_BAD_OUT("old", S(rt_sigprocmask, SIG_BLOCK, NULL, P, 8));
	say("how, bad set", S(rt_sigprocmask, 77, 1, NULL, 8));
}

TEST(sigpending02)
{
	uint64_t set = BIT(SIGUSR1) | BIT(40);
	uint64_t pending;

	handle(SIGUSR1, 0);
	S(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	kill(getpid(), SIGUSR1);
	kill(getpid(), 40);
	say("pending", S(rt_sigpending, &pending, 8));
	say("set", (long)pending);
	say("size", S(rt_sigpending, &pending, 16));
	say("short", S(rt_sigpending, &pending, 4));
	EACH_BAD_OUT("set", S(rt_sigpending, P, 8));
}

TEST(sigtimedwait01)
{
	uint64_t set = BIT(SIGUSR1) | BIT(40);
	struct timespec none = { 0, 0 };
	struct timespec wrong = { 0, -1 };
	siginfo_t info;

	S(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	say("nothing", S(rt_sigtimedwait, &set, &info, &none, 8));
	say("time", S(rt_sigtimedwait, &set, &info, &wrong, 8));
	say("size", S(rt_sigtimedwait, &set, &info, &none, 4));
	kill(getpid(), 40);
	kill(getpid(), SIGUSR1);
	say("lowest", S(rt_sigtimedwait, &set, &info, &none, 8));
	say("number", info.si_signo);
	say("code", info.si_code);
	say("next", S(rt_sigtimedwait, &set, NULL, NULL, 8));
	EACH_BAD_IN("set", S(rt_sigtimedwait, P, &info, &none, 8));
	EACH_BAD_IN("timeout", S(rt_sigtimedwait, &set, &info, P != NULL ? P : hole, 8));
	EACH_BAD_OUT("info", (kill(getpid(), SIGUSR1), S(rt_sigtimedwait, &set, P, &none, 8)));
	handle(SIGALRM, SA_RESTART);
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 20000 } }, NULL);
	say("interrupted", S(rt_sigtimedwait, &set, &info, NULL, 8));
}

TEST(sigsuspend01)
{
	uint64_t all = ~0ull & ~BIT(SIGALRM);
	uint64_t block = BIT(SIGUSR1);
	uint64_t none = 0;

	handle(SIGUSR1, SA_RESTART);
	S(rt_sigprocmask, SIG_BLOCK, &block, NULL, 8);
	kill(getpid(), SIGUSR1);
	say("suspend", S(rt_sigsuspend, &none, 8));
	say("came", count);
	say("blocked again", (kill(getpid(), SIGUSR1), count));
	say("size", S(rt_sigsuspend, &none, 4));
	EACH_BAD_IN("mask", S(rt_sigsuspend, P, 8));
	handle(SIGALRM, 0);
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 20000 } }, NULL);
	say("others", S(rt_sigsuspend, &all, 8));
	say("last", last);
}

TEST(pause01)
{
	handle(SIGALRM, SA_RESTART);
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 20000 } }, NULL);
	say("pause", S(pause));
	say("came", count);
}

static int wait_forever(void *arg)
{
	(void)arg;
	for (;;) {
		pause();
	}
	return 0;
}

TEST(kill05)
{
	pid_t child = start_child(wait_forever, NULL);

	say("number", S(kill, getpid(), 65));
	say("negative", S(kill, getpid(), -1));
	say("nobody", S(kill, 1 << 22, 0));
	say("no group", S(kill, -(1 << 21), 0));
	say("smallest", S(kill, INT_MIN, 0));
	say("there", S(kill, child, 0));
	say("kill", S(kill, child, SIGKILL));
	say_status("killed", wait_child(child));
	say("gone", S(kill, child, 0));
	child = start_child(wait_forever, NULL);
	say("no right", (become_nobody(), S(kill, getppid(), SIGTERM)));
	say("nobody's child", S(kill, child, SIGKILL));
}

TEST(tkill01)
{
	handle(SIGUSR1, 0);
	say("self", S(tkill, gettid(), SIGUSR1));
	say("came", count);
	say("zero", S(tkill, 0, SIGUSR1));
	say("nobody", S(tkill, 1 << 22, SIGUSR1));
	say("number", S(tkill, gettid(), 99));
}

TEST(tgkill03)
{
	handle(SIGUSR1, 0);
	say("self", S(tgkill, getpid(), gettid(), SIGUSR1));
	say("came", count);
	say("group", S(tgkill, -1, gettid(), SIGUSR1));
	say("another group", S(tgkill, getppid(), gettid(), SIGUSR1));
	say("number", S(tgkill, getpid(), gettid(), 99));
}

TEST(rt_sigqueueinfo01)
{
	struct sigaction action = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO };
	siginfo_t info = { .si_code = SI_QUEUE, .si_value.sival_int = 42 };

	sigaction(SIGUSR1, &action, NULL);
	say("self", S(rt_sigqueueinfo, getpid(), SIGUSR1, &info));
	say("code and value", detail);
	say("nobody", S(rt_sigqueueinfo, 1 << 22, SIGUSR1, &info));
	say("number", S(rt_sigqueueinfo, getpid(), 99, &info));
	say("kernel's code", (info.si_code = SI_KERNEL, S(rt_sigqueueinfo, getppid(), 0, &info)));
	EACH_BAD_IN("info", S(rt_sigqueueinfo, getpid(), SIGUSR1, P));
}

TEST(rt_tgsigqueueinfo01)
{
	struct sigaction action = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO };
	siginfo_t info = { .si_code = SI_QUEUE, .si_value.sival_int = 43 };

	sigaction(SIGUSR1, &action, NULL);
	say("self", S(rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info));
	say("code and value", detail);
	say("another group", S(rt_tgsigqueueinfo, getppid(), gettid(), SIGUSR1, &info));
	EACH_BAD_IN("info", S(rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, P));
}

TEST(pidfd_send_signal02)
{
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	int fd = (int)S(pidfd_open, getpid(), 0);

	handle(SIGUSR1, 0);
	say("self", S(pidfd_send_signal, fd, SIGUSR1, NULL, 0));
	say("with data", S(pidfd_send_signal, fd, SIGUSR1, &info, 0));
	say("came", count);
	say("another number", S(pidfd_send_signal, fd, SIGUSR2, &info, 0));
	say("number", S(pidfd_send_signal, fd, 99, NULL, 0));
	say("flags", S(pidfd_send_signal, fd, SIGUSR1, NULL, 0x100));
	say("no pidfd", S(pidfd_send_signal, 1, SIGUSR1, NULL, 0));
	say("no descriptor", S(pidfd_send_signal, -1, SIGUSR1, NULL, 0));
	EACH_BAD_IN("info", S(pidfd_send_signal, fd, SIGUSR1, P != NULL ? P : hole, 0));
}

TEST(pidfd_open03)
{
	pid_t child = start_child(wait_forever, NULL);
	int fd = (int)say_done("child", S(pidfd_open, child, 0));

	say("cloexec", fcntl(fd, F_GETFD));
	say("zero", S(pidfd_open, 0, 0));
	say("negative", S(pidfd_open, -1, 0));
	say("nobody", S(pidfd_open, 1 << 22, 0));
	say("flags", S(pidfd_open, child, 1));
	say_done("nonblock", S(pidfd_open, child, O_NONBLOCK));
	say("kill", S(pidfd_send_signal, fd, SIGKILL, NULL, 0));
	wait_child(child);
	say("gone", S(pidfd_send_signal, fd, 0, NULL, 0));
}

TEST(sigaltstack02)
{
	stack_t stack = { .ss_sp = malloc(16384), .ss_size = 16384 };
	stack_t old;

	say("set", S(sigaltstack, &stack, &old));
	say("none before", old.ss_flags);
	say("ask", S(sigaltstack, NULL, &old));
	say("size", (long)old.ss_size);
	say("flags", (stack.ss_flags = 99, S(sigaltstack, &stack, NULL)));
	say("small", (stack.ss_flags = 0, stack.ss_size = 1000, S(sigaltstack, &stack, NULL)));
	say("disable", (stack.ss_flags = SS_DISABLE, S(sigaltstack, &stack, NULL)));
	say("disabled", (S(sigaltstack, NULL, &old), old.ss_flags));
	EACH_BAD_IN("new", S(sigaltstack, P, NULL));
	EACH_BAD_OUT("old", S(sigaltstack, NULL, P));
}

static volatile long inside;

static void on_stack(int number)
{
	stack_t old;

	(void)number;
	S(sigaltstack, NULL, &old);
	inside = old.ss_flags * 1000 + (S(sigaltstack, &old, NULL) < 0 ? errno : 0);
}

TEST(sigaltstack01)
{
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };
	struct sigaction action = { .sa_handler = on_stack, .sa_flags = SA_ONSTACK };

	S(sigaltstack, &stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	kill(getpid(), SIGUSR1);
	say("inside", inside);
}

static void move_on(int number, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	(void)number;
	(void)info;
	user->uc_mcontext.gregs[REG_RBX] = 0x1234;
	sigaddset(&user->uc_sigmask, SIGUSR2);
}

TEST(rt_sigreturn01)
{
	struct sigaction action = { .sa_sigaction = move_on, .sa_flags = SA_SIGINFO };
	uint64_t mask = 0;
	long rbx = 1;

	sigaction(SIGUSR1, &action, NULL);
	__asm__ volatile("syscall"
			 : "+a"((long){ SYS_tgkill }), "+b"(rbx)
			 : "D"((long)getpid()), "S"((long)gettid()), "d"((long)SIGUSR1)
			 : "rcx", "r11", "memory");
	say("register", rbx);
	S(rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
	say("mask", (long)mask);
}

static int return_from_nothing(void *arg)
{
	(void)arg;
	__asm__ volatile("movq %0, %%rsp\n\tmovl $15, %%eax\n\tsyscall" ::"r"(hole) : "memory");
	return 0;
}

static int fall_off_the_stack(void *arg)
{
	struct sigaction action = { .sa_handler = on_signal };

	(void)arg;
	sigaction(SIGUSR1, &action, NULL);
	__asm__ volatile("movq %2, %%rsp\n\tsyscall" ::"a"((long)SYS_kill), "D"((long)getpid()), "r"(hole),
			 "S"((long)SIGUSR1)
			 : "memory");
	return 0;
}

TEST(rt_sigreturn02)
{
	say_status("without a frame", wait_child(start_child(return_from_nothing, NULL)));
	say_status("without a stack", wait_child(start_child(fall_off_the_stack, NULL)));
}

static int die_by(void *arg)
{
	kill(getpid(), *(int *)arg);
	return 0;
}

TEST(kill11)
{
	for (int number = 1; number < 65; number++) {
		if (number != SIGSTOP && number != SIGTSTP && number != SIGTTIN && number != SIGTTOU &&
		    number != 32 && number != 33) {
			int status = wait_child(start_child(die_by, &number));

			say("how it ends", WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status) - 5000);
		}
	}
}

TEST(sigaction03)
{
	handle(SIGUSR1, (int)SA_RESETHAND);
	kill(getpid(), SIGUSR1);
	say("came", count);
	say("default again", sigaction(SIGUSR1, NULL, &(struct sigaction){ 0 }));
	handle(SIGUSR1, SA_NODEFER);
	for (int i = 0; i < 100; i++) {
		kill(getpid(), SIGUSR1);
	}
	say("all came", count);
	handle(35, 0);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, 35);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 50; i++) {
		kill(getpid(), 35);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	say("queued", count);
}
