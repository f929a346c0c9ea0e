/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Carrying out a program.
 */
#ifndef KR_RUN_H
#define KR_RUN_H

#include "stage.h"

/* Check the program and run every operation of it; `stage->op` is the one that failed, KR_MSG_NO_OP when it
 * was none.  A program that executes something returns only when it failed. */
int kr_run(struct kr_stage *stage, struct kr_err *err);
/* Tell what failed to whoever waits for it: the runtime, or the `start` behind the barrier. */
void kr_report(const struct kr_stage *stage, const struct kr_err *err);

#endif
