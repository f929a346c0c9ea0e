/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "slots.h"

#include "grow.h"
#include "kvm.h"
#include "layout.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define SYSTEM_FIRST_BYTES 0x40000ull    /* 64 pages: enough for a small program */
#define ARENA_SLOT_MIN     0x800000ull   /* a smaller one would cost as much time */
#define ARENA_SLOT_MAX     0x40000000ull /* no single slot costs more than a few milliseconds */
#define NUMBER_VDSO        0u
#define NUMBER_FIRST       1u

static int set_slot(int vm, uint32_t number, uint64_t gpa, uint64_t size, uint64_t host)
{
	struct kvm_userspace_memory_region region = {
		.slot = number, .guest_phys_addr = gpa, .memory_size = size, .userspace_addr = host
	};

	return kr_kvm(vm, KVM_SET_USER_MEMORY_REGION, &region) == 0 ? 0 : -errno;
}

static int back_system(struct kr_slots *slots, int vm, uint64_t bytes)
{
	uint64_t size = bytes - slots->system_backed;
	uint8_t *host = slots->system + slots->system_backed;
	int result;

	if (mprotect(host, size, PROT_READ | PROT_WRITE) != 0) {
		return -errno;
	}
	/* EEXIST: whoever made it died before it was noted. */
	result = set_slot(vm, slots->numbers++, slots->system_backed, size, (uint64_t)(uintptr_t)host);
	if (result < 0 && result != -EEXIST) {
		slots->numbers--;
		return result;
	}
	slots->system_backed = bytes;
	return 0;
}

int kr_slots_create(struct kr_slots *slots, int vm, struct kr_err *err)
{
	void *system = mmap(NULL, KR_SYSTEM_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int result;

	if (system == MAP_FAILED) {
		return kr_fail(err, errno, "the machine's system memory cannot be reserved: %s",
			       kr_errno_name(errno));
	}
	slots->system = system;
	slots->numbers = NUMBER_FIRST;
	slots->next_gpa = KR_ARENA_GPA;
	slots->gpa_limit = KR_ARENA_GPA;
	result = back_system(slots, vm, SYSTEM_FIRST_BYTES);
	slots->system_used = KR_TRAP_GPA + KR_PAGE;
	if (result == 0 && mprotect(slots->system + KR_TRAP_GPA, KR_PAGE, PROT_NONE) != 0) {
		result = -errno;
	}
	return result == 0 ? 0
			   : kr_fail(err, -result, "the machine cannot be given its system memory: %s",
				     kr_errno_name(-result));
}

int kr_slots_register(struct kr_slots *slots, int vm, struct kr_err *err)
{
	int result = 0;

	slots->numbers = NUMBER_FIRST;
	if (slots->vdso_host != 0) {
		result = set_slot(vm, NUMBER_VDSO, KR_VDSO_GPA, slots->vdso_size, slots->vdso_host);
	}
	if (result == 0) {
		result =
			set_slot(vm, slots->numbers++, 0, slots->system_backed, (uint64_t)(uintptr_t)slots->system);
	}
	for (size_t i = 0; i < slots->count && result == 0; i++) {
		const struct kr_slot *slot = &slots->arena[i];

		result = set_slot(vm, slots->numbers++, slot->gpa, slot->size, slot->gva);
	}
	return result == 0 ? 0
			   : kr_fail(err, -result, "the machine cannot be given its memory: %s",
				     kr_errno_name(-result));
}

uint64_t kr_slots_system_page(struct kr_slots *slots, int vm)
{
	uint64_t gpa = slots->system_used;

	if (gpa == slots->system_backed && (gpa * 2 > KR_SYSTEM_BYTES || back_system(slots, vm, gpa * 2) < 0)) {
		return 0;
	}
	slots->system_used += KR_PAGE;
	return gpa;
}

void *kr_slots_system_at(const struct kr_slots *slots, uint64_t gpa)
{
	return slots->system + gpa;
}

/* Index of the first slot that ends above `address`. */
static size_t first_above(const struct kr_slots *slots, uint64_t address)
{
	size_t low = 0;
	size_t high = slots->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (slots->arena[middle].gva + slots->arena[middle].size > address) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A quarter of what there is, so that the number of slots grows with the logarithm of the memory. */
static uint64_t good_size(const struct kr_slots *slots)
{
	uint64_t size = ARENA_SLOT_MIN;

	while (size < ARENA_SLOT_MAX && size * 4 < slots->next_gpa - KR_ARENA_GPA) {
		size *= 2;
	}
	return size;
}

/* As much as that around `address`, where no other slot is in the way; above the least size, only what the guest's
 * region there reaches, or as a run of slots goes on: the stacks of threads are a region each, one below the other.
 */
static struct kr_slot place_slot(const struct kr_slots *slots, size_t at, uint64_t address, uint64_t low,
				 uint64_t high)
{
	uint64_t size = good_size(slots);
	uint64_t floor = at > 0 ? slots->arena[at - 1].gva + slots->arena[at - 1].size : 0;
	uint64_t ceiling = at < slots->count ? slots->arena[at].gva : KR_FAR_HIGH_END;
	uint64_t least = kr_align_down(address, ARENA_SLOT_MIN);
	uint64_t start = larger(kr_align_down(address, size), kr_align_down(low, KR_BLOCK));
	uint64_t end = smaller(kr_align_down(address, size) + size, kr_align_up(high, KR_BLOCK));

	if (ceiling == least + ARENA_SLOT_MIN && ceiling > size) {
		start = smaller(start, ceiling - size);
	}
	if (floor == least) {
		end = larger(end, floor + size);
	}
	start = larger(smaller(start, least), floor);
	end = smaller(larger(end, least + ARENA_SLOT_MIN), ceiling);
	return (struct kr_slot){ .gva = start, .gpa = slots->next_gpa, .size = end - start };
}

const struct kr_slot *kr_slots_for(struct kr_slots *slots, int vm, uint64_t address, uint64_t low, uint64_t high)
{
	size_t at = first_above(slots, address);
	struct kr_slot slot;

	if (at < slots->count && slots->arena[at].gva <= address) {
		return &slots->arena[at];
	}
	slot = place_slot(slots, at, address, low, high);
	if (slot.gpa + slot.size > slots->gpa_limit) {
		return NULL;
	}
	if (kr_grow(KR_ITEMS(slots->arena), &slots->capacity, slots->count + 1, sizeof *slots->arena) < 0 ||
	    kr_undo_reserve(&slots->undo, slots->capacity * sizeof *slots->arena) < 0) {
		return NULL;
	}
	/* Counted first: what a dead maker has made is never made again, and only lost. */
	slots->next_gpa += slot.size;
	if (set_slot(vm, slots->numbers++, slot.gpa, slot.size, slot.gva) < 0) {
		slots->numbers--;
		slots->next_gpa -= slot.size;
		return NULL;
	}
	kr_undo_open(&slots->undo, &slots->arena[at], (slots->count - at) * sizeof *slots->arena, &slots->count);
	memmove(&slots->arena[at + 1], &slots->arena[at], (slots->count - at) * sizeof *slots->arena);
	slots->arena[at] = slot;
	slots->count++;
	kr_undo_close(&slots->undo);
	return &slots->arena[at];
}

void kr_slots_mend(struct kr_slots *slots)
{
	kr_undo_apply(&slots->undo);
}

int kr_slots_set_vdso(struct kr_slots *slots, int vm, uint64_t host, uint64_t size, struct kr_err *err)
{
	int result = set_slot(vm, NUMBER_VDSO, KR_VDSO_GPA, size, host);

	if (result < 0) {
		return kr_fail(err, -result, "give the machine the vDSO");
	}
	slots->vdso_host = host;
	slots->vdso_size = size;
	return 0;
}
