/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Classic BPF over struct seccomp_data, as the kernel defines it for seccomp (linux/filter.h, bpf_check_classic
 * and seccomp_check_filter): loads are words at aligned offsets of the structure, arithmetic is unsigned and of
 * 32 bits, jumps only go forward.
 */
#include "filter.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define MAX_PROGRAM 4096u /* instructions, the kernel's bound */

static bool is_alu(uint16_t code)
{
	if (BPF_CLASS(code) != BPF_ALU || (code & ~0xff) != 0) {
		return false;
	}
	switch (BPF_OP(code)) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_DIV:
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
	case BPF_LSH:
	case BPF_RSH:
		return true;
	case BPF_NEG:
		return BPF_SRC(code) == BPF_K;
	default:
		return false;
	}
}

static bool is_conditional_jump(uint16_t code)
{
	switch (code) {
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_X:
		return true;
	default:
		return false;
	}
}

/* One instruction on its own; `left` is how many follow it. */
static bool is_good(const struct sock_filter *at, size_t left)
{
	switch (at->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return at->k % 4 == 0 && at->k < sizeof(struct seccomp_data);
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return at->k < BPF_MEMWORDS;
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
		return true;
	case BPF_JMP | BPF_JA:
		return at->k < left;
	case BPF_ALU | BPF_DIV | BPF_K:
		return at->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return at->k < 32;
	default:
		if (is_conditional_jump(at->code)) {
			return at->jt < left && at->jf < left;
		}
		return is_alu(at->code);
	}
}

/* No path may load a scratch word that it has not stored: what was stored on every way to an instruction. */
static bool loads_only_stored(const struct sock_filter *code, size_t size)
{
	uint16_t stored_at[MAX_PROGRAM];
	uint16_t stored = 0;

	memset(stored_at, 0xff, size * sizeof stored_at[0]);
	for (size_t i = 0; i < size; i++) {
		const struct sock_filter *at = &code[i];

		stored &= stored_at[i];
		switch (at->code) {
		case BPF_ST:
		case BPF_STX:
			stored = (uint16_t)(stored | 1u << at->k);
			break;
		case BPF_LD | BPF_MEM:
		case BPF_LDX | BPF_MEM:
			if ((stored & 1u << at->k) == 0) {
				return false;
			}
			break;
		case BPF_JMP | BPF_JA:
			stored_at[i + 1 + at->k] &= stored;
			stored = 0xffff;
			break;
		default:
			if (is_conditional_jump(at->code)) {
				stored_at[i + 1 + at->jt] &= stored;
				stored_at[i + 1 + at->jf] &= stored;
				stored = 0xffff;
			}
			break;
		}
	}
	return true;
}

int kr_filter_check(const struct sock_filter *code, size_t size)
{
	if (size == 0 || size > MAX_PROGRAM) {
		return -EINVAL;
	}
	for (size_t i = 0; i < size; i++) {
		if (!is_good(&code[i], size - 1 - i)) {
			return -EINVAL;
		}
	}
	if (BPF_CLASS(code[size - 1].code) != BPF_RET) {
		return -EINVAL;
	}
	return loads_only_stored(code, size) ? 0 : -EINVAL;
}

/* The word of `data` at a checked offset. */
static uint32_t load_word(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	memcpy(&word, (const uint8_t *)data + offset, sizeof word);
	return word;
}

/* The value of an arithmetic instruction but a division.  Shifts by 32 and more give what the kernel's 32-bit shift
 * gives on x86: the amount is taken modulo 32. */
static uint32_t compute(uint16_t operation, uint32_t a, uint32_t b)
{
	switch (operation) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default:
		return 0u - a;
	}
}

static bool is_taken(uint16_t operation, uint32_t a, uint32_t b)
{
	switch (operation) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return (a & b) != 0;
	}
}

uint32_t kr_filter_run(const struct sock_filter *code, const struct seccomp_data *data)
{
	uint32_t memory[BPF_MEMWORDS] = { 0 };
	uint32_t a = 0;
	uint32_t x = 0;

	for (const struct sock_filter *at = code;; at++) {
		uint32_t operand = BPF_SRC(at->code) == BPF_X ? x : at->k;

		switch (at->code) {
		case BPF_RET | BPF_K:
			return at->k;
		case BPF_RET | BPF_A:
			return a;
		case BPF_LD | BPF_W | BPF_ABS:
			a = load_word(data, at->k);
			break;
		case BPF_LD | BPF_W | BPF_LEN:
			a = sizeof *data;
			break;
		case BPF_LDX | BPF_W | BPF_LEN:
			x = sizeof *data;
			break;
		case BPF_LD | BPF_IMM:
			a = at->k;
			break;
		case BPF_LDX | BPF_IMM:
			x = at->k;
			break;
		case BPF_LD | BPF_MEM:
			a = memory[at->k];
			break;
		case BPF_LDX | BPF_MEM:
			x = memory[at->k];
			break;
		case BPF_ST:
			memory[at->k] = a;
			break;
		case BPF_STX:
			memory[at->k] = x;
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_MISC | BPF_TXA:
			a = x;
			break;
		case BPF_JMP | BPF_JA:
			at += at->k;
			break;
		case BPF_ALU | BPF_DIV | BPF_K:
		case BPF_ALU | BPF_DIV | BPF_X:
			/* A division by zero ends the program with 0, which kills the thread. */
			if (operand == 0) {
				return 0;
			}
			a /= operand;
			break;
		default:
			if (BPF_CLASS(at->code) == BPF_JMP) {
				at += is_taken(BPF_OP(at->code), a, operand) ? at->jt : at->jf;
			} else {
				a = compute(BPF_OP(at->code), a, operand);
			}
			break;
		}
	}
}
