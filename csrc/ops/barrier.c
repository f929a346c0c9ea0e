/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "barrier.h"

#include "../base/fd.h"
#include "../base/msg.h"
#include "../base/start.h"
#include "ops.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int kr_op_BARRIER(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	(void)operands;
	/* Whatever this needs is looked up before READY, for after it there is nobody to tell. */
	if (kr_proc(stage, err) < 0) {
		return -1;
	}
	if (kr_msg_commit(stage->fd[KR_FD_SYNC], err) != 0) {
		return -1;
	}
	kr_close_fd(&stage->fd[KR_FD_SYNC]);
	stage->barrier = kr_proc_reopen(stage, stage->fd[KR_FD_FIFO], O_WRONLY, err);
	kr_close_fd(&stage->fd[KR_FD_FIFO]);
	return stage->barrier >= 0 ? 0 : -1;
}

int kr_barrier_release(struct kr_stage *stage, struct kr_err *err)
{
	if (stage->barrier < 0) {
		return 0;
	}
	if (write(stage->fd[KR_FD_STARTED], "1", 1) != 1) {
		return kr_fail(err, errno, "record that the container was started");
	}
	kr_close_fd(&stage->fd[KR_FD_STARTED]);
	/* A reader that is gone changes nothing: the byte above has decided. */
	if (write(stage->barrier, KR_START_READY, strlen(KR_START_READY)) < 0 && errno != EPIPE) {
		return kr_fail(err, errno, "tell that the container was started");
	}
	return 0;
}

void kr_barrier_error(const struct kr_stage *stage, const struct kr_err *err)
{
	char record[KR_START_ROOM];
	size_t size = kr_start_error(record, stage->op, err);

	if (write(stage->barrier, record, size) < 0) {
		return; /* `start` is gone, and so is the only one who would have listened */
	}
}
