/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's physical memory: KVM's memory slots.  A slot costs the kernel a quarter of a percent of what it
 * spans, so slots begin small and grow with what the guest uses; but for each one KVM waits until all of the kernel
 * has noticed, which is long where much runs, so they do not begin too small.  Where a piece of the arena lies
 * physically never changes, so that shadow page tables of KVM can never hold an old address.
 */
#ifndef KR_VM_SLOTS_H
#define KR_VM_SLOTS_H

#include "../base/err.h"
#include "undo.h"

#include <stddef.h>
#include <stdint.h>

struct kr_slot {
	uint64_t gva; /* sorted by this; host address as well */
	uint64_t gpa;
	uint64_t size;
};

struct kr_slots {
	uint8_t *system;        /* host address of physical address 0 */
	uint64_t system_used;   /* bytes given out */
	uint64_t system_backed; /* bytes in slots */
	uint32_t numbers;       /* KVM's slot numbers in use */
	struct kr_slot *arena;
	size_t count;
	size_t capacity;
	struct kr_undo undo; /* a change of `arena` that its maker may not live to end */
	uint64_t next_gpa;
	uint64_t gpa_limit;
	uint64_t vdso_host; /* 0: none */
	uint64_t vdso_size;
};

/* Reserve system memory and register the first slots with `vm`. */
int kr_slots_create(struct kr_slots *slots, int vm, struct kr_err *err);
/* Register every slot again, with another VM. */
int kr_slots_register(struct kr_slots *slots, int vm, struct kr_err *err);
/* A zeroed page of system memory: its physical address, or 0 when there is no more. */
uint64_t kr_slots_system_page(struct kr_slots *slots, int vm);
/* Host address of system memory. */
void *kr_slots_system_at(const struct kr_slots *slots, uint64_t gpa);
/* The slot that holds `address`, made when there is none.  [low, high) is the guest's region around it, which
 * a large new slot does not leave by more than it has to.  NULL when the kernel has no memory for it. */
const struct kr_slot *kr_slots_for(struct kr_slots *slots, int vm, uint64_t address, uint64_t low, uint64_t high);
/* Whoever was changing the slots has died: they are as KVM has them, but for one that nobody knows. */
void kr_slots_mend(struct kr_slots *slots);
/* Give the host's vDSO, size bytes at `host`, its place at KR_VDSO_GPA. */
int kr_slots_set_vdso(struct kr_slots *slots, int vm, uint64_t host, uint64_t size, struct kr_err *err);

#endif
