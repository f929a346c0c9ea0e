/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

#include "../base/msg.h"
#include "../ops/barrier.h"
#include "../ops/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

static kr_op_function *function_of(uint16_t code)
{
	switch (code) {
#define KR_OP_CASE(number, name, signature, operands) \
	case (number): \
		return kr_op_##name;
		KR_OPS(KR_OP_CASE)
#undef KR_OP_CASE
	default:
		return NULL; /* not in a checked program */
	}
}

/* Take over the descriptors of the header.  None of them is meant for the payload. */
static int adopt_descriptors(struct kr_stage *stage, struct kr_err *err)
{
	for (size_t i = 0; i < KR_FD_COUNT; i++) {
		if (stage->program.fd[i] >= 0 && fcntl(stage->program.fd[i], F_SETFD, FD_CLOEXEC) != 0) {
			return kr_fail(err, errno, "descriptor %d of the header", stage->program.fd[i]);
		}
		stage->fd[i] = stage->program.fd[i];
	}
	return 0;
}

static int prepare(struct kr_stage *stage, struct kr_err *err)
{
	/* Without privileges, what is not dumpable is not one's own: opened as long as it is. */
	if (kr_program_has(&stage->program, KR_OP_OOM_SCORE_ADJ)) {
		stage->oom_score_adj = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
		if (stage->oom_score_adj < 0) {
			return kr_fail(err, errno, "open /proc/self/oom_score_adj");
		}
	}
	/* What the runtime handed over must not be reached through /proc/PID by another process of a pid
	 * namespace that is joined (CVE-2016-9962). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		return kr_fail(err, errno, "become non-dumpable");
	}
	if (kr_program_has(&stage->program, KR_OP_TIME_OFFSETS)) {
		stage->time_offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
		if (stage->time_offsets < 0) {
			return kr_fail(err, errno, "open /proc/self/timens_offsets");
		}
	}
	return 0;
}

static int run_ops(struct kr_stage *stage, struct kr_err *err)
{
	struct kr_reader ops = stage->program.ops;
	struct kr_reader operands;
	const struct kr_op_info *info;

	for (stage->op = 0; (info = kr_program_next(&ops, &operands)) != NULL; stage->op++) {
		if (function_of(info->code)(stage, &operands, err) != 0) {
			return -1;
		}
	}
	return 0;
}

int kr_run(struct kr_stage *stage, struct kr_err *err)
{
	stage->op = KR_MSG_NO_OP;
	if (kr_program_check_header(&stage->program, err) != 0 || adopt_descriptors(stage, err) != 0) {
		return -1;
	}
	if (kr_program_check_ops(&stage->program, &stage->op, err) != 0) {
		return -1;
	}
	stage->op = KR_MSG_NO_OP;
	if (prepare(stage, err) != 0) {
		return -1;
	}
	return run_ops(stage, err);
}

void kr_report(const struct kr_stage *stage, const struct kr_err *err)
{
	char line[KR_ERR_LINE];
	struct kr_err unheard;

	if (stage->barrier >= 0) {
		kr_barrier_error(stage, err);
	} else if (stage->fd[KR_FD_SYNC] >= 0) {
		kr_err_write(err, line);
		(void)kr_msg_send(stage->fd[KR_FD_SYNC], KR_MSG_ERROR, stage->op, line, &unheard);
	}
}
