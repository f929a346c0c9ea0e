/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <kr/ops.h>

#include <stddef.h>

const struct kr_op_info kr_op_table[] = {
#define KR_OP_INFO(code, name, signature, operands) { (code), #name, (signature), (operands) },
	KR_OPS(KR_OP_INFO)
#undef KR_OP_INFO
		{ 0, NULL, NULL, NULL },
};
