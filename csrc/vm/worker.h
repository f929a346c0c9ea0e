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

/* Where children are born into another namespace of processes, KVM can make no task in this process. */
bool kr_worker_may_be(const struct kr_machine *machine);
/* Whether kr_worker_end can make it, there too: not without CAP_SYS_ADMIN over the process's own namespace. */
bool kr_worker_can_be(const struct kr_machine *machine);
/* Before the first run of the machine's first processor: make it, so that no task of KVM's stays where that can be
 * helped. */
int kr_worker_end(const struct kr_machine *machine, struct kr_cpu *cpu, struct kr_err *err);

#endif
