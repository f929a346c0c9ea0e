/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "barrier.h"

#include "../base/fd.h"
#include "../base/hidden.h"
#include "../base/msg.h"
#include "../base/start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* The descriptor is O_PATH, so that holding it is not yet opening: procfs opens it a second time. */
static int open_pipe(int proc, int fifo, struct kr_err *err)
{
	char path[32];
	int pipe;

	(void)snprintf(path, sizeof path, "self/fd/%d", fifo);
	do {
		pipe = openat(proc, path, O_WRONLY | O_CLOEXEC);
	} while (pipe < 0 && errno == EINTR);
	return pipe >= 0 ? pipe : kr_fail(err, errno, "open the barrier's pipe");
}

static int mark_started(int started, struct kr_err *err)
{
	ssize_t done;

	do {
		done = write(started, "1", 1);
	} while (done < 0 && errno == EINTR);
	return done == 1 ? 0 : kr_fail(err, errno, "note that the container is started");
}

/* A `start` that is gone changes nothing: the container runs, or ends, all the same. */
static void say(int pipe, const char *record)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;

	(void)sigaction(SIGPIPE, &ignore, &before);
	if (write(pipe, record, strlen(record)) < 0) {
		/* EPIPE: nobody reads, which is no failure of the container's. */
	}
	(void)sigaction(SIGPIPE, &before, NULL);
}

bool kr_barrier_hide(void)
{
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

void kr_barrier_show(struct kr_boot *boot)
{
	if (boot->is_hidden) {
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		boot->is_hidden = false;
	}
}

int kr_barrier_take(struct kr_boot *boot, struct kr_err *err)
{
	kr_own_fd int socket = boot->fifo;
	int pair[2];

	boot->fifo = -1;
	if (kr_take_hidden_pair(socket, pair, err) < 0) {
		return -1;
	}
	boot->fifo = pair[0];
	boot->started = pair[1];
	return 0;
}

int kr_barrier_open(struct kr_boot *boot, struct kr_err *err)
{
	int pipe;

	if (kr_msg_commit(boot->sync, err) < 0) {
		return -1;
	}
	kr_close_fd(&boot->sync);
	pipe = open_pipe(boot->proc, boot->fifo, err);
	kr_close_fd(&boot->fifo);
	return pipe;
}

int kr_barrier_mark(struct kr_boot *boot, struct kr_err *err)
{
	int result = mark_started(boot->started, err);

	kr_close_fd(&boot->started);
	return result;
}

void kr_barrier_ready(int pipe)
{
	say(pipe, KR_START_READY);
}

void kr_barrier_fail(struct kr_boot *boot, int pipe, const struct kr_err *err)
{
	char record[KR_START_ROOM];

	(void)kr_start_error(record, KR_MSG_NO_OP, err);
	say(pipe, record);
	boot->is_told = true;
}
