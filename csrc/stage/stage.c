/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stage.h"

#include "../base/msg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void kr_stage_init(struct kr_stage *stage)
{
	*stage = (struct kr_stage){
		.op = KR_MSG_NO_OP,
		.time_offsets = -1,
		.oom_score_adj = -1,
		.proc = -1,
		.monitors_proc = -1,
		.settings = -1,
		.root = -1,
		.null = -1,
		.empty = -1,
		.barrier = -1,
	};
	for (size_t i = 0; i < KR_FD_COUNT; i++) {
		stage->fd[i] = -1;
	}
	for (size_t i = 0; i < KR_NAMESPACE_KINDS; i++) {
		stage->namespaces[i] = -1;
	}
}

void kr_stage_log(const struct kr_stage *stage, const char *format, ...)
{
	char text[KR_MSG_TEXT];
	struct kr_err unheard;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (stage->fd[KR_FD_SYNC] >= 0) {
		(void)kr_msg_send(stage->fd[KR_FD_SYNC], KR_MSG_LOG, 0, text, &unheard);
	}
}

int kr_stage_wait(const struct kr_stage *stage, const char *what, uint32_t *value, struct kr_err *err)
{
	struct kr_msg msg;

	if (kr_msg_receive(stage->fd[KR_FD_SYNC], &msg, err) != 0) {
		return -1;
	}
	if (msg.type == KR_MSG_ABORT) {
		return kr_fail(err, ECANCELED, "%s: the runtime gave up", what);
	}
	if (msg.type != KR_MSG_CONTINUE) {
		return kr_fail(err, EPROTO, "%s: received message %u, expected CONTINUE", what, msg.type);
	}
	*value = msg.value;
	return 0;
}
