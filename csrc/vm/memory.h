/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's mappings: a host mapping at the same address, the region in the arena and the page tables,
 * changed together.  No page of the guest is ever executable on the host: only the guest's page tables make it
 * so, and the payload cannot run but in the machine.
 */
#ifndef KR_VM_MEMORY_H
#define KR_VM_MEMORY_H

#include "machine.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#define KR_PROT_KNOWN (PROT_READ | PROT_WRITE | PROT_EXEC)

/* Map [start, start + size), page-aligned and in the arena, over whatever is there; as mmap(2) with MAP_FIXED.
 * 0 or -errno. */
int kr_memory_map(struct kr_machine *machine, uint64_t start, uint64_t size, int prot, int flags, int fd,
		  int64_t offset);
int kr_memory_unmap(struct kr_machine *machine, uint64_t start, uint64_t size);
int kr_memory_protect(struct kr_machine *machine, uint64_t start, uint64_t size, int prot);

/* What mremap(2) is to move or resize. */
struct kr_move {
	uint64_t from;
	uint64_t old_size;
	uint64_t new_size;
	int flags;
	uint64_t to; /* of MREMAP_FIXED */
};

/* Move it to `to`, which may be where it is, on the host and in the arena, whose list has room reserved; `region`
 * is what it is part of.  `to`, or -errno. */
int64_t kr_memory_move(struct kr_machine *machine, const struct kr_move *move, uint64_t to,
		       const struct kr_region *region);
/* A file system mounted with noexec has nothing to execute; the host does not see that it is asked for. */
bool kr_memory_is_noexec(int flags, int fd);
/* Whoever held memory_lock has died with it: the list of mappings is as before or behind the change that it was
 * making, and what the host has is as the list says. */
void kr_memory_mend(struct kr_machine *machine);

#endif
