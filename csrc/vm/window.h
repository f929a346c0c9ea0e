/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A shorter way out of the guest for system calls, where KVM has it.
 *
 * SYSCALL leads to the trap page, whose fetch stops the processor.  Where KVM makes the SYSCALL itself (kvm_pvm) it
 * has left the guest for that already, and enters it again only to fail.  Asked for an interrupt window, it stops
 * in between: the instruction pointer stands at the trap page, and interrupts, of which there are none, are
 * allowed. But it stops then after everything else too that it would have settled by itself, a page fault above
 * all.  So the window is asked for only where the last system calls followed each other without such events.
 */
#ifndef KR_VM_WINDOW_H
#define KR_VM_WINDOW_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

struct kr_window {
	uint64_t entered; /* time stamp */
	uint64_t fastest; /* ticks of the shortest run up to a system call, 0 for none yet */
	uint32_t calm;    /* system calls in a row that came about as fast */
	uint32_t pause;   /* system calls to let pass before the next try */
	uint32_t backoff; /* what `pause` becomes after a try that failed */
};

/* Before KVM_RUN.  `now` is the time stamp, here and below. */
void kr_window_enter(struct kr_window *window, struct kvm_run *run, uint64_t now);
/* The run ended with a system call. */
void kr_window_hit(struct kr_window *window, const struct kvm_run *run, uint64_t now);
/* The run ended with an open window, but something else had happened. */
void kr_window_miss(struct kr_window *window);

#endif
