/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The monitor's side of the barrier between `create` and `start`: specs/barrier.md.
 */
#ifndef KR_VM_BARRIER_H
#define KR_VM_BARRIER_H

#include "boot.h"

/* Tell `create` that the container stands, wait for `start`, and say that the payload runs.  Returns the open
 * pipe, which the caller closes right before the guest's first instruction; or -1. */
int kr_barrier_pass(struct kr_boot *boot, struct kr_err *err);

#endif
