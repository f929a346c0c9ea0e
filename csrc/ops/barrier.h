/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The barrier between `create` and `start`; specs/barrier.md is the contract.
 */
#ifndef KR_BARRIER_H
#define KR_BARRIER_H

#include "../base/err.h"
#include "../stage/stage.h"

/* Commit: one byte into `started`, the record `ready` into the pipe.  Nothing where no barrier was passed. */
int kr_barrier_release(struct kr_stage *stage, struct kr_err *err);
/* The record `error` for the `start` that waits. */
void kr_barrier_error(const struct kr_stage *stage, const struct kr_err *err);

#endif
