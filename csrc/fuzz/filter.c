/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fuzzes the container's seccomp against the kernel's: both take the same programs, and a call comes to the same
 * under them.  A child loads the program, changed so that only one call is asked about, and makes that call.
 * Input: three u64 arguments, then instructions.
 */
#include "tests/check.h"
#include "vm/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_CODE 64u
#define PROBE     SYS_tuxcall /* no kernel has it: ENOSYS where a filter allows it */
#define ARGUMENTS 3
#define REFUSED   200 /* how a child ends: the kernel did not take the program */
#define ALLOWED   201
#define TRAPPED   202
#define MAX_ERRNO 4095u

/* Any other call is allowed, or the child could not end. */
static const struct sock_filter prefix[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROBE, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
#define PREFIX (sizeof prefix / sizeof prefix[0])

static void on_trap(int number)
{
	(void)number;
	_exit(TRAPPED);
}

static int ask_kernel(struct sock_filter *code, size_t count, const uint64_t arg[ARGUMENTS])
{
	const struct sock_fprog program = { .len = (unsigned short)count, .filter = code };
	int status = 0;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGSYS, on_trap);
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		(void)prctl(PR_SET_DUMPABLE, 0);
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
			_exit(REFUSED);
		}
		if (syscall(PROBE, arg[0], arg[1], arg[2], 0, 0, 0) == 0) {
			_exit(0);
		}
		_exit(errno == ENOSYS ? ALLOWED : errno & 0x7f);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* How the child should end. */
static int expect(uint32_t verdict)
{
	uint32_t value = verdict & SECCOMP_RET_DATA;

	switch (verdict & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		return ALLOWED;
	case SECCOMP_RET_ERRNO:
		value = value < MAX_ERRNO ? value : MAX_ERRNO;
		return value == ENOSYS ? ALLOWED : (int)(value & 0x7f);
	case SECCOMP_RET_TRAP:
		return TRAPPED;
	default:
		return -SIGSYS;
	}
}

/* Few instructions of random bits are any: most become one that the kernel knows, with a jump that it takes. `left`
 * is how many follow, itself included. */
static void make_likely(struct sock_filter *one, size_t left)
{
	static const uint16_t known[] = {
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_LEN,
		BPF_LD | BPF_IMM,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_W | BPF_LEN,
		BPF_LDX | BPF_IMM,
		BPF_LDX | BPF_MEM,
		BPF_ST,
		BPF_STX,
		BPF_ALU | BPF_ADD | BPF_K,
		BPF_ALU | BPF_ADD | BPF_X,
		BPF_ALU | BPF_SUB | BPF_K,
		BPF_ALU | BPF_SUB | BPF_X,
		BPF_ALU | BPF_MUL | BPF_K,
		BPF_ALU | BPF_MUL | BPF_X,
		BPF_ALU | BPF_DIV | BPF_K,
		BPF_ALU | BPF_DIV | BPF_X,
		BPF_ALU | BPF_AND | BPF_K,
		BPF_ALU | BPF_AND | BPF_X,
		BPF_ALU | BPF_OR | BPF_K,
		BPF_ALU | BPF_OR | BPF_X,
		BPF_ALU | BPF_XOR | BPF_K,
		BPF_ALU | BPF_XOR | BPF_X,
		BPF_ALU | BPF_LSH | BPF_K,
		BPF_ALU | BPF_LSH | BPF_X,
		BPF_ALU | BPF_RSH | BPF_K,
		BPF_ALU | BPF_RSH | BPF_X,
		BPF_ALU | BPF_NEG,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JEQ | BPF_X,
		BPF_JMP | BPF_JGT | BPF_K,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JGE | BPF_X,
		BPF_JMP | BPF_JSET | BPF_K,
		BPF_JMP | BPF_JSET | BPF_X,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_RET | BPF_K,
		BPF_RET | BPF_A,
	};
	uint32_t class;

	if (one->code < 0xf000) {
		one->code = known[one->code % (sizeof known / sizeof known[0])];
		class = BPF_CLASS(one->code);
		one->jt = (uint8_t)(one->jt % left);
		one->jf = (uint8_t)(one->jf % left);
		if (class == BPF_JMP && BPF_OP(one->code) == BPF_JA) {
			one->k %= (uint32_t)left;
		} else if (one->code == (BPF_LD | BPF_W | BPF_ABS)) {
			one->k = one->k % 16 * 4;
		} else if (class == BPF_ST || class == BPF_STX || BPF_MODE(one->code) == BPF_MEM) {
			one->k %= one->k % 64 == 63 ? 64 : BPF_MEMWORDS;
		} else if (class == BPF_ALU && (BPF_OP(one->code) == BPF_LSH || BPF_OP(one->code) == BPF_RSH)) {
			one->k %= 33;
		}
	}
	/* Where the call came from is not the same here and there. */
	if (BPF_CLASS(one->code) == BPF_LD && one->k >= 8 && one->k < 16) {
		one->k = 16;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sock_filter code[PREFIX + MOST_CODE + 1];
	struct kr_seccomp seccomp = { .filters = NULL };
	struct seccomp_data call = { .nr = PROBE, .arch = AUDIT_ARCH_X86_64 };
	uint64_t arg[ARGUMENTS];
	size_t count;
	bool is_taken;
	int end;

	if (size < sizeof arg + sizeof code[0]) {
		return 0;
	}
	memcpy(arg, data, sizeof arg);
	memcpy(call.args, arg, sizeof arg);
	count = (size - sizeof arg) / sizeof code[0];
	count = count < MOST_CODE ? count : MOST_CODE;
	memcpy(code, prefix, sizeof prefix);
	memcpy(&code[PREFIX], data + sizeof arg, count * sizeof code[0]);
	for (size_t i = PREFIX; i < PREFIX + count; i++) {
		make_likely(&code[i], PREFIX + count - i);
	}
	code[PREFIX + count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	count += PREFIX;
	is_taken = kr_seccomp_add(&seccomp, code, count, false) == 0;
	end = ask_kernel(code, count, arg);
	CHECK(is_taken == (end != REFUSED));
	if (is_taken) {
		CHECK(end == expect(kr_seccomp_run(&seccomp, &call, NULL)));
		kr_seccomp_drop(&seccomp);
	}
	return 0;
}
