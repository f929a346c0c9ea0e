/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * krun-init PROGRAM_FD: carries out the part of a plan that happens between clone and exec.  It decides
 * nothing, reads no environment and no other argument.  Errors go to the runtime's socket or through the
 * barrier; what cannot be said there, because the header itself is broken, is left to the exit status.  Who
 * starts it by hand is told so.
 */
#include "run.h"

#include "../base/err.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A descriptor's number in decimal; -1 for anything else. */
static int parse_fd(const char *text)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == 0 && fd >= 3 && fd <= INT_MAX ? (int)fd : -1;
}

int main(int argc, char **argv)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct kr_stage stage;
	struct kr_err err;
	int fd;

	kr_stage_init(&stage);
	fd = argc == 2 ? parse_fd(argv[1]) : -1;
	if (fd < 0 || kr_program_map(fd, &stage.program, &err) != 0) {
		(void)fputs("krun-init: is started by krun, with the descriptor of a program\n", stderr);
		return 2;
	}
	(void)close(fd);
	/* The barrier's reader may go away while we write; before each exec the disposition is set back. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	/* What is made in the container depends on the plan, not on who called the runtime. */
	(void)umask(022);
	if (kr_run(&stage, &err) != 0) {
		kr_report(&stage, &err);
		return 1;
	}
	return 0;
}
