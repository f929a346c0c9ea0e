/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who lies where in the guest's virtual and physical addresses.
 *
 *   virtual    KR_ARENA_START … KR_ARENA_END   the arena: the payload's memory, at the same host addresses
 *              KR_FAR_LOW, KR_FAR_HIGH         parts of the arena that are used only where a program asks for
 *                                              them: what sanitizers compile into it
 *              KR_SYSTEM_BASE …                what the processor needs: trap page, fault stubs, descriptor
 *                                              tables, and the host's vDSO.  Not the arena, so no pointer of
 *                                              the guest into it is ever good
 *              KR_NOTIFY_IP                    1 GiB further, of the monitor alone: kr/notify.h
 *   physical   0 … KR_SYSTEM_BYTES             system memory: page tables and the pages behind KR_SYSTEM_BASE;
 *                                              first the root of the page tables, then the trap page, behind
 *                                              which the host has no memory
 *              KR_VDSO_GPA                     the host's vDSO and its data
 *              KR_ARENA_GPA …                  pieces of the arena in the order in which they came into use
 *
 * Physical addresses are packed because processors have as few as 39 bits of them.  The arena ends below the
 * lowest address that Linux gives a position-independent program or its mappings, unlimited stacks included
 * (a third of the address space); its far parts lie between those and what Linux gives otherwise, however wide
 * the random part of that is.
 */
#ifndef KR_VM_LAYOUT_H
#define KR_VM_LAYOUT_H

#include <stdint.h>

#define KR_PAGE  0x1000ull
#define KR_BLOCK 0x200000ull /* what one entry of a page directory spans */

#define KR_ARENA_START 0x10000ull
#define KR_ARENA_END   0x200000000000ull

#define KR_FAR_LOW       0x500000000000ull
#define KR_FAR_LOW_END   0x540000000000ull
#define KR_FAR_HIGH      0x600000000000ull
#define KR_FAR_HIGH_END  0x680000000000ull
#define KR_FAR_FROM_OWN  0x10000000000ull  /* at least so far from a far part is the monitor's memory */
#define KR_ADDRESSES_END 0x7ffffffff000ull /* of any program */

#define KR_SYSTEM_BASE KR_ARENA_END
#define KR_TRAP_GVA    (KR_SYSTEM_BASE + 0x0000)
#define KR_STUB_GVA    (KR_SYSTEM_BASE + 0x1000)
#define KR_IDT_GVA     (KR_SYSTEM_BASE + 0x2000)
#define KR_VDSO_GVA    (KR_SYSTEM_BASE + 0x10000)
#define KR_VDSO_BYTES  0xf0000ull
#define KR_CPU_GVA(id) (KR_SYSTEM_BASE + 0x100000 + (uint64_t)(id)*4 * KR_PAGE)

#define KR_SYSTEM_BYTES 0x40000000ull
#define KR_ROOT_GPA     0ull
#define KR_TRAP_GPA     KR_PAGE
#define KR_VDSO_GPA     (KR_SYSTEM_BYTES + KR_BLOCK)
#define KR_ARENA_GPA    0x100000000ull

static inline uint64_t kr_align_down(uint64_t value, uint64_t unit)
{
	return value & ~(unit - 1);
}

static inline uint64_t kr_align_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) & ~(unit - 1);
}

#endif
