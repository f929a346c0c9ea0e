/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * KVM may have a task of its own for each machine (kvm-nx-lpage-recovery), which it makes with the first run of a
 * processor, as one more thread of the process that runs it.  The guest would count it: programs that want to be
 * of one thread before they fork or unshare see two, and so does every limit of tasks.
 *
 * So the first run is a child's that shares the memory and ends at once, and the task, which only looks after what
 * is worth a little memory on some processors, ends with it.
 */
#ifndef KR_VM_WORKER_H
#define KR_VM_WORKER_H

#include "cpu.h"

#include <stdbool.h>
#include <sys/types.h>

/* Where children are born into another namespace of processes, KVM can make no task in this process. */
bool kr_worker_may_be(const struct kr_machine *machine);
/* Whether kr_worker_end can make it, there too: not without CAP_SYS_ADMIN over the process's own namespace. */
bool kr_worker_can_be(const struct kr_machine *machine);
/* Keep room for one task, which is what a machine at least begins with: by a child that has ended and is counted
 * until it is awaited, by this process or by the program that it executes.  The child's number; 0 where the machine
 * has a task that leaves its room; -errno where there is none.  memory_lock, because of the limits. */
pid_t kr_worker_reserve(struct kr_machine *machine);
/* There is no need of it any more.  0 is nothing to release. */
void kr_worker_release(pid_t reserved);
/* Before the first run of the machine's first processor: make it, so that no task of KVM's stays where that can be
 * helped.  `reserved` is the room for one that stays, 0 for none, and is released. */
int kr_worker_end(struct kr_machine *machine, struct kr_cpu *cpu, pid_t reserved, struct kr_err *err);

#endif
