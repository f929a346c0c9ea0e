/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * HOOK: one hook of createContainer or startContainer, run here in the container's namespaces.  It gets
 * exactly the arguments and the environment that the configuration gives, the container's state on its
 * standard input, and a process group of its own.  When its time is up it is killed with all that it has started.
 * A program that is the image's runs under the monitor, as the payload does.
 */
#include "../base/fd.h"
#include "../base/kernel.h"
#include "family.h"
#include "monitor.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAID_BYTES 200

struct hook {
	const char *point;
	uint64_t index;
	const char *path;
	char **args;
	char **env;
	uint64_t timeout_ms; /* 0: none */
	int input;           /* the state */
	int output;          /* what the hook writes to its standard output and error */
	bool has_monitor;
	struct kr_monitored monitored;
};

/* Memory files, not pipes: a hook that reads or writes nothing, or much, blocks nobody. */
static int open_streams(struct hook *hook, const struct kr_stage *stage, const char *head, const char *tail,
			struct kr_err *err)
{
	hook->input = memfd_create("state", MFD_CLOEXEC);
	hook->output = memfd_create("output", MFD_CLOEXEC);
	if (hook->input < 0 || hook->output < 0 ||
	    dprintf(hook->input, "%s%d%s", head, stage->host_pid, tail) < 0 ||
	    lseek(hook->input, 0, SEEK_SET) != 0) {
		return kr_fail(err, errno, "hook %s[%llu] %s: write the state", hook->point,
			       (unsigned long long)hook->index, hook->path);
	}
	return 0;
}

static void execute_monitored(struct kr_stage *stage, const struct hook *hook)
{
	struct kr_err err;
	int record = kr_monitor_record(stage, &hook->monitored, &err);

	if (record < 0 || kr_monitor_execute(stage, record, &err) != 0) {
		errno = err.code;
	}
}

static _Noreturn void become_hook(struct kr_stage *stage, const struct hook *hook)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };

	(void)sigaction(SIGPIPE, &standard, NULL);
	if (setpgid(0, 0) == 0 && dup2(hook->input, 0) >= 0 && dup2(hook->output, 1) >= 0 &&
	    dup2(hook->output, 2) >= 0 && kr_sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0) {
		if (hook->has_monitor) {
			execute_monitored(stage, hook);
		} else {
			(void)execve(hook->path, hook->args, hook->env);
		}
	}
	/* Said where the hook's own words would stand: they become part of the error. */
	(void)dprintf(hook->output, "cannot execute: %s", kr_errno_name(errno));
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait until the hook has ended, its time is up, or the runtime or the init that it is for is gone.
 * init: pidfd of that.  Returns 0, ETIMEDOUT, ECONNRESET or poll's errno. */
static int wait_for_end(const struct kr_stage *stage, const struct hook *hook, int pidfd, int init)
{
	struct pollfd waited[3] = { { .fd = pidfd, .events = POLLIN },
				    { .fd = stage->fd[KR_FD_SYNC], .events = 0 },
				    { .fd = init, .events = POLLIN } };
	int64_t end = now_ms() + (int64_t)hook->timeout_ms;

	for (;;) {
		int64_t left = hook->timeout_ms != 0 ? end - now_ms() : -1;
		int ready;

		if (hook->timeout_ms != 0 && left < 0) {
			left = 0;
		}
		ready = poll(waited, 3, left > INT_MAX ? INT_MAX : (int)left);
		if (ready < 0 && errno != EINTR) {
			return errno;
		}
		if (ready > 0 && waited[0].revents != 0) {
			return 0;
		}
		if (ready > 0 && (waited[1].revents | waited[2].revents) != 0) {
			return ECONNRESET;
		}
		if (ready == 0 && hook->timeout_ms != 0 && now_ms() >= end) {
			return ETIMEDOUT;
		}
	}
}

/* The last of what the hook has said, on one line. */
static void read_said(const struct hook *hook, char *said)
{
	off_t size = lseek(hook->output, 0, SEEK_END);
	ssize_t got = 0;

	if (size > 0) {
		off_t from = size > SAID_BYTES - 1 ? size - (SAID_BYTES - 1) : 0;

		got = pread(hook->output, said, SAID_BYTES - 1, from);
	}
	while (got > 0 && (said[got - 1] == '\n' || said[got - 1] == ' ')) {
		got--;
	}
	said[got > 0 ? got : 0] = 0;
	for (char *c = said; *c != 0; c++) {
		*c = *c == '\n' ? ' ' : *c;
	}
}

static int check_status(const struct hook *hook, const siginfo_t *info, struct kr_err *err)
{
	char said[SAID_BYTES];
	bool exited = info->si_code == CLD_EXITED;

	if (exited && info->si_status == 0) {
		return 0;
	}
	read_said(hook, said);
	return kr_fail(err, 0, "hook %s[%llu] %s: %s %d%s%s", hook->point, (unsigned long long)hook->index,
		       hook->path, exited ? "exit status" : "killed by signal", info->si_status,
		       *said != 0 ? ": " : "", said);
}

/* What the keeper of a hook leaves in memory that it shares with init. */
struct kept {
	bool has_begun;
	int why; /* errno for a hook that was not waited for to its end */
	siginfo_t info;
};

/* In a process of its own, between init and the hook: what the hook leaves behind becomes a child of this one,
 * and so can be found when the time is up.  When it is not, it is handed on by the end of this process. */
static void keep_hook(struct kr_stage *stage, const struct hook *hook, int init, struct kept *kept)
{
	kr_own_fd int pidfd = -1;
	pid_t pid;

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid = fork();
	if (pid == 0) {
		become_hook(stage, hook);
	}
	/* Here too, so that the group exists whoever runs first; EACCES once the hook has been executed. */
	if (pid > 0) {
		(void)setpgid(pid, pid);
		pidfd = kr_sys_pidfd_open(pid, 0);
	}
	if (pidfd < 0) {
		kept->why = errno;
		kr_kill_children(stage);
		return;
	}
	kept->has_begun = true;
	kept->why = wait_for_end(stage, hook, pidfd, init);
	if (kept->why != 0) {
		(void)kill(-pid, SIGKILL);
		kr_kill_children(stage);
	} else if (waitid(P_PIDFD, (id_t)pidfd, &kept->info, WEXITED) != 0) {
		kept->why = errno;
	}
}

static int report(const struct hook *hook, const struct kept *kept, struct kr_err *err)
{
	if (kept->why != 0 && !kept->has_begun) {
		return kr_fail(err, kept->why, "hook %s[%llu] %s: start it", hook->point,
			       (unsigned long long)hook->index, hook->path);
	}
	if (kept->why != 0) {
		return kr_fail(err, kept->why, "hook %s[%llu] %s: killed after %llu ms", hook->point,
			       (unsigned long long)hook->index, hook->path, (unsigned long long)hook->timeout_ms);
	}
	return check_status(hook, &kept->info, err);
}

static int run_hook(struct kr_stage *stage, const struct hook *hook, struct kr_err *err)
{
	kr_own_fd int init = kr_sys_pidfd_open(getpid(), 0);
	struct kept *kept = mmap(NULL, sizeof *kept, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t keeper = -1;
	int result;

	if (init < 0 || kept == MAP_FAILED) {
		return kr_fail(err, errno, "hook %s[%llu] %s: prepare it", hook->point,
			       (unsigned long long)hook->index, hook->path);
	}
	kept->why = ECHILD;
	keeper = fork();
	if (keeper == 0) {
		keep_hook(stage, hook, init, kept);
		_exit(0);
	}
	if (keeper < 0 || waitpid(keeper, NULL, 0) != keeper) {
		kept->why = errno;
	}
	result = report(hook, kept, err);
	(void)munmap(kept, sizeof *kept);
	return result;
}

int kr_op_HOOK(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	struct hook hook = { .input = -1, .output = -1 };
	size_t used = 0;
	const char *head;
	const char *tail;
	int result;

	hook.point = kr_read_string(operands);
	hook.index = kr_read_u64(operands);
	hook.path = kr_read_string(operands);
	hook.monitored = (struct kr_monitored){ .program = hook.path };
	hook.monitored.args = kr_read_strings(operands);
	hook.monitored.env = kr_read_strings(operands);
	hook.args = kr_program_vector(&stage->program, hook.monitored.args, &used);
	hook.env = kr_program_vector(&stage->program, hook.monitored.env, &used);
	hook.timeout_ms = kr_read_u64(operands);
	head = kr_read_string(operands);
	tail = kr_read_string(operands);
	hook.monitored.filter = kr_read_bytes(operands);
	hook.has_monitor = kr_read_u64(operands) != 0;
	result = open_streams(&hook, stage, head, tail, err);
	if (result == 0) {
		result = run_hook(stage, &hook, err);
	}
	kr_close_fd(&hook.input);
	kr_close_fd(&hook.output);
	return result;
}
