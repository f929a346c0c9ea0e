/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Frames of signal handlers that the handler has spoilt: how the process ends, or what it goes on with.
 */
#include "suite.h"

#include <ucontext.h>

struct spoilt {
	const char *name;
	void (*spoil)(ucontext_t *user);
};

static const struct spoilt *chosen;

static unsigned char *state(ucontext_t *user)
{
	return (unsigned char *)user->uc_mcontext.fpregs;
}

static void set(ucontext_t *user, size_t at, const void *value, size_t size)
{
	memcpy(state(user) + at, value, size);
}

#define SET(at, type, value) set(user, at, &(type){ value }, sizeof(type))

/* The description of the extended state, at the end of the legacy area. */
#define MAGIC1   464
#define TOTAL    468
#define FEATURES 472
#define SIZE     480
#define HEADER   512 /* XSTATE_BV, XCOMP_BV, and six reserved words */

static void keep(ucontext_t *user)
{
	(void)user;
}
static void rip_zero(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RIP] = 0;
}
static void rip_hole(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RIP] = (greg_t)hole;
}
static void rip_noncanonical(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000000000ull;
}
static void rip_just_noncanonical(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RIP] = (greg_t)0x800000000000ull;
}
static void rip_kernel(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RIP] = (greg_t)0xffffffff81000000ull;
}
static void rip_beyond(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RIP] = (greg_t)ARENA_END;
}
static void rip_stubs(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RIP] = (greg_t)(ARENA_END + 0x1000);
}
static void rip_tables(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RIP] = (greg_t)(ARENA_END + 0x2000);
}
static void rip_last(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RIP] = -1;
}
static void rsp_noncanonical(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RSP] = (greg_t)0x8000000000000000ull;
}
static void rsp_kernel(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RSP] = (greg_t)0xffff888000000000ull;
}
static void flags_all(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_EFL] = -1l & ~0x100l;
}
static void flags_step(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_EFL] |= 0x100;
}
static void flags_none(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_EFL] = 0;
}
static void state_none(ucontext_t *user)
{
	user->uc_mcontext.fpregs = NULL;
}
static void state_hole(ucontext_t *user)
{
	user->uc_mcontext.fpregs = (fpregset_t)hole;
}
static void state_odd(ucontext_t *user)
{
	user->uc_mcontext.fpregs = (fpregset_t)(state(user) + 1);
}
static void state_beyond(ucontext_t *user)
{
	user->uc_mcontext.fpregs = (fpregset_t)ARENA_END;
}
static void state_kernel(ucontext_t *user)
{
	user->uc_mcontext.fpregs = (fpregset_t)0xffff888000000000ul;
}
static void state_last(ucontext_t *user)
{
	user->uc_mcontext.fpregs = (fpregset_t)-64l;
}
static void magic_wrong(ucontext_t *user)
{
	SET(MAGIC1, uint32_t, 1);
}
static void magic_and_header(ucontext_t *user)
{
	SET(MAGIC1, uint32_t, 1);
	SET(HEADER, uint64_t, ~0ull);
}
static void size_large(ucontext_t *user)
{
	SET(SIZE, uint32_t, 0x7fffffff);
}
static void size_small(ucontext_t *user)
{
	SET(SIZE, uint32_t, 8);
}
static void total_large(ucontext_t *user)
{
	SET(TOTAL, uint32_t, 0xffffffff);
}
static void total_small(ucontext_t *user)
{
	SET(TOTAL, uint32_t, 1);
}
static void features_all(ucontext_t *user)
{
	SET(FEATURES, uint64_t, ~0ull);
}
static void features_none(ucontext_t *user)
{
	SET(FEATURES, uint64_t, 0);
}
static void mxcsr_all(ucontext_t *user)
{
	SET(24, uint32_t, ~0u);
}
static void mxcsr_reserved(ucontext_t *user)
{
	SET(24, uint32_t, 0x80001f80);
}
static void present_none(ucontext_t *user)
{
	SET(HEADER, uint64_t, 0);
}
static void present_all(ucontext_t *user)
{
	SET(HEADER, uint64_t, ~0ull);
}
static void present_supervisor(ucontext_t *user)
{
	SET(HEADER, uint64_t, 1ull << 8);
}
static void present_unknown(ucontext_t *user)
{
	SET(HEADER, uint64_t, 1ull << 62);
}
static void compacted(ucontext_t *user)
{
	SET(HEADER + 8, uint64_t, 1ull << 63);
}
static void compacted_all(ucontext_t *user)
{
	SET(HEADER + 8, uint64_t, ~0ull);
}
static void reserved_first(ucontext_t *user)
{
	SET(HEADER + 16, uint64_t, 1);
}
static void reserved_last(ucontext_t *user)
{
	SET(HEADER + 56, uint64_t, 1);
}
static void registers_all(ucontext_t *user)
{
	memset(state(user), 0xff, 24);
	memset(state(user) + 32, 0xff, 384);
}
static void stack_wrong(ucontext_t *user)
{
	user->uc_stack.ss_flags = 77;
}
static void stack_small(ucontext_t *user)
{
	user->uc_stack.ss_size = 5;
	user->uc_stack.ss_sp = hole;
}
static void stack_kernel(ucontext_t *user)
{
	user->uc_stack.ss_size = 1ul << 60;
	user->uc_stack.ss_sp = (void *)0xffff888000000000ul;
}
static void user_flags_none(ucontext_t *user)
{
	user->uc_flags = 0;
}
static void user_flags_all(ucontext_t *user)
{
	user->uc_flags = ~0ul;
}
static void mask_all(ucontext_t *user)
{
	memset(&user->uc_sigmask, 0xff, 8);
}

#define SPOILT(name) \
	{ \
#name, name \
	}

static const struct spoilt all[] = {
	SPOILT(keep),
	SPOILT(rip_zero),
	SPOILT(rip_hole),
	SPOILT(rip_noncanonical),
	SPOILT(rip_just_noncanonical),
	SPOILT(rip_kernel),
	SPOILT(rip_beyond),
	SPOILT(rip_stubs),
	SPOILT(rip_tables),
	SPOILT(rip_last),
	SPOILT(rsp_noncanonical),
	SPOILT(rsp_kernel),
	SPOILT(flags_all),
	SPOILT(flags_step),
	SPOILT(flags_none),
	SPOILT(state_none),
	SPOILT(state_hole),
	SPOILT(state_odd),
	SPOILT(state_beyond),
	SPOILT(state_kernel),
	SPOILT(state_last),
	SPOILT(magic_wrong),
	SPOILT(magic_and_header),
	SPOILT(size_large),
	SPOILT(size_small),
	SPOILT(total_large),
	SPOILT(total_small),
	SPOILT(features_all),
	SPOILT(features_none),
	SPOILT(mxcsr_all),
	SPOILT(mxcsr_reserved),
	SPOILT(present_none),
	SPOILT(present_all),
	SPOILT(present_supervisor),
	SPOILT(present_unknown),
	SPOILT(compacted),
	SPOILT(compacted_all),
	SPOILT(reserved_first),
	SPOILT(reserved_last),
	SPOILT(registers_all),
	SPOILT(stack_wrong),
	SPOILT(stack_small),
	SPOILT(stack_kernel),
	SPOILT(user_flags_none),
	SPOILT(user_flags_all),
	SPOILT(mask_all),
};

static void spoil(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	chosen->spoil(context);
}

static void end_by_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	_exit(100 + number + (info->si_code > 0 && info->si_code < 10 ? info->si_code * 20 : 0));
}

/* Raise the signal with a value in a vector register, whose lowest byte comes out of the frame. */
static int raise_it(void)
{
	unsigned char before[16];
	unsigned char after[16] = { 0 };

	memset(before, 5, sizeof before);
	__asm__ volatile("movdqu %1, %%xmm7\n\tsyscall\n\tmovdqu %%xmm7, %0"
			 : "=m"(after)
			 : "m"(before), "a"((long)SYS_tgkill), "D"((long)getpid()), "S"((long)gettid()),
			   "d"((long)SIGUSR1)
			 : "rcx", "r11", "xmm7", "memory");
	return after[0];
}

static int run_spoilt(void *is_caught)
{
	struct sigaction action = { .sa_sigaction = spoil, .sa_flags = SA_SIGINFO };
	struct sigaction fault = { .sa_sigaction = end_by_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	if (*(bool *)is_caught) {
		sigaction(SIGSEGV, &fault, NULL);
		sigaction(SIGBUS, &fault, NULL);
		sigaction(SIGTRAP, &fault, NULL);
	}
	return raise_it();
}

TEST(rt_sigreturn03)
{
	for (size_t i = 0; i < COUNT(all); i++) {
		bool is_caught = false;

		chosen = &all[i];
		say_status(all[i].name, wait_child(start_child(run_spoilt, &is_caught)));
		is_caught = true;
		say_status(all[i].name, wait_child(start_child(run_spoilt, &is_caught)));
	}
}
