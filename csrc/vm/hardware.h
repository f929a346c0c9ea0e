/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the monitor needs of KVM and of its processors, and what they do in one way or another.  Decisions only:
 * nothing here asks KVM.  specs/monitor.md, "Hardware", says why each is as it is.
 */
#ifndef KR_VM_HARDWARE_H
#define KR_VM_HARDWARE_H

#include "../base/err.h"
#include "stop.h"

#include <linux/kvm.h>
#include <stdint.h>

#define KR_KVM_VERSION 12

/* As KVM and its CPUID tell it. */
struct kr_hardware_facts {
	int version;        /* KVM_GET_API_VERSION */
	int sync_regs;      /* KVM_CAP_SYNC_REGS: sets of registers */
	int immediate_exit; /* KVM_CAP_IMMEDIATE_EXIT */
	int slots;          /* KVM_CAP_NR_MEMSLOTS */
	uint32_t basic_ecx; /* leaf 1 */
	uint32_t basic_edx;
	uint32_t structured_ebx; /* leaf 7 */
	uint32_t extended_edx;   /* leaf 0x80000001 */
	uint32_t address_bits;   /* of physical addresses, 0 when it does not say */
	uint64_t states;         /* leaf 0xd: XCR0 may have these bits */
};

/* How a processor is set up. */
struct kr_hardware {
	uint64_t cr0;
	uint64_t cr4;
	uint64_t efer;
	uint64_t xcr0;      /* 0: no XSAVE */
	uint64_t gpa_limit; /* first physical address that the processor does not have */
};

/* 0, or -1 with a sentence that names what is missing. */
int kr_hardware_judge(const struct kr_hardware_facts *facts, struct kr_hardware *hardware, struct kr_err *err);

/* Why KVM_RUN ended, with `code` 0 or its errno; the registers are those in `run`.  Of an exception with a frame it
 * fills the vector: the rest stands in the frame. */
void kr_hardware_read_stop(const struct kvm_run *run, int code, struct kr_stop *stop);

/* A sentence for a stop that is none of the expected ones. */
void kr_hardware_describe(const struct kvm_run *run, const struct kr_stop *stop, struct kr_err *err);

#endif
