/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Some calls want a process of one thread, and KVM may run a thread of its own in it for as long as there is a
 * VM.  So the VM is given up for such a call, and a new one made over the same memory behind it, as after a fork.
 */
#ifndef KR_VM_ALONE_H
#define KR_VM_ALONE_H

#include "calls.h"

#include <stdbool.h>

/* True when the guest has no other thread in this process, and the VM is its own. */
bool kr_is_only_thread(struct kr_thread *thread);
/* True when no other thread of the guest uses this one's table of descriptors: with a table of its own it would go
 * on with the others' record of what is the monitor's. */
bool kr_may_leave_files(struct kr_thread *thread);

/* Make a call on the host while the process has no VM.  Its result; -EINVAL, with nothing done, when the guest
 * has other threads, its VM is another process's, or its children are born into another namespace of processes,
 * where KVM could make no new VM's thread. */
int64_t kr_call_alone(struct kr_thread *thread, int64_t nr, const uint64_t arg[6]);

#endif
