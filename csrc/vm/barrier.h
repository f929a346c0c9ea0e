/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The monitor's side of the barrier between `create` and `start`: specs/barrier.md.
 */
#ifndef KR_VM_BARRIER_H
#define KR_VM_BARRIER_H

#include "boot.h"

#include <stdbool.h>

/* Let no other process reach the descriptors of this one through /proc, as those of the barrier lead to the
 * container's state on the host.  True when they were in reach before. */
bool kr_barrier_hide(void);
/* Undo that, if it has been done. */
void kr_barrier_show(struct kr_boot *boot);
/* Take `fifo` and `started` out of the socket that the record names for them.  Behind kr_barrier_hide.  0 or -1. */
int kr_barrier_take(struct kr_boot *boot, struct kr_err *err);
/* Tell `create` that the container stands and wait for `start`.  Returns the open pipe, which the caller closes
 * right before the guest's first instruction; or -1. */
int kr_barrier_open(struct kr_boot *boot, struct kr_err *err);
/* Note that the container was started.  0 or -1. */
int kr_barrier_mark(struct kr_boot *boot, struct kr_err *err);
/* Say that the payload runs. */
void kr_barrier_ready(int pipe);
/* Say why it does not, instead: then `start` has the error, and nobody else needs to be told. */
void kr_barrier_fail(struct kr_boot *boot, int pipe, const struct kr_err *err);

#endif
