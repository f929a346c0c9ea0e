/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Limits of the process.
 *
 * A resource limit is wanted for the payload and must not hit what is still to be done for it: opening the
 * barrier's pipe takes a descriptor, the byte in `started` is written to a file.  So RLIMIT only does what may need
 * a privilege, raising the hard limit, and kr_limits_apply does the rest at the last moment.
 */
#include "../base/kernel.h"
#include "rlimit.h"

#include "ops.h"
#include "proc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* getrlimit(2), by their numbers. */
static const char *const limit_names[KR_STAGE_LIMITS] = {
	"RLIMIT_CPU",      "RLIMIT_FSIZE",  "RLIMIT_DATA",    "RLIMIT_STACK",  "RLIMIT_CORE",  "RLIMIT_RSS",
	"RLIMIT_NPROC",    "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS",     "RLIMIT_LOCKS", "RLIMIT_SIGPENDING",
	"RLIMIT_MSGQUEUE", "RLIMIT_NICE",   "RLIMIT_RTPRIO",  "RLIMIT_RTTIME",
};

static int fail_set(uint64_t resource, uint64_t soft, uint64_t hard, int code, struct kr_err *err)
{
	return kr_fail(err, code, "set %s to %" PRIu64 " of %" PRIu64, limit_names[resource], soft, hard);
}

int kr_op_OOM_SCORE_ADJ(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	int64_t value = (int64_t)kr_read_u64(operands);
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRId64, value);
	if (stage->host_pid != 0) {
		return kr_proc_write(stage, "self/oom_score_adj", text, err);
	}
	/* In the stage, whose file is open already; init inherits what it says. */
	if (write(stage->oom_score_adj, text, strlen(text)) < 0) {
		return kr_fail(err, errno, "write \"%s\" to /proc/self/oom_score_adj", text);
	}
	return 0;
}

int kr_op_RLIMIT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t resource = kr_read_u64(operands);
	uint64_t soft = kr_read_u64(operands);
	uint64_t hard = kr_read_u64(operands);
	struct rlimit now;

	if (resource >= KR_STAGE_LIMITS) {
		return kr_fail(err, EINVAL, "there is no resource limit %" PRIu64, resource);
	}
	if (soft > hard) {
		return fail_set(resource, soft, hard, EINVAL, err);
	}
	if (kr_sys_prlimit((int)resource, NULL, &now) != 0) {
		return kr_fail(err, errno, "read %s", limit_names[resource]);
	}
	if (hard > now.rlim_max) {
		now.rlim_max = hard;
		if (kr_sys_prlimit((int)resource, &now, NULL) != 0) {
			return fail_set(resource, soft, hard, errno, err);
		}
	}
	stage->limit[resource] = (struct kr_stage_limit){ .is_set = true, .soft = soft, .hard = hard };
	return 0;
}

int kr_limits_apply(const struct kr_stage *stage, struct kr_err *err)
{
	for (int resource = 0; resource < KR_STAGE_LIMITS; resource++) {
		const struct kr_stage_limit *wanted = &stage->limit[resource];
		const struct rlimit limit = { .rlim_cur = wanted->soft, .rlim_max = wanted->hard };

		if (wanted->is_set && kr_sys_prlimit(resource, &limit, NULL) != 0) {
			return fail_set((uint64_t)resource, wanted->soft, wanted->hard, errno, err);
		}
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
