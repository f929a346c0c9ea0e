/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A thread against the execve of another.  The monitor hands what is to be executed to its next image in a file,
 * which the kernel opens at the lowest free number before the monitor can move it; the thread puts a file of its
 * own there, which a process that does not execute anything could change when it has been written.  The next image
 * may never be told anything by such a file.  The status is 1 when it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOWEST   3
#define OWN      20
#define ATTEMPTS 300
#define BYTES    65536
#define EXECUTED 5
#define REFUSED  6

static void *replace(void *arg)
{
	for (;;) {
		(void)dup2(OWN, LOWEST);
		(void)close(LOWEST);
	}
	return arg;
}

static void execute(char *program)
{
	char *const args[] = { program, "executed", NULL };
	pthread_t thread;

	(void)pthread_create(&thread, NULL, replace, NULL);
	(void)execv(program, args);
	_exit(REFUSED);
}

int main(int argc, char **argv)
{
	unsigned told = 0;
	unsigned executed = 0;

	if (argc > 1) {
		return EXECUTED;
	}
	for (int i = 0; i < ATTEMPTS; i++) {
		int file = memfd_create("own", MFD_ALLOW_SEALING);
		int status = 0;
		char *shared;
		pid_t child;

		if (file < 0 || dup2(file, OWN) != OWN || close(file) != 0) {
			return 2;
		}
		shared = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, OWN, 0);
		child = fork();
		if (child == 0) {
			execute(argv[0]);
		}
		if (shared == MAP_FAILED || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
			return 3;
		}
		executed += WEXITSTATUS(status) == EXECUTED;
		told += WEXITSTATUS(status) == EXECUTED && lseek(OWN, 0, SEEK_END) > 0;
		(void)munmap(shared, BYTES);
	}
	printf("%s, %u told\n", executed > 0 ? "some executed" : "none executed", told);
	return told != 0;
}
