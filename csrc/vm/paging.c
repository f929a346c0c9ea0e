/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "paging.h"

#include "huge.h"
#include "layout.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#define ENTRY_PRESENT    0x001ull
#define ENTRY_WRITE      0x002ull
#define ENTRY_USER       0x004ull
#define ENTRY_TOUCHED    0x060ull /* accessed and dirty: set from the start, so that nobody writes them later */
#define ENTRY_LARGE      0x080ull
#define ENTRY_NO_EXECUTE (1ull << 63)
#define ENTRY_ADDRESS    0x000ffffffffff000ull
#define ENTRY_TABLE      (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER | ENTRY_TOUCHED)

static uint64_t *table_at(const struct kr_machine *machine, uint64_t gpa)
{
	return kr_slots_system_at(&machine->slots, gpa & ENTRY_ADDRESS);
}

static size_t index_at(uint64_t gva, unsigned level)
{
	return (gva >> (12 + 9 * level)) & 511;
}

/* The table that `entry` leads to, made when there is none; NULL when there is no memory. */
static uint64_t *descend(struct kr_machine *machine, uint64_t *entry)
{
	if ((*entry & ENTRY_PRESENT) == 0) {
		uint64_t gpa = kr_slots_system_page(&machine->slots, machine->vm);

		if (gpa == 0) {
			return NULL;
		}
		*entry = gpa | ENTRY_TABLE;
	}
	return table_at(machine, *entry);
}

/* The entry of the page directory (what spans a block) for gva, with `make` its tables too; else NULL. */
static uint64_t *block_entry(struct kr_machine *machine, uint64_t gva, bool make)
{
	uint64_t *table = table_at(machine, KR_ROOT_GPA);

	for (unsigned level = 3; level > 1; level--) {
		uint64_t *entry = &table[index_at(gva, level)];

		if (!make && (*entry & ENTRY_PRESENT) == 0) {
			return NULL;
		}
		table = descend(machine, entry);
		if (table == NULL) {
			return NULL;
		}
	}
	return &table[index_at(gva, 1)];
}

int kr_paging_map_system(struct kr_machine *machine, uint64_t gva, uint64_t gpa, int flags, struct kr_err *err)
{
	uint64_t *block = block_entry(machine, gva, true);
	uint64_t *table = block != NULL ? descend(machine, block) : NULL;
	uint64_t entry = gpa | ENTRY_PRESENT | ENTRY_TOUCHED;

	if (table == NULL) {
		return kr_fail(err, ENOMEM, "make a page table");
	}
	entry |= (flags & KR_PAGE_USER) != 0 ? ENTRY_USER : 0;
	entry |= (flags & KR_PAGE_WRITE) != 0 ? ENTRY_WRITE : 0;
	entry |= (flags & KR_PAGE_EXECUTE) != 0 ? 0 : ENTRY_NO_EXECUTE;
	table[index_at(gva, 0)] = entry;
	return 0;
}

static uint64_t entry_flags(int prot)
{
	uint64_t flags = ENTRY_PRESENT | ENTRY_USER | ENTRY_TOUCHED;

	flags |= (prot & PROT_WRITE) != 0 ? ENTRY_WRITE : 0;
	flags |= (prot & PROT_EXEC) != 0 ? 0 : ENTRY_NO_EXECUTE;
	return flags;
}

/* Fill what one region has of [start, end), which lies in one block and in the region. */
static int fill_block(struct kr_machine *machine, const struct kr_region *region, uint64_t start, uint64_t end)
{
	uint64_t block = kr_align_down(start, KR_BLOCK);
	uint64_t flags = entry_flags(region->prot);
	const struct kr_slot *slot = kr_slots_for(&machine->slots, machine->vm, start, region->start, region->end);
	uint64_t *entry = slot != NULL ? block_entry(machine, block, true) : NULL;
	uint64_t gpa;
	uint64_t *table;

	if (entry == NULL) {
		return -ENOMEM;
	}
	gpa = slot->gpa + (block - slot->gva);
	if ((*entry & ENTRY_LARGE) != 0) {
		return 0;
	}
	if ((*entry & ENTRY_PRESENT) == 0 && end - start == KR_BLOCK) {
		*entry = gpa | flags | ENTRY_LARGE;
		return 0;
	}
	table = descend(machine, entry);
	if (table == NULL) {
		return -ENOMEM;
	}
	for (uint64_t at = start; at < end; at += KR_PAGE) {
		table[index_at(at, 0)] = (gpa + (at - block)) | flags;
	}
	return 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void kr_paging_fill(struct kr_machine *machine, uint64_t start, uint64_t end)
{
	while (start < end) {
		const struct kr_region *region = kr_arena_next(&machine->arena, start);
		uint64_t stop;

		if (region == NULL || region->start >= end) {
			return;
		}
		start = start > region->start ? start : region->start;
		stop = smaller(smaller(end, region->end), kr_align_down(start, KR_BLOCK) + KR_BLOCK);
		if (region->prot == PROT_NONE) {
			start = region->end;
			continue;
		}
		if (fill_block(machine, region, start, stop) < 0) {
			return;
		}
		start = stop;
	}
}

/* The end of what has no page directory around gva, else of gva's block: a reservation may span terabytes. */
static uint64_t past_hole(const struct kr_machine *machine, uint64_t gva)
{
	const uint64_t *table = table_at(machine, KR_ROOT_GPA);

	for (unsigned level = 3; level > 1; level--) {
		const uint64_t span = 1ull << (12 + 9 * level);
		const uint64_t entry = table[index_at(gva, level)];

		if ((entry & ENTRY_PRESENT) == 0) {
			return kr_align_down(gva, span) + span;
		}
		table = table_at(machine, entry);
	}
	return kr_align_down(gva, KR_BLOCK) + KR_BLOCK;
}

void kr_paging_drop(struct kr_machine *machine, uint64_t start, uint64_t end)
{
	while (start < end) {
		uint64_t block = kr_align_down(start, KR_BLOCK);
		uint64_t stop = smaller(end, past_hole(machine, start));
		uint64_t *entry = block_entry(machine, block, false);

		if (entry != NULL && (*entry & ENTRY_LARGE) != 0) {
			*entry = 0;
		} else if (entry != NULL && (*entry & ENTRY_PRESENT) != 0) {
			uint64_t *table = table_at(machine, *entry);

			for (uint64_t at = start; at < stop; at += KR_PAGE) {
				table[index_at(at, 0)] = 0;
			}
		}
		start = stop;
	}
}

static bool allows(int prot, enum kr_access access)
{
	switch (access) {
	case KR_ACCESS_WRITE:
		return (prot & PROT_WRITE) != 0;
	case KR_ACCESS_EXECUTE:
		return (prot & PROT_EXEC) != 0;
	case KR_ACCESS_READ:
		break;
	}
	return prot != PROT_NONE;
}

int kr_paging_fault(struct kr_machine *machine, uint64_t address, enum kr_access access)
{
	const struct kr_region *region;
	uint64_t block = kr_align_down(address, KR_BLOCK);
	uint64_t start;
	uint64_t end;
	int result;

	kr_machine_lock_memory(machine);
	region = kr_arena_find(&machine->arena, address);
	if (region == NULL) {
		result = SEGV_MAPERR;
	} else if (!allows(region->prot, access)) {
		result = SEGV_ACCERR;
	} else {
		start = region->start > block ? region->start : block;
		end = smaller(region->end, block + KR_BLOCK);
		if (access == KR_ACCESS_WRITE) {
			kr_huge_consider(machine, region, block);
		}
		result = fill_block(machine, region, start, end);
	}
	kr_machine_unlock_memory(machine);
	return result;
}
