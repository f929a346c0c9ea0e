/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "family.h"

#include "../base/fd.h"
#include "proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIST_BYTES 4096

/* The first children, as many as fit: numbers, each with a blank behind it.  Returns the length of the text. */
static size_t read_children(struct kr_stage *stage, char *list)
{
	struct kr_err unheard;
	kr_own_fd int fd = kr_proc_open(stage, "thread-self/children", O_RDONLY, &unheard);
	ssize_t got = fd >= 0 ? read(fd, list, LIST_BYTES - 1) : 0;

	list[got > 0 ? got : 0] = 0;
	return got > 0 ? (size_t)got : 0;
}

void kr_kill_children(struct kr_stage *stage)
{
	char list[LIST_BYTES];

	while (read_children(stage, list) > 0) {
		char *next = list;

		/* What the end of the list has cut off has no blank, and comes in the next round. */
		for (char *end = strchr(next, ' '); end != NULL; next = end + 1, end = strchr(next, ' ')) {
			pid_t pid = (pid_t)strtol(next, NULL, 10);

			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
		}
	}
}
