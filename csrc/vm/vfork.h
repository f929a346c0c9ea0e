/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * vfork, and clone with CLONE_VM: a child that shares its parent's memory, and so its machine, until it execs or
 * ends.
 */
#ifndef KR_VM_VFORK_H
#define KR_VM_VFORK_H

#include "thread.h"

#include <linux/sched.h>
#include <stdbool.h>

/* Whether a clone is such a one, and `thread` is not itself the child of one. */
bool kr_vfork_fits(const struct kr_thread *thread, const struct clone_args *args);
/* Make the child, which begins with `state`, and wait until it has gone its own way.  Every signal is blocked on
 * the host.  The child's number, or -errno. */
int64_t kr_vfork(struct kr_thread *thread, const struct clone_args *args, const struct kr_cpu_state *state);
/* The same without CLONE_VFORK: nobody but a host thread of the monitor's waits. */
int64_t kr_share(struct kr_thread *thread, const struct clone_args *args, const struct kr_cpu_state *state);

#endif
