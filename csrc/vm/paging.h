/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's page tables.  For the arena they are a cache of kr_arena: entries are added when a range is
 * mapped or touched, and taken away before the host's mapping changes.
 *
 * KVM may shadow these tables and does not see the monitor write to them.  What it sees is the host's own
 * mapping change: so an entry that is present may change only together with a munmap, mprotect or the like of
 * the same range, entry first, which drops what KVM has derived from it.
 */
#ifndef KR_VM_PAGING_H
#define KR_VM_PAGING_H

#include "machine.h"

#include <stdint.h>

enum kr_access { KR_ACCESS_READ, KR_ACCESS_WRITE, KR_ACCESS_EXECUTE };

enum kr_page_flags { KR_PAGE_USER = 1, KR_PAGE_WRITE = 2, KR_PAGE_EXECUTE = 4 };

/* Map a page outside the arena. */
int kr_paging_map_system(struct kr_machine *machine, uint64_t gva, uint64_t gpa, int flags, struct kr_err *err);
/* Fill the tables for [start, end) of the arena ahead of its use. */
void kr_paging_fill(struct kr_machine *machine, uint64_t start, uint64_t end);
/* Take [start, end) of the arena out of the tables. */
void kr_paging_drop(struct kr_machine *machine, uint64_t start, uint64_t end);
/* The guest faulted at `address`.  0: the page is there now.  Else the signal's si_code: SEGV_MAPERR,
 * SEGV_ACCERR, or -ENOMEM when the host has no memory for the tables. */
int kr_paging_fault(struct kr_machine *machine, uint64_t address, enum kr_access access);

#endif
