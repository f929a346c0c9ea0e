/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fuzzes the argument checker over the whole table: what it passes on to the kernel is a number, lies in the arena,
 * lies in the room of copies, or lies where nobody has memory.  Input: u16 number, six u64 arguments, then the
 * arena's first bytes.
 */
#include "tests/check.h"
#include "tests/guest_double.h"
#include "vm/hypercall.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	double_map_arena();
	return 0;
}

/* Where nobody has memory: the kernel's half, and below the arena. */
static bool is_nobodys(uint64_t address, unsigned __int128 size)
{
	return address > INT64_MAX || (unsigned __int128)address + size <= 0x10000;
}

static bool is_guests(uint64_t address, unsigned __int128 size)
{
	return size <= UINT64_MAX && kr_guest_has(address, (uint64_t)size);
}

static bool is_copy(const struct kr_scratch *scratch, uint64_t address, uint64_t size)
{
	uint64_t start = (uint64_t)(uintptr_t)scratch->bytes;

	return address >= start && address - start <= scratch->used && size <= scratch->used - (address - start);
}

static void judge_vector(const struct kr_scratch *scratch, uint64_t address, uint64_t count)
{
	const struct iovec *vector = (const struct iovec *)(uintptr_t)address;

	if (count == 0 || is_nobodys(address, (unsigned __int128)count * sizeof *vector)) {
		return;
	}
	CHECK(count <= IOV_MAX && is_copy(scratch, address, count * sizeof *vector));
	for (uint64_t i = 0; i < count; i++) {
		uint64_t start = (uint64_t)(uintptr_t)vector[i].iov_base;
		uint64_t bytes = vector[i].iov_len;

		/* The kernel refuses the first, and stops at the first byte of the last. */
		CHECK(bytes > INT64_MAX || is_guests(start, bytes) || is_nobodys(start, bytes) ||
		      (is_nobodys(start, 1) && bytes <= 1ull << 31));
	}
}

static void judge_text(const struct kr_scratch *scratch, uint64_t address)
{
	if (kr_guest_has(address, PATH_MAX) || is_nobodys(address, 1)) {
		return;
	}
	CHECK(is_copy(scratch, address, 1));
	CHECK(is_copy(scratch, address, strlen((const char *)(uintptr_t)address) + 1));
}

static void judge(const struct kr_entry *entry, const struct kr_scratch *scratch, const uint64_t host[6])
{
	for (int i = 0; i < 6; i++) {
		const struct kr_arg *arg = &entry->arg[i];
		uint64_t count = arg->count == KR_NO_COUNT ? 1 : host[arg->count];

		if (arg->count != KR_NO_COUNT && entry->arg[arg->count].size == 4) {
			count = (uint32_t)count;
		}
		if (arg->kind == KR_ARG_FD) {
			CHECK(!kr_is_monitor_fd((int)(uint32_t)host[i]));
		}
		if (arg->kind < KR_ARG_TEXT || (arg->kind == KR_ARG_TEXT && entry->serve == KR_SERVE_EMULATE) ||
		    (host[i] == 0 && (arg->nullable || count == 0))) {
			continue;
		}
		switch ((enum kr_arg_kind)arg->kind) {
		case KR_ARG_TEXT:
			judge_text(scratch, host[i]);
			break;
		case KR_ARG_IOVEC:
			judge_vector(scratch, host[i], count);
			break;
		case KR_ARG_BITS:
			CHECK(is_guests(host[i], ((unsigned __int128)count + 63) / 64 * 8) ||
			      is_nobodys(host[i], ((unsigned __int128)count + 63) / 64 * 8));
			break;
		default:
			CHECK(is_guests(host[i], (unsigned __int128)count * arg->size) ||
			      is_nobodys(host[i], (unsigned __int128)count * arg->size));
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kr_call call = { .nr = 0 };
	struct kr_scratch scratch;
	const struct kr_entry *entry;
	uint64_t host[6];
	uint16_t number;
	size_t rest;

	if (size < sizeof number + sizeof call.arg) {
		return 0;
	}
	memcpy(&number, data, sizeof number);
	memcpy(call.arg, data + sizeof number, sizeof call.arg);
	rest = size - sizeof number - sizeof call.arg;
	rest = rest < DOUBLE_ARENA_BYTES ? rest : DOUBLE_ARENA_BYTES;
	memcpy((void *)(uintptr_t)DOUBLE_ARENA, data + size - rest, rest);
	entry = &kr_call_table[number % kr_call_table_size];
	call.nr = entry->nr;
	for (int i = 0; i < 6; i++) {
		/* Most addresses of random bits are far from the arena: let every other one be near it. */
		if ((call.arg[i] & 1) != 0) {
			call.arg[i] = DOUBLE_ARENA - 16 + (call.arg[i] >> 1) % (DOUBLE_ARENA_BYTES + 32);
		}
	}
	KR_SCRATCH_INIT(&scratch);
	if (kr_check_args(entry, &call, &scratch, host) == 0) {
		judge(entry, &scratch, host);
	}
	return 0;
}
