/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The functions behind the operations of kr/ops.h, one for each: kr_op_MOUNT and so on.  Each reads its
 * operands in the order of its signature; they have been checked.  What fails is said in words that name
 * the operation and its path, because that is what a person will see.
 */
#ifndef KR_OPS_FUNCTIONS_H
#define KR_OPS_FUNCTIONS_H

#include <kr/ops.h>

#include "../base/err.h"
#include "../base/reader.h"
#include "../stage/stage.h"

typedef int kr_op_function(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err);

#define KR_OP_DECLARE(code, name, signature, operands) kr_op_function kr_op_##name;
KR_OPS(KR_OP_DECLARE)
#undef KR_OP_DECLARE

#endif
