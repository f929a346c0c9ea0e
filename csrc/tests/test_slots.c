/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where KVM's memory slots are made, and how many.  KVM itself is a double that agrees to everything.
 */
#include "../vm/layout.h"
#include "../vm/slots.h"
#include "check.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VM  7
#define MIB 0x100000ull
#define TOP 0x1fff00000000ull

/* The C library's: nothing else calls it here. */
long syscall(long number, ...)
{
	return number == SYS_ioctl ? 0 : -1;
}

static struct kr_slots make(void)
{
	struct kr_slots slots = { .system = NULL };
	struct kr_err err;

	CHECK(kr_slots_create(&slots, VM, &err) == 0);
	slots.gpa_limit = 1ull << 40;
	return slots;
}

static void release(struct kr_slots *slots)
{
	CHECK(munmap(slots->system, KR_SYSTEM_BYTES) == 0);
}

static void touch(struct kr_slots *slots, uint64_t address, uint64_t low, uint64_t high)
{
	const struct kr_slot *slot = kr_slots_for(slots, VM, address, low, high);

	CHECK(slot != NULL && slot->gva <= address && address < slot->gva + slot->size);
}

static uint64_t spanned(const struct kr_slots *slots)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < slots->count; i++) {
		CHECK(i == 0 || slots->arena[i - 1].gva + slots->arena[i - 1].size <= slots->arena[i].gva);
		sum += slots->arena[i].size;
	}
	CHECK(sum == slots->next_gpa - KR_ARENA_GPA);
	return sum;
}

/* A thread's stack: 8 MiB, a guard page below, which is another region; the next one begins below that. */
static void a_thousand_stacks_have_few_slots(void)
{
	struct kr_slots slots = make();
	uint64_t high = TOP;

	for (int i = 0; i < 1000; i++) {
		uint64_t low = high - 8 * MIB;

		touch(&slots, high - 1, low, high);
		touch(&slots, low, low, high);
		high = low - KR_PAGE;
	}
	CHECK(slots.count < 40);
	CHECK(spanned(&slots) < 2 * 1000 * 8 * MIB);
	release(&slots);
}

static void small_mappings_that_grow_upwards_have_few_slots(void)
{
	struct kr_slots slots = make();

	for (uint64_t at = TOP - 4096 * MIB; at < TOP; at += MIB) {
		touch(&slots, at, at, at + MIB);
	}
	CHECK(slots.count < 40);
	CHECK(spanned(&slots) <= 2 * 4096 * MIB);
	release(&slots);
}

static void what_lies_scattered_has_small_slots(void)
{
	struct kr_slots slots = make();

	for (uint64_t i = 0; i < 200; i++) {
		uint64_t at = KR_BLOCK + i * 1024 * MIB;

		touch(&slots, at, at, at + KR_PAGE);
	}
	CHECK(slots.count == 200 && spanned(&slots) == 200 * 8 * MIB);
	release(&slots);
}

static void a_slot_ends_where_another_begins(void)
{
	struct kr_slots slots = make();

	for (uint64_t i = 0; i < 64; i++) {
		touch(&slots, TOP - i * 32 * MIB - 1, TOP - i * 32 * MIB - KR_PAGE, TOP - i * 32 * MIB);
	}
	for (uint64_t at = TOP - 64 * 32 * MIB; at < TOP; at += KR_BLOCK) {
		touch(&slots, at, TOP - 64 * 32 * MIB, TOP);
	}
	CHECK(spanned(&slots) < 3ull * 64 * 32 * MIB);
	release(&slots);
}

int main(void)
{
	a_thousand_stacks_have_few_slots();
	small_mappings_that_grow_upwards_have_few_slots();
	what_lies_scattered_has_small_slots();
	a_slot_ends_where_another_begins();
	return 0;
}
