/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's address space: which ranges of the arena are mapped, and with which protection.  This list is
 * what the guest may see; the page tables are filled from it, at the latest when the guest touches a page.
 * Out of scope: host mappings (memory.c) and page tables (paging.c).
 */
#ifndef KR_VM_ARENA_H
#define KR_VM_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "undo.h"

struct kr_region {
	uint64_t start;
	uint64_t end;
	int prot; /* PROT_READ | PROT_WRITE | PROT_EXEC as the guest asked */
	bool is_shared;
	bool is_noexec; /* of a file system mounted with noexec: never PROT_EXEC */
};

/* Sorted by address, without overlap; neighbours of one kind are one region. */
struct kr_arena {
	struct kr_region *regions;
	size_t count;
	size_t capacity;
	struct kr_undo undo; /* a change that its maker may not live to end */
	uint64_t mmap_top;   /* mappings without a wish are placed below this */
	uint64_t brk_start;
	uint64_t brk;
	uint64_t stack_start;
	uint64_t stack_end;
	uint64_t bytes;      /* that are mapped */
	uint64_t peak;       /* as many as there ever were */
	uint64_t code_start; /* of the program */
	uint64_t code_end;
	uint64_t slide; /* random, for the image of a position-independent program */
};

#define KR_ARENA_PARTS 3

struct kr_span {
	uint64_t start;
	uint64_t end;
};

/* The parts of the arena, lowest first.  Between them lies what is not the guest's. */
extern const struct kr_span kr_arena_parts[KR_ARENA_PARTS];

/* Bytes from `address` to the end of the part of the arena that it lies in, 0 outside. */
uint64_t kr_arena_room(uint64_t address);
/* True when [address, address + size) lies in the arena and is not empty. */
bool kr_arena_holds(uint64_t address, uint64_t size);
/* The region that holds `address`, or NULL. */
const struct kr_region *kr_arena_find(const struct kr_arena *arena, uint64_t address);
/* The first region that ends above `address`, or NULL. */
const struct kr_region *kr_arena_next(const struct kr_arena *arena, uint64_t address);
/* Make room so that one `kr_arena_set` and one `kr_arena_clear` cannot fail.  0 or -ENOMEM. */
int kr_arena_reserve(struct kr_arena *arena);
/* Whoever was changing the list has died: it is as before that change. */
void kr_arena_mend(struct kr_arena *arena);
/* True of what RLIMIT_DATA counts: private and writable. */
bool kr_region_is_data(const struct kr_region *region);
/* The region is mapped from now on, whatever was there. */
void kr_arena_set(struct kr_arena *arena, struct kr_region region);
/* Everything mapped in [start, end) has the protection `prot` from now on.  Takes the room of one kr_arena_set. */
void kr_arena_protect(struct kr_arena *arena, uint64_t start, uint64_t end, int prot);
/* Nothing is mapped in [start, end) any more. */
void kr_arena_clear(struct kr_arena *arena, uint64_t start, uint64_t end);
/* True when some byte of [start, end) is mapped. */
bool kr_arena_touches(const struct kr_arena *arena, uint64_t start, uint64_t end);
/* Where in [start, end) the first mapping begins that may not be executed; `end` for none. */
uint64_t kr_arena_find_noexec(const struct kr_arena *arena, uint64_t start, uint64_t end);
/* How many bytes of [start, end) are mapped. */
uint64_t kr_arena_count(const struct kr_arena *arena, uint64_t start, uint64_t end);
/* How many of them a right to write would make data: private ones without it. */
uint64_t kr_arena_count_private_readonly(const struct kr_arena *arena, uint64_t start, uint64_t end);
/* A free range of `size` bytes, as high as possible below `below`; 0 when there is none. */
uint64_t kr_arena_find_free(const struct kr_arena *arena, uint64_t size, uint64_t below, uint64_t align);

#endif
