/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's seccomp against the kernel's: what is a valid program, and what it returns.
 */
#include "check.h"
#include "vm/filter.h"
#include "vm/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define PROBE_NR     400 /* a number that no kernel has */
#define PROGRAMS     2000
#define RUNS         40

#define LOAD_NR      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

/* A generator of numbers, the same in every run. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

static int load(const struct sock_filter *code, size_t size, unsigned flags)
{
	struct sock_fprog program = { .len = (unsigned short)size,
				      .filter = (struct sock_filter *)(uintptr_t)code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0 ? -errno : 0;
}

/* A random instruction, most of the time nearly a good one. */
static struct sock_filter random_instruction(uint64_t *state)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_LEN,
		BPF_LDX | BPF_W | BPF_LEN,
		BPF_LD | BPF_IMM,
		BPF_LDX | BPF_IMM,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM,
		BPF_ST,
		BPF_STX,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JSET | BPF_X,
		BPF_ALU | BPF_ADD | BPF_K,
		BPF_ALU | BPF_DIV | BPF_K,
		BPF_ALU | BPF_DIV | BPF_X,
		BPF_ALU | BPF_LSH | BPF_K,
		BPF_ALU | BPF_RSH | BPF_X,
		BPF_ALU | BPF_NEG,
		BPF_ALU | BPF_MOD | BPF_K,
		BPF_RET | BPF_K,
		BPF_RET | BPF_A,
		BPF_LD | BPF_B | BPF_ABS,
		BPF_LDX | BPF_B | BPF_MSH,
		BPF_LD | BPF_W | BPF_IND,
		BPF_RET | BPF_X,
	};
	static const uint32_t constants[] = { 0, 1, 3, 4, 15, 16, 31, 32, 60, 64, 0x80000000, 0xffffffff };
	struct sock_filter made = {
		.code = codes[next_random(state) % COUNT(codes)],
		.jt = (uint8_t)(next_random(state) % 4),
		.jf = (uint8_t)(next_random(state) % 4),
		.k = constants[next_random(state) % COUNT(constants)],
	};

	if (next_random(state) % 50 == 0) {
		made.code = (uint16_t)next_random(state);
	}
	return made;
}

/* In a child: a filter with a listener stands, so that the kernel checks a further one with a listener and then
 * says EBUSY instead of loading it. */
static void compare_acceptance(void)
{
	const struct sock_filter allow[] = { RETURN(SECCOMP_RET_ALLOW) };
	uint64_t state = 1;

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(load(allow, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER) == 0);
	for (int i = 0; i < PROGRAMS; i++) {
		struct sock_filter code[9];
		size_t size = 1 + next_random(&state) % COUNT(code);
		int kernel;

		for (size_t at = 0; at < size; at++) {
			code[at] = random_instruction(&state);
		}
		if (i % 4 != 0) {
			code[size - 1] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
		}
		kernel = load(code, size, SECCOMP_FILTER_FLAG_NEW_LISTENER);
		CHECK(kernel == -EBUSY || kernel == -EINVAL);
		CHECK(kr_filter_check(code, size) == (kernel == -EBUSY ? 0 : -EINVAL));
	}
}

static void in_child(void (*act)(void))
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		act();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void programs_are_good_when_the_kernel_says_so(void)
{
	in_child(compare_acceptance);
}

/* A program that computes on the probe's arguments and returns the result as errno. */
static size_t write_computation(struct sock_filter *code, uint64_t *state)
{
	static const uint16_t operations[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_AND,
					       BPF_OR,  BPF_XOR, BPF_LSH, BPF_RSH };
	size_t size = 0;

	code[size++] = (struct sock_filter)LOAD_NR;
	code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROBE_NR, 1, 0);
	code[size++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	for (int i = 0; i < 8; i++) {
		uint16_t operation = operations[next_random(state) % COUNT(operations)];
		uint32_t offset = 16 + 4 * (next_random(state) % 12);

		/* X = a word of the arguments or a constant, A = A operation X; on a jump A = ~A. */
		code[size++] = (struct sock_filter)BPF_STMT(BPF_ST, (uint32_t)i);
		code[size++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
		code[size++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 1);
		code[size++] = (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0);
		code[size++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, (uint32_t)i);
		code[size++] = (struct sock_filter)BPF_STMT(BPF_ALU | operation | BPF_X, 0);
		code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 0, 1);
		code[size++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_NEG, 0);
		code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x10, 0, 1);
		code[size++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 0x1234567);
	}
	code[size++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7ff);
	code[size++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO | 0x800);
	code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	return size;
}

static void compare_results(void)
{
	struct sock_filter code[128];
	uint64_t state = (uint64_t)getpid();
	struct kr_seccomp seccomp = { .filters = NULL };
	size_t size = write_computation(code, &state);

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(kr_seccomp_add(&seccomp, code, size, false) == 0);
	CHECK(load(code, size, 0) == 0);
	for (int i = 0; i < RUNS; i++) {
		struct seccomp_data data = { .nr = PROBE_NR, .arch = AUDIT_ARCH_X86_64 };

		for (int arg = 0; arg < 6; arg++) {
			data.args[arg] = (uint64_t)next_random(&state) << 32 | next_random(&state);
		}
		CHECK(syscall(PROBE_NR, data.args[0], data.args[1], data.args[2], data.args[3], data.args[4],
			      data.args[5]) == -1);
		CHECK(kr_seccomp_run(&seccomp, &data, NULL) == (SECCOMP_RET_ERRNO | (uint32_t)errno));
	}
	kr_seccomp_drop(&seccomp);
}

static void programs_return_what_the_kernel_returns(void)
{
	for (int i = 0; i < RUNS; i++) {
		in_child(compare_results);
	}
}

static uint32_t run_two(uint32_t older, uint32_t newer)
{
	const struct sock_filter first[] = { RETURN(older) };
	const struct sock_filter second[] = { RETURN(newer) };
	const struct seccomp_data data = { .nr = 1 };
	struct kr_seccomp seccomp = { .filters = NULL };
	uint32_t verdict;

	CHECK(kr_seccomp_add(&seccomp, first, 1, false) == 0);
	CHECK(kr_seccomp_add(&seccomp, second, 1, false) == 0);
	verdict = kr_seccomp_run(&seccomp, &data, NULL);
	kr_seccomp_drop(&seccomp);
	return verdict;
}

static void of_several_programs_the_strongest_action_wins(void)
{
	/* In the kernel's order, the strongest first. */
	static const uint32_t actions[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
		SECCOMP_RET_USER_NOTIF,   SECCOMP_RET_TRACE,       SECCOMP_RET_LOG,  SECCOMP_RET_ALLOW,
	};

	for (size_t i = 0; i < COUNT(actions); i++) {
		for (size_t j = i + 1; j < COUNT(actions); j++) {
			CHECK(run_two(actions[i], actions[j]) == actions[i]);
			CHECK(run_two(actions[j], actions[i]) == actions[i]);
		}
	}
	CHECK(run_two(SECCOMP_RET_ERRNO | 1, SECCOMP_RET_ERRNO | 2) == (SECCOMP_RET_ERRNO | 2));
}

static void the_program_that_decides_is_known(void)
{
	const struct sock_filter notify[] = { RETURN(SECCOMP_RET_USER_NOTIF) };
	const struct sock_filter allow[] = { RETURN(SECCOMP_RET_ALLOW) };
	const struct seccomp_data data = { .nr = 1 };
	struct kr_seccomp seccomp = { .filters = NULL };
	const struct kr_filter *by;

	CHECK(kr_seccomp_run(&seccomp, &data, &by) == SECCOMP_RET_ALLOW && by == NULL);
	CHECK(kr_seccomp_add(&seccomp, allow, 1, false) == 0);
	CHECK(kr_seccomp_run(&seccomp, &data, &by) == SECCOMP_RET_ALLOW && by == NULL);
	CHECK(kr_seccomp_add(&seccomp, notify, 1, true) == 0);
	CHECK(kr_seccomp_add(&seccomp, allow, 1, false) == 0);
	CHECK(kr_seccomp_run(&seccomp, &data, &by) == SECCOMP_RET_USER_NOTIF);
	CHECK(by == seccomp.filters->older && by->has_listener);
	CHECK(kr_seccomp_add(&seccomp, notify, 1, false) == 0);
	CHECK(kr_seccomp_run(&seccomp, &data, &by) == SECCOMP_RET_USER_NOTIF);
	CHECK(by == seccomp.filters);
	kr_seccomp_drop(&seccomp);
}

static void a_division_by_zero_kills(void)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_IMM, 7),
		BPF_STMT(BPF_LDX | BPF_IMM, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		RETURN(SECCOMP_RET_ALLOW),
	};
	const struct seccomp_data data = { .nr = 1 };
	struct kr_seccomp seccomp = { .filters = NULL };

	CHECK(kr_seccomp_add(&seccomp, code, COUNT(code), false) == 0);
	CHECK(kr_seccomp_run(&seccomp, &data, NULL) == SECCOMP_RET_KILL_THREAD);
	kr_seccomp_drop(&seccomp);
}

static void the_list_is_no_longer_than_the_kernel_allows(void)
{
	struct sock_filter code[4096];
	struct kr_seccomp seccomp = { .filters = NULL };

	for (size_t i = 0; i < COUNT(code); i++) {
		code[i] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	}
	for (int i = 0; i < 7; i++) {
		CHECK(kr_seccomp_add(&seccomp, code, COUNT(code), false) == 0);
	}
	/* 7 * (4096 + 4) + 4064 + 4 = 32768 */
	CHECK(kr_seccomp_add(&seccomp, code, 4065, false) == -ENOMEM);
	CHECK(kr_seccomp_add(&seccomp, code, 4064, false) == 0);
	CHECK(kr_seccomp_add(&seccomp, code, 1, false) == -ENOMEM);
	kr_seccomp_drop(&seccomp);
}

static void strict_mode_knows_four_calls(void)
{
	const struct kr_seccomp strict = { .strict = true };
	struct seccomp_data data = { .arch = AUDIT_ARCH_X86_64 };
	unsigned allowed = 0;

	for (data.nr = 0; data.nr < 500; data.nr++) {
		allowed += kr_seccomp_run(&strict, &data, NULL) == SECCOMP_RET_ALLOW ? 1 : 0;
	}
	CHECK(allowed == 4);
	data.nr = SYS_read;
	CHECK(kr_seccomp_run(&strict, &data, NULL) == SECCOMP_RET_ALLOW);
	data.nr = SYS_exit_group;
	CHECK(kr_seccomp_run(&strict, &data, NULL) == SECCOMP_RET_KILL_THREAD);
}

/* Encode `count` programs of growing length, decode them, and compare.  `listening` has a listener, if any. */
static void check_round_trip(size_t count, size_t listening)
{
	struct sock_filter code[8];
	struct sock_filter encoded[64];
	struct kr_seccomp before = { .filters = NULL };
	struct kr_seccomp after = { .filters = NULL };
	const struct kr_filter *one;
	const struct kr_filter *other;
	struct kr_err err;

	for (size_t i = 0; i < count; i++) {
		for (size_t at = 0; at <= i; at++) {
			code[at] = (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | (uint32_t)(i * 10 + at));
		}
		CHECK(kr_seccomp_add(&before, code, i + 1, i == listening) == 0);
	}
	kr_seccomp_encode(&before, encoded);
	CHECK(kr_seccomp_decode(&after, encoded, kr_seccomp_encoded_size(&before), &err) == 0);
	one = before.filters;
	other = after.filters;
	while (one != NULL && other != NULL) {
		CHECK(one->size == other->size && one->total == other->total);
		CHECK(one->has_listener == other->has_listener);
		CHECK(memcmp(one->code, other->code, one->size * sizeof one->code[0]) == 0);
		one = one->older;
		other = other->older;
	}
	CHECK(one == NULL && other == NULL);
	kr_seccomp_drop(&before);
	kr_seccomp_drop(&after);
}

static void programs_survive_the_boot_record(void)
{
	for (size_t count = 0; count <= 5; count++) {
		for (size_t listening = 0; listening <= count; listening++) {
			check_round_trip(count, listening);
		}
	}
}

static void a_boot_record_with_a_bad_program_is_refused(void)
{
	const struct sock_filter cut[] = { { .code = KR_FILTER_HEAD, .k = 2 }, RETURN(SECCOMP_RET_ALLOW) };
	const struct sock_filter bad[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RETURN(SECCOMP_RET_ALLOW) };
	struct kr_seccomp seccomp = { .filters = NULL };
	struct kr_err err;

	CHECK(kr_seccomp_decode(&seccomp, cut, COUNT(cut), &err) == -1 && err.code == EINVAL);
	CHECK(kr_seccomp_decode(&seccomp, bad, COUNT(bad), &err) == -1 && err.code == EINVAL);
	CHECK(seccomp.filters == NULL);
}

int main(void)
{
	programs_are_good_when_the_kernel_says_so();
	programs_return_what_the_kernel_returns();
	of_several_programs_the_strongest_action_wins();
	the_program_that_decides_is_known();
	a_division_by_zero_kills();
	the_list_is_no_longer_than_the_kernel_allows();
	strict_mode_knows_four_calls();
	programs_survive_the_boot_record();
	a_boot_record_with_a_bad_program_is_refused();
	return 0;
}
