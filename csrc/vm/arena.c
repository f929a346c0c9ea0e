/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arena.h"

#include "grow.h"
#include "layout.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

const struct kr_span kr_arena_parts[KR_ARENA_PARTS] = {
	{ KR_ARENA_START, KR_ARENA_END },
	{ KR_FAR_LOW, KR_FAR_LOW_END },
	{ KR_FAR_HIGH, KR_FAR_HIGH_END },
};

uint64_t kr_arena_room(uint64_t address)
{
	for (size_t i = 0; i < KR_ARENA_PARTS; i++) {
		if (address < kr_arena_parts[i].end) {
			return address >= kr_arena_parts[i].start ? kr_arena_parts[i].end - address : 0;
		}
	}
	return 0;
}

bool kr_arena_holds(uint64_t address, uint64_t size)
{
	return size > 0 && size <= kr_arena_room(address);
}

/* Index of the first region that ends above `address`; count when there is none. */
static size_t first_above(const struct kr_arena *arena, uint64_t address)
{
	size_t low = 0;
	size_t high = arena->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (arena->regions[middle].end > address) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low;
}

const struct kr_region *kr_arena_next(const struct kr_arena *arena, uint64_t address)
{
	size_t i = first_above(arena, address);

	return i < arena->count ? &arena->regions[i] : NULL;
}

const struct kr_region *kr_arena_find(const struct kr_arena *arena, uint64_t address)
{
	const struct kr_region *region = kr_arena_next(arena, address);

	return region != NULL && region->start <= address ? region : NULL;
}

int kr_arena_reserve(struct kr_arena *arena)
{
	if (kr_grow(KR_ITEMS(arena->regions), &arena->capacity, arena->count + 4, sizeof *arena->regions) < 0) {
		return -ENOMEM;
	}
	return kr_undo_reserve(&arena->undo, arena->capacity * sizeof *arena->regions);
}

/* Whatever is done about [start, …) changes nothing before the neighbour of its first region. */
static void begin(struct kr_arena *arena, uint64_t start)
{
	size_t first = first_above(arena, start);

	first = first > 0 ? first - 1 : 0;
	kr_undo_open(&arena->undo, &arena->regions[first], (arena->count - first) * sizeof *arena->regions,
		     &arena->count);
}

void kr_arena_mend(struct kr_arena *arena)
{
	kr_undo_apply(&arena->undo);
	arena->bytes = kr_arena_count(arena, 0, UINT64_MAX);
}

static void remove_at(struct kr_arena *arena, size_t first, size_t count)
{
	memmove(&arena->regions[first], &arena->regions[first + count],
		(arena->count - first - count) * sizeof *arena->regions);
	arena->count -= count;
}

static void insert_at(struct kr_arena *arena, size_t at, struct kr_region region)
{
	memmove(&arena->regions[at + 1], &arena->regions[at], (arena->count - at) * sizeof *arena->regions);
	arena->regions[at] = region;
	arena->count++;
}

static void clear(struct kr_arena *arena, uint64_t start, uint64_t end)
{
	size_t first = first_above(arena, start);
	size_t last;

	arena->bytes -= kr_arena_count(arena, start, end);
	if (first < arena->count && arena->regions[first].start < start) {
		struct kr_region *region = &arena->regions[first];

		if (region->end > end) {
			struct kr_region tail = *region;

			tail.start = end;
			region->end = start;
			insert_at(arena, first + 1, tail);
			return;
		}
		region->end = start;
		first++;
	}
	last = first;
	while (last < arena->count && arena->regions[last].end <= end) {
		last++;
	}
	remove_at(arena, first, last - first);
	if (first < arena->count && arena->regions[first].start < end) {
		arena->regions[first].start = end;
	}
}

static bool is_kind(const struct kr_region *region, const struct kr_region *other)
{
	return region->prot == other->prot && region->is_shared == other->is_shared &&
	       region->is_noexec == other->is_noexec;
}

static void set(struct kr_arena *arena, struct kr_region region)
{
	struct kr_region *below;
	struct kr_region *above;
	size_t at;

	clear(arena, region.start, region.end);
	arena->bytes += region.end - region.start;
	arena->peak = arena->bytes > arena->peak ? arena->bytes : arena->peak;
	at = first_above(arena, region.start);
	below = at > 0 ? &arena->regions[at - 1] : NULL;
	above = at < arena->count ? &arena->regions[at] : NULL;
	if (above != NULL && (above->start != region.end || !is_kind(above, &region))) {
		above = NULL;
	}
	if (below != NULL && below->end == region.start && is_kind(below, &region)) {
		below->end = above != NULL ? above->end : region.end;
		remove_at(arena, at, above != NULL ? 1 : 0);
	} else if (above != NULL) {
		above->start = region.start;
	} else {
		insert_at(arena, at, region);
	}
}

void kr_arena_clear(struct kr_arena *arena, uint64_t start, uint64_t end)
{
	begin(arena, start);
	clear(arena, start, end);
	kr_undo_close(&arena->undo);
}

void kr_arena_set(struct kr_arena *arena, struct kr_region region)
{
	begin(arena, region.start);
	set(arena, region);
	kr_undo_close(&arena->undo);
}

void kr_arena_protect(struct kr_arena *arena, uint64_t start, uint64_t end, int prot)
{
	const struct kr_region *region;

	begin(arena, start);
	while (start < end && (region = kr_arena_next(arena, start)) != NULL && region->start < end) {
		struct kr_region part = *region;

		part.start = region->start > start ? region->start : start;
		part.end = region->end < end ? region->end : end;
		part.prot = prot;
		start = part.end;
		set(arena, part);
	}
	kr_undo_close(&arena->undo);
}

bool kr_region_is_data(const struct kr_region *region)
{
	return !region->is_shared && (region->prot & PROT_WRITE) != 0;
}

/* The bytes of a region that lie in [start, end). */
static uint64_t overlap(const struct kr_region *region, uint64_t start, uint64_t end)
{
	uint64_t from = region->start > start ? region->start : start;
	uint64_t to = region->end < end ? region->end : end;

	return to > from ? to - from : 0;
}

uint64_t kr_arena_count(const struct kr_arena *arena, uint64_t start, uint64_t end)
{
	uint64_t bytes = 0;

	for (size_t i = first_above(arena, start); i < arena->count && arena->regions[i].start < end; i++) {
		bytes += overlap(&arena->regions[i], start, end);
	}
	return bytes;
}

uint64_t kr_arena_count_private_readonly(const struct kr_arena *arena, uint64_t start, uint64_t end)
{
	uint64_t bytes = 0;

	for (size_t i = first_above(arena, start); i < arena->count && arena->regions[i].start < end; i++) {
		const struct kr_region *region = &arena->regions[i];

		bytes += region->is_shared || kr_region_is_data(region) ? 0 : overlap(region, start, end);
	}
	return bytes;
}

uint64_t kr_arena_find_noexec(const struct kr_arena *arena, uint64_t start, uint64_t end)
{
	for (size_t i = first_above(arena, start); i < arena->count && arena->regions[i].start < end; i++) {
		if (arena->regions[i].is_noexec) {
			return arena->regions[i].start > start ? arena->regions[i].start : start;
		}
	}
	return end;
}

bool kr_arena_touches(const struct kr_arena *arena, uint64_t start, uint64_t end)
{
	const struct kr_region *region = kr_arena_next(arena, start);

	return region != NULL && region->start < end;
}

uint64_t kr_arena_find_free(const struct kr_arena *arena, uint64_t size, uint64_t below, uint64_t align)
{
	size_t i = first_above(arena, below - 1);
	uint64_t top = below;

	if (i < arena->count && arena->regions[i].start < top) {
		top = arena->regions[i].start;
	}
	for (;;) {
		uint64_t bottom = i > 0 ? arena->regions[i - 1].end : KR_BLOCK;
		uint64_t at = top >= size ? kr_align_down(top - size, align) : 0;

		if (at >= bottom && top >= size) {
			return at;
		}
		if (i == 0) {
			return 0;
		}
		i--;
		top = arena->regions[i].start;
	}
}
