/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the processors of a machine can do: CPUID as the guest sees it, and what follows from it.
 */
#ifndef KR_VM_CPU_MODEL_H
#define KR_VM_CPU_MODEL_H

#include "../base/err.h"
#include "../base/reader.h"
#include "hardware.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define KR_CPUID_MAX 256u /* entries, as in the kernel */
#define KR_XSAVE_MAX 4096u

struct kr_cpu_model {
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[KR_CPUID_MAX];
	} cpuid;
	struct kr_hardware hardware;
	uint32_t xsave_size;   /* of the extended state in a signal frame */
	bool has_fsgsbase;     /* AT_HWCAP2 tells it */
	uint32_t hwcap;        /* AT_HWCAP */
	uint32_t run_size;     /* bytes of struct kvm_run with its appendices */
	uint64_t io_bitmap[2]; /* physical addresses of the pages that all processors share */
};

/* Ask KVM and the processor, or take over what the image before this one has found out: `known`, empty for none.
 * 0 or -1 when this KVM cannot run the monitor's machine. */
int kr_cpu_model_read(struct kr_cpu_model *model, int kvm, struct kr_bytes known, struct kr_err *err);
/* What the next image is to take over. */
struct kr_bytes kr_cpu_model_bytes(const struct kr_cpu_model *model);

#endif
