/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The records that `start` reads from the barrier's pipe; specs/barrier.md is the contract.
 */
#ifndef KR_START_H
#define KR_START_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define KR_START_READY "ready\n"
#define KR_START_ROOM  (KR_ERR_LINE + 32)

/* Write the record `error OP ERRNO TEXT`; `op` is KR_MSG_NO_OP where it was no operation.  Returns its length. */
size_t kr_start_error(char record[KR_START_ROOM], uint32_t op, const struct kr_err *err);

#endif
