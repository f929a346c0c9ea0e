/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Limits of the process.
 */
#include "ops.h"
#include "proc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

int kr_op_OOM_SCORE_ADJ(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	int64_t value = (int64_t)kr_read_u64(operands);
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRId64, value);
	return kr_proc_write(stage, "self/oom_score_adj", text, err);
}

int kr_op_RLIMIT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	int resource = (int)kr_read_u64(operands);
	struct rlimit limit;

	(void)stage;
	limit.rlim_cur = kr_read_u64(operands);
	limit.rlim_max = kr_read_u64(operands);
	if (prlimit(0, (__rlimit_resource_t)resource, &limit, NULL) != 0) {
		return kr_fail(err, errno, "set resource limit %d to %" PRIu64 " of %" PRIu64, resource,
			       (uint64_t)limit.rlim_cur, (uint64_t)limit.rlim_max);
	}
	return 0;
}

int kr_op_UMASK(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	(void)stage;
	(void)err;
	(void)umask((mode_t)kr_read_u64(operands));
	return 0;
}
