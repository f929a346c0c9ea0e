/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The calls that ask about a file by its path: what `/proc/PID/exe` leads to is the payload's program.
 */
#include "../base/fd.h"
#include "hypercall.h"
#include "running.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>

kr_handler kr_call_stat;
kr_handler kr_call_newfstatat;
kr_handler kr_call_statx;

/* Nearly every path is known by its end to be none of these. */
static int hold(struct kr_thread *thread, uint64_t directory, uint64_t from)
{
	char path[PATH_MAX];

	return from != 0 && kr_copy_string(path, from, sizeof path) > 0
		       ? kr_running_hold(thread->machine, (int)(uint32_t)directory, path)
		       : -1;
}

/* stat and newfstatat, with the descriptor instead of the path. */
static int64_t ask(struct kr_thread *thread, const struct kr_call *call, int program, uint64_t to)
{
	const struct kr_call held = {
		.nr = SYS_fstat,
		.arg = { (uint64_t)program, to },
		.ip = call->ip,
	};

	return kr_forward(thread, &held);
}

int64_t kr_call_stat(struct kr_thread *thread, const struct kr_call *call)
{
	kr_own_fd int program = hold(thread, (uint64_t)AT_FDCWD, call->arg[0]);

	return program >= 0 ? ask(thread, call, program, call->arg[1]) : kr_forward(thread, call);
}

int64_t kr_call_newfstatat(struct kr_thread *thread, const struct kr_call *call)
{
	kr_own_fd int program =
		(call->arg[3] & AT_SYMLINK_NOFOLLOW) == 0 ? hold(thread, call->arg[0], call->arg[1]) : -1;

	return program >= 0 ? ask(thread, call, program, call->arg[2]) : kr_forward(thread, call);
}

int64_t kr_call_statx(struct kr_thread *thread, const struct kr_call *call)
{
	kr_own_fd int program =
		(call->arg[2] & AT_SYMLINK_NOFOLLOW) == 0 ? hold(thread, call->arg[0], call->arg[1]) : -1;
	const uint64_t arg[6] = { (uint64_t)program,
				  (uint64_t)(uintptr_t) "",
				  call->arg[2] | AT_EMPTY_PATH,
				  call->arg[3],
				  call->arg[4],
				  0 };

	return program >= 0 ? kr_host_call(thread, SYS_statx, arg) : kr_forward(thread, call);
}
