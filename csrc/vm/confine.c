/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The monitor's own seccomp filter: every number that the table forwards or the monitor needs is allowed, any
 * other kills.  It is built from numbers alone, so that the kernel answers it from a bitmap.
 */
#include "confine.h"

#include "hypercall.h"
#include "seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NUMBERS     512u /* all that the table may hold */
#define NR_OFFSET   ((uint32_t)offsetof(struct seccomp_data, nr))
#define ARCH_OFFSET ((uint32_t)offsetof(struct seccomp_data, arch))

/* What is known of the accumulator at an instruction, over all ways to it. */
struct accumulator {
	enum { UNREACHED, KNOWN, ANYTHING } state;
	uint32_t value;
};

static void join(struct accumulator *at, const struct accumulator *from)
{
	if (at->state == UNREACHED) {
		*at = *from;
	} else if (from->state == ANYTHING || (at->state == KNOWN && at->value != from->value)) {
		at->state = ANYTHING;
	}
}

/* The accumulator behind an instruction that is neither jump nor return. */
static void step(struct accumulator *a, const struct sock_filter *code, uint32_t nr)
{
	switch (code->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		a->state = code->k == NR_OFFSET || code->k == ARCH_OFFSET ? KNOWN : ANYTHING;
		a->value = code->k == NR_OFFSET ? nr : AUDIT_ARCH_X86_64;
		break;
	case BPF_LD | BPF_IMM:
		*a = (struct accumulator){ KNOWN, code->k };
		break;
	case BPF_ST:
	case BPF_STX:
	case BPF_LDX | BPF_IMM:
	case BPF_LDX | BPF_MEM:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_MISC | BPF_TAX:
		break;
	case BPF_ALU | BPF_AND | BPF_K:
		a->value &= code->k;
		break;
	default:
		a->state = ANYTHING;
		break;
	}
}

/* Where a conditional jump goes: -1 both ways, else the offset. */
static int decide(const struct accumulator *a, const struct sock_filter *code)
{
	bool is_true;

	if (a->state != KNOWN || BPF_SRC(code->code) != BPF_K) {
		return -1;
	}
	switch (BPF_OP(code->code)) {
	case BPF_JEQ:
		is_true = a->value == code->k;
		break;
	case BPF_JGT:
		is_true = a->value > code->k;
		break;
	case BPF_JGE:
		is_true = a->value >= code->k;
		break;
	default:
		is_true = (a->value & code->k) != 0;
		break;
	}
	return is_true ? code->jt : code->jf;
}

/* `notifies`: an agent may be asked about the call, and let it go on. */
static bool lets_call_happen(uint32_t verdict, bool notifies)
{
	switch (verdict & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return true;
	case SECCOMP_RET_USER_NOTIF:
		return notifies;
	default:
		return false;
	}
}

/* Whether a checked program may allow a call for some arguments.  Jumps only go forward, so one pass sees every
 * way.  0 or 1; -ENOMEM. */
static int may_allow(const struct kr_filter *filter, const struct kr_entry *entry)
{
	const bool notifies = filter->has_listener && entry->notifies;
	const struct sock_filter *code = filter->code;
	const size_t size = filter->size;
	struct accumulator *at = calloc(size, sizeof *at);
	int found = 0;

	if (at == NULL) {
		return -ENOMEM;
	}
	at[0] = (struct accumulator){ KNOWN, 0 };
	for (size_t i = 0; i < size && found == 0; i++) {
		struct accumulator a = at[i];
		int offset;

		if (a.state == UNREACHED) {
			continue;
		}
		switch (BPF_CLASS(code[i].code)) {
		case BPF_RET:
			found = BPF_RVAL(code[i].code) != BPF_K || lets_call_happen(code[i].k, notifies) ? 1 : 0;
			break;
		case BPF_JMP:
			if (BPF_OP(code[i].code) == BPF_JA) {
				join(&at[i + 1 + code[i].k], &a);
				break;
			}
			offset = decide(&a, &code[i]);
			if (offset != -1) {
				join(&at[i + 1 + (size_t)offset], &a);
			} else {
				join(&at[i + 1 + code[i].jt], &a);
				join(&at[i + 1 + code[i].jf], &a);
			}
			break;
		default:
			step(&a, &code[i], entry->nr);
			join(&at[i + 1], &a);
			break;
		}
	}
	free(at);
	return found;
}

/* Mark the numbers that the monitor may call: its own, and those that the table passes on and every program of
 * the container may allow. */
static int mark_allowed(bool allowed[NUMBERS], const struct kr_seccomp *profile)
{
	memset(allowed, 0, NUMBERS * sizeof allowed[0]);
	for (size_t i = 0; i < kr_call_table_size; i++) {
		const struct kr_entry *entry = &kr_call_table[i];
		int may = entry->serve != KR_SERVE_REFUSE ? 1 : 0;

		for (const struct kr_filter *filter = profile->filters; may == 1 && filter != NULL;
		     filter = filter->older) {
			may = may_allow(filter, entry);
		}
		if (may < 0) {
			return may;
		}
		allowed[entry->nr] = may == 1;
	}
	for (size_t i = 0; i < kr_monitor_calls_size; i++) {
		allowed[kr_monitor_calls[i]] = true;
	}
	return 0;
}

/* Write the program.  A stretch of allowed numbers, in ascending order, takes four instructions: below it the
 * number is forbidden, in it allowed, above it the next decides.  Returns its length. */
static size_t write_program(const bool allowed[NUMBERS], struct sock_filter *code)
{
	size_t size = 0;

	code[size++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARCH_OFFSET);
	code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[size++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NR_OFFSET);
	for (uint32_t first = 0; first < NUMBERS; first++) {
		uint32_t end = first;

		while (end < NUMBERS && allowed[end]) {
			end++;
		}
		if (end == first) {
			continue;
		}
		code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, end, 3, 0);
		code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 1);
		code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
		first = end;
	}
	code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	return size;
}

int kr_confine(const struct sock_filter *profile, size_t size, struct kr_err *err)
{
	/* A stretch and a gap take two numbers and four instructions. */
	struct sock_filter code[NUMBERS / 2 * 4 + 5];
	struct kr_seccomp container __attribute__((cleanup(kr_seccomp_drop))) = { .filters = NULL };
	bool allowed[NUMBERS];
	struct sock_fprog program = { .filter = code };
	int failed;

	if (kr_seccomp_decode(&container, profile, size, err) < 0) {
		return -1;
	}
	failed = mark_allowed(allowed, &container);
	if (failed != 0) {
		return kr_fail(err, -failed, "build the monitor's seccomp filter");
	}
	program.len = (unsigned short)write_program(allowed, code);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		return kr_fail(err, errno, "set no_new_privs");
	}
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
		return kr_fail(err, errno, "load the monitor's seccomp filter of %u instructions",
			       (unsigned)program.len);
	}
	return 0;
}
