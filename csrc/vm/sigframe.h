/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The frame of a signal handler on the guest's stack, as Linux lays it out on x86-64.
 */
#ifndef KR_VM_SIGFRAME_H
#define KR_VM_SIGFRAME_H

#include "thread.h"

/* What the processor said about an exception; zero for a signal that came from elsewhere. */
struct kr_trap_info {
	uint64_t vector;
	uint64_t error;
	uint64_t address;
};

/* Put a frame for `number` on the guest's stack, which returns to the present registers and to `saved_mask`,
 * and continue in the handler.  0, or -EFAULT when the stack cannot take it. */
int kr_sigframe_push(struct kr_thread *thread, int number, const siginfo_t *info, const struct kr_action *action,
		     uint64_t saved_mask, const struct kr_trap_info *trap);
/* Undo it from where the stack pointer stands; *mask is the mask to return to.  0, or -EFAULT. */
int kr_sigframe_pop(struct kr_thread *thread, uint64_t *mask);
/* Bytes of the largest frame (AT_MINSIGSTKSZ). */
uint64_t kr_sigframe_size(const struct kr_cpu_model *model);
/* True when the guest's stack pointer stands on its alternate stack. */
bool kr_sigframe_on_altstack(const struct kr_altstack *stack, uint64_t sp);

#endif
