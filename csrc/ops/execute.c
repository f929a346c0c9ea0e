/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The end of krun-init: it becomes the payload.
 */
#include "barrier.h"
#include "rlimit.h"
#include "ops.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* sd_listen_fds(3): the descriptors from 3 on are for the process of this pid, as it sees itself. */
int kr_op_LISTEN_PID(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	(void)operands;
	(void)err;
	(void)snprintf(stage->listen_pid, sizeof stage->listen_pid, "LISTEN_PID=%d", (int)getpid());
	return 0;
}

int kr_op_EXECUTE(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	size_t used = 0;
	char **args = kr_program_vector(&stage->program, kr_read_strings(operands), &used);
	char **env = kr_program_vector(&stage->program, kr_read_strings(operands), &used);
	const char *why;
	int code;

	if (stage->listen_pid[0] != 0) {
		stage->program.pointers[used - 1] = stage->listen_pid;
		stage->program.pointers[used] = NULL;
	}
	if (kr_barrier_release(stage, err) != 0 || kr_limits_apply(stage, err) != 0) {
		return -1;
	}
	(void)sigaction(SIGPIPE, &standard, NULL);
	(void)execve(stage->path, args, env);
	code = errno;
	/* SIGPIPE would end us before `start` has heard why. */
	standard.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &standard, NULL);
	why = strerror(code);
	/* In lower case: "exec /x: exec format error" is what clients of other runtimes know. */
	return kr_fail(err, code, "exec %s: %c%s", stage->path, tolower(why[0]), why + 1);
}
