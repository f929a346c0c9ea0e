/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A virtual processor that runs the payload in user mode (CPL 3), and what made it stop.
 *
 * Two ways lead out of the guest on purpose.  SYSCALL jumps to the trap page, which no host memory backs: the
 * fetch makes KVM_RUN fail with EFAULT and the instruction pointer there.  That needs no guest code, touches
 * no stack, and works whether SYSCALL enters CPL 0 (VMX, SVM) or stays in CPL 3 (kvm_pvm); window.h has what
 * makes it shorter.  OUT to a port of KR_PORT_CALL, allowed by the task's I/O bitmap, is an I/O exit.
 * Exceptions enter CPL 0, where a stub of one OUT per vector reports them; the frame lies in the processor's
 * page.  Nothing else ever runs in CPL 0.
 */
#ifndef KR_VM_CPU_H
#define KR_VM_CPU_H

#include "../base/err.h"
#include "cpu_model.h"
#include "stop.h"
#include "window.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kr_machine;

struct kr_cpu {
	struct kr_cpu *next; /* in the pool's list of all */
	bool is_free;
	int fd; /* -1: not one of this machine's yet */
	uint32_t id;
	struct kvm_run *run;
	struct kr_window window;
	uint64_t *page; /* descriptor table, task state and exception stack */
};

/* KVM does not give up a processor before its machine, so those of ended threads are kept. */
struct kr_cpu_pool {
	struct kr_cpu *all;
	struct kr_cpu *slab; /* where the next ones are made */
	size_t slab_left;
	uint32_t made;
};

/* The complete user-visible state, to take it over into another machine or thread. */
struct kr_cpu_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xsave xsave;
};

/* Write the descriptor tables and fault stubs that all processors share. */
int kr_cpu_shared_tables(struct kr_machine *machine, struct kr_err *err);
/* A processor in user mode with empty registers, from the pool or a new one. */
struct kr_cpu *kr_cpu_take(struct kr_machine *machine, struct kr_err *err);
/* Its thread has ended. */
void kr_cpu_release(struct kr_cpu *cpu);
/* The machine is a new one, of a forked process: nothing of the old one's processors is left but the place of
 * each in the guest's memory; all but `kept` are free. */
void kr_cpu_forget_all(struct kr_machine *machine, struct kr_cpu *kept);
/* Make a forgotten processor one of this machine's again. */
int kr_cpu_open(struct kr_machine *machine, struct kr_cpu *cpu, struct kr_err *err);
/* Run a processor that is not to do anything: what KVM makes with the first run is made, or the error is known. */
int kr_cpu_begin(struct kr_cpu *cpu, struct kr_err *err);
/* Run until something happens.  The state is then in cpu->run->s.regs. */
void kr_cpu_run(struct kr_cpu *cpu, struct kr_stop *stop);

static inline struct kvm_regs *kr_cpu_regs(struct kr_cpu *cpu)
{
	return &cpu->run->s.regs.regs;
}

/* The segment registers were changed. */
void kr_cpu_segments_changed(struct kr_cpu *cpu);
/* Bring the processor back to user mode, as it was before the stop. */
void kr_cpu_to_user(struct kr_cpu *cpu);
/* Forget an exception that KVM had not delivered yet: the instruction will raise it again. */
int kr_cpu_cancel_exception(struct kr_cpu *cpu);
/* Extended state.  0 or -errno. */
int kr_cpu_get_xsave(const struct kr_cpu *cpu, struct kvm_xsave *xsave);
int kr_cpu_set_xsave(const struct kr_cpu *cpu, const struct kvm_xsave *xsave);
int kr_cpu_save(struct kr_cpu *cpu, struct kr_cpu_state *state);
int kr_cpu_load(struct kr_cpu *cpu, const struct kr_cpu_state *state);

#endif
