/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's address space: what is counted for RLIMIT_AS and RLIMIT_DATA.
 */
#include "../vm/arena.h"
#include "../vm/layout.h"
#include "check.h"

#include <sys/mman.h>

#define PAGE(n)    (KR_BLOCK + (uint64_t)(n)*KR_PAGE)
#define READ_WRITE (PROT_READ | PROT_WRITE)

/* Map pages [first, end) as the calls do: room first. */
static void map(struct kr_arena *arena, unsigned first, unsigned end, int prot, bool is_shared)
{
	CHECK(kr_arena_reserve(arena) == 0);
	kr_arena_set(arena, (struct kr_region){
				    .start = PAGE(first), .end = PAGE(end), .prot = prot, .is_shared = is_shared });
}

static void neighbours_of_one_kind_are_one_region(void)
{
	struct kr_arena arena = { .regions = NULL };

	map(&arena, 0, 2, READ_WRITE, false);
	map(&arena, 2, 4, READ_WRITE, false);
	CHECK(arena.count == 1);
	map(&arena, 4, 6, READ_WRITE, true);
	CHECK(arena.count == 2);
	map(&arena, 6, 8, PROT_READ, true);
	CHECK(arena.count == 3);
	CHECK(arena.regions[0].end == PAGE(4) && arena.regions[2].end == PAGE(8));
}

static void a_change_of_protection_keeps_what_is_shared(void)
{
	struct kr_arena arena = { .regions = NULL };

	map(&arena, 0, 4, PROT_READ, false);
	map(&arena, 4, 8, PROT_READ, true);
	map(&arena, 10, 12, PROT_READ, false);
	CHECK(kr_arena_reserve(&arena) == 0);
	kr_arena_protect(&arena, PAGE(2), PAGE(11), READ_WRITE);
	CHECK(!kr_region_is_data(kr_arena_find(&arena, PAGE(1))));
	CHECK(kr_region_is_data(kr_arena_find(&arena, PAGE(2))));
	CHECK(!kr_region_is_data(kr_arena_find(&arena, PAGE(4))));
	CHECK(kr_arena_find(&arena, PAGE(4))->prot == READ_WRITE);
	CHECK(kr_arena_find(&arena, PAGE(8)) == NULL && kr_arena_find(&arena, PAGE(9)) == NULL);
	CHECK(kr_region_is_data(kr_arena_find(&arena, PAGE(10))));
	CHECK(!kr_region_is_data(kr_arena_find(&arena, PAGE(11))));
}

static void what_may_not_be_executed_stays_so(void)
{
	struct kr_arena arena = { .regions = NULL };
	struct kr_region region = { .start = PAGE(2), .end = PAGE(4), .prot = PROT_READ, .is_noexec = true };

	map(&arena, 0, 2, PROT_READ, false);
	map(&arena, 4, 6, PROT_READ, false);
	CHECK(kr_arena_find_noexec(&arena, PAGE(0), PAGE(6)) == PAGE(6));
	CHECK(kr_arena_reserve(&arena) == 0);
	kr_arena_set(&arena, region);
	CHECK(arena.count == 3);
	CHECK(kr_arena_find_noexec(&arena, PAGE(0), PAGE(2)) == PAGE(2));
	CHECK(kr_arena_find_noexec(&arena, PAGE(0), PAGE(6)) == PAGE(2));
	CHECK(kr_arena_find_noexec(&arena, PAGE(3), PAGE(6)) == PAGE(3));
	CHECK(kr_arena_find_noexec(&arena, PAGE(4), PAGE(6)) == PAGE(6));
	CHECK(kr_arena_reserve(&arena) == 0);
	kr_arena_protect(&arena, PAGE(1), PAGE(3), READ_WRITE);
	kr_arena_clear(&arena, PAGE(2), PAGE(3));
	CHECK(kr_arena_find_noexec(&arena, PAGE(0), PAGE(6)) == PAGE(3));
}

static void what_is_mapped_is_counted(void)
{
	struct kr_arena arena = { .regions = NULL };

	CHECK(kr_arena_count(&arena, PAGE(0), PAGE(100)) == 0);
	map(&arena, 0, 4, READ_WRITE, false);
	map(&arena, 6, 8, PROT_READ, false);
	map(&arena, 8, 9, PROT_READ, true);
	CHECK(kr_arena_count(&arena, PAGE(0), PAGE(100)) == 7 * KR_PAGE);
	CHECK(kr_arena_count(&arena, PAGE(3), PAGE(7)) == 2 * KR_PAGE);
	CHECK(kr_arena_count(&arena, PAGE(4), PAGE(6)) == 0);
	CHECK(kr_arena_count_private_readonly(&arena, PAGE(0), PAGE(100)) == 2 * KR_PAGE);
	CHECK(kr_arena_count_private_readonly(&arena, PAGE(7), PAGE(9)) == KR_PAGE);
	kr_arena_clear(&arena, PAGE(1), PAGE(7));
	CHECK(kr_arena_count(&arena, PAGE(0), PAGE(100)) == 3 * KR_PAGE);
}

static void a_span_lies_in_one_part(void)
{
	CHECK(kr_arena_holds(KR_ARENA_START, KR_ARENA_END - KR_ARENA_START));
	CHECK(!kr_arena_holds(KR_ARENA_START - 1, 2) && !kr_arena_holds(KR_ARENA_END - 1, 2));
	CHECK(!kr_arena_holds(KR_ARENA_END, 1) && !kr_arena_holds(KR_FAR_LOW - 1, 2));
	CHECK(kr_arena_holds(KR_FAR_LOW, KR_FAR_LOW_END - KR_FAR_LOW));
	CHECK(!kr_arena_holds(KR_FAR_LOW, KR_FAR_LOW_END - KR_FAR_LOW + 1));
	CHECK(!kr_arena_holds(KR_FAR_LOW_END, 1) && !kr_arena_holds(KR_FAR_LOW, KR_FAR_HIGH - KR_FAR_LOW + 1));
	CHECK(kr_arena_holds(KR_FAR_HIGH, KR_FAR_HIGH_END - KR_FAR_HIGH));
	CHECK(!kr_arena_holds(KR_FAR_HIGH_END, 1) && !kr_arena_holds(KR_FAR_HIGH_END - 1, 2));
	CHECK(!kr_arena_holds(UINT64_MAX, 1) && !kr_arena_holds(KR_FAR_HIGH, UINT64_MAX));
	CHECK(!kr_arena_holds(KR_FAR_HIGH, 0));
	CHECK(kr_arena_room(KR_FAR_HIGH_END - 7) == 7 && kr_arena_room(KR_ARENA_END) == 0);
}

int main(void)
{
	a_span_lies_in_one_part();
	neighbours_of_one_kind_are_one_region();
	a_change_of_protection_keeps_what_is_shared();
	what_may_not_be_executed_stays_so();
	what_is_mapped_is_counted();
	return 0;
}
