/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The operations in which the stage and the runtime work hand in hand: maps, the birth of init, hooks.
 */
#include "../base/msg.h"
#include "../ops/ops.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int kr_op_MAP_IDS(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint32_t unused;
	int result;

	(void)operands;
	/* The maps of what is not dumpable are root's, and a runtime without privileges may write its own.  The
	 * stage is in no pid namespace of a container, whatever it has joined: nobody there can reach it. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) {
		return kr_fail(err, errno, "become dumpable");
	}
	if (kr_msg_send(stage->fd[KR_FD_SYNC], KR_MSG_MAPS_PLEASE, (uint32_t)getpid(), NULL, err) != 0) {
		return -1;
	}
	result = kr_stage_wait(stage, "map ids", &unused, err);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		return kr_fail(err, errno, "become non-dumpable");
	}
	return result;
}

int kr_op_BECOME_ROOT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	(void)stage;
	(void)operands;
	if (setresgid(0, 0, 0) != 0) {
		return kr_fail(err, errno, "become group 0 of the user namespace");
	}
	if (setresuid(0, 0, 0) != 0) {
		return kr_fail(err, errno, "become user 0 of the user namespace");
	}
	return 0;
}

/* The stage's last act.  A runtime that is gone by now is noticed by init, which waits for it. */
static _Noreturn void leave(const struct kr_stage *stage, pid_t init)
{
	struct kr_err err;

	if (kr_msg_send(stage->fd[KR_FD_SYNC], KR_MSG_INIT, (uint32_t)init, NULL, &err) != 0) {
		_exit(1);
	}
	_exit(0);
}

int kr_op_SPAWN_INIT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint32_t pid;
	long init;

	(void)operands;
	/* CLONE_PARENT: init is the runtime's child, and its caller's when the runtime is gone.  The bare
	 * system call, because glibc's clone() wants a stack; nothing here uses what glibc keeps per thread. */
	init = syscall(SYS_clone, CLONE_PARENT, NULL, NULL, NULL, 0);
	if (init < 0) {
		return kr_fail(err, errno, "make the container's init");
	}
	if (init > 0) {
		leave(stage, (pid_t)init);
	}
	if (kr_stage_wait(stage, "start the container's init", &pid, err) != 0) {
		return -1;
	}
	stage->host_pid = (pid_t)pid;
	return 0;
}

int kr_op_RUN_HOOKS(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *point = kr_read_string(operands);
	char what[64];
	uint32_t unused;

	if (kr_msg_send(stage->fd[KR_FD_SYNC], KR_MSG_HOOKS_PLEASE, 0, point, err) != 0) {
		return -1;
	}
	(void)snprintf(what, sizeof what, "run the hooks of %s", point);
	return kr_stage_wait(stage, what, &unused, err);
}
