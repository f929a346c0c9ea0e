/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A shorter way out of the guest for system calls, where KVM has it.
 *
 * SYSCALL leads to the trap page, whose fetch stops the processor.  Where KVM makes the SYSCALL itself (kvm_pvm) it
 * has left the guest for that already, and enters it again only to fail.  Asked for an interrupt window, it stops
 * in between: the instruction pointer stands at the trap page, and interrupts, of which there are none, are
 * allowed.  But it stops then after everything else, too, that it would have settled by itself, a page fault above
 * all.  So the window is asked for only behind those system calls that the next one followed, the last few times,
 * without such an event.
 */
#ifndef KR_VM_WINDOW_H
#define KR_VM_WINDOW_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define KR_WINDOW_GUESSES 64u

struct kr_window {
	uint64_t entered; /* time stamp */
	uint64_t fastest; /* ticks of the shortest run up to a system call, 0 for none yet */
	uint32_t runs;    /* since the last system call */
	uint32_t at;      /* the guess for what comes behind it */
	struct kr_window_guess {
		int8_t calm;    /* how often nothing happened; below zero: how often to wait for that */
		uint8_t misses; /* in a row */
	} guesses[KR_WINDOW_GUESSES];
};

/* Before KVM_RUN.  `now` is the time stamp, here and below. */
void kr_window_enter(struct kr_window *window, struct kvm_run *run, uint64_t now);
/* The run ended with the system call `number` made before `ip`. */
void kr_window_hit(struct kr_window *window, const struct kvm_run *run, uint64_t number, uint64_t ip, uint64_t now);
/* The run ended with an open window, but something else had happened. */
void kr_window_miss(struct kr_window *window);

#endif
