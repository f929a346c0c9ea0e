/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The virtual machine of one process: KVM's VM, its physical memory and what all its threads share.
 * A fork makes a new one over the copied memory; an exec begins anew.
 */
#ifndef KR_VM_MACHINE_H
#define KR_VM_MACHINE_H

#include "arena.h"
#include "../base/err.h"
#include "cpu.h"
#include "descriptors.h"
#include "lock.h"
#include "resident.h"
#include "rlimit.h"
#include "signals.h"
#include "slots.h"

#include <stdint.h>

#define KR_PROGRAM_PATH 4096

struct kr_machine {
	int kvm;
	int vm;
	int image; /* the monitor's own executable, for exec */
	int proc;  /* O_PATH of a procfs, -1 when krun did not give one */
	struct kr_descriptors descriptors;
	struct kr_slots slots;
	struct kr_cpu_model model;
	struct kr_cpu_pool cpus;
	struct kr_actions actions;
	struct kr_lock memory_lock; /* arena, slots and page tables */
	struct kr_lock thread_lock; /* births and deaths of threads; held over fork */
	struct kr_span
		changing[2]; /* what of the guest's memory is being changed, on the host first; memory_lock */
	struct kr_arena arena;
	struct kr_limits limits; /* memory_lock */
	uint64_t
		withdrawals; /* times that mapped memory was without access on the host for a moment; memory_lock */
	struct kr_aio *aio;  /* contexts of asynchronous input and output; memory_lock */
	struct kr_resident own; /* what the monitor has in memory; memory_lock */
	bool has_looked;        /* `own` is known; memory_lock */
	bool refuses_huge;      /* the guest has asked for small pages somewhere; memory_lock */
	bool shares_files;      /* with another process, or has */
	bool has_worker;        /* a task of KVM's that stays, see worker.h */
	bool reads_execute;     /* READ_IMPLIES_EXEC: what the guest maps to read it may execute as well */
	uint32_t threads;
	uint32_t borrowers;             /* processes that share the memory, see vfork.h */
	struct kr_thread *first_thread; /* of the list of them; thread_lock */
	struct kr_thread *leavers;      /* whose host threads are about to end; thread_lock */
	int main_status;               /* of the main thread that has ended: the process's when the last one ends */
	uint64_t vdso;                 /* guest address of the vDSO, 0 for none */
	char program[KR_PROGRAM_PATH]; /* what /proc/self/exe shows the guest */
};

/* Build the VM: memory slots of the system, descriptor tables, the trap page.  `kvm` is /dev/kvm; it and
 * what is opened here move out of the payload's descriptors.  `model`: see kr_cpu_model_read. */
int kr_machine_create(struct kr_machine *machine, int kvm, struct kr_bytes model, struct kr_err *err);
/* After a fork, in the child: a new VM with the same physical memory, and `cpu` as its only processor in use.
 * `reserved` is room for a task (worker.h), and is released. */
int kr_machine_renew(struct kr_machine *machine, struct kr_cpu *cpu, pid_t reserved, struct kr_err *err);

/* Of the calling guest thread, which takes thread_lock first when it wants both. */
void kr_machine_lock_memory(struct kr_machine *machine);
void kr_machine_unlock_memory(struct kr_machine *machine);
void kr_machine_lock_threads(struct kr_machine *machine);
void kr_machine_unlock_threads(struct kr_machine *machine);

#endif
