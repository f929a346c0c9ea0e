/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The payload's resource limits, which RLIMIT has only noted.
 */
#ifndef KR_OPS_RLIMIT_H
#define KR_OPS_RLIMIT_H

#include "../base/err.h"
#include "../stage/stage.h"

/* Set them all, right before the payload is executed. */
int kr_limits_apply(const struct kr_stage *stage, struct kr_err *err);

#endif
