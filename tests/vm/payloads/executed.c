/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Executes PROGRAM in one of the ways; without a way, says by what names it is known.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	char *words[] = { "zero", NULL };
	char comm[16];
	int fd;

	if (argc < 3) {
		EXPECT(prctl(PR_GET_NAME, comm) == 0);
		printf("%s %s %s\n", comm, (const char *)getauxval(AT_EXECFN), argv[0]);
		return 0;
	}
	EXPECT(chdir(argv[2]) == 0);
	if (strcmp(argv[1], "self") == 0) {
		(void)execve("/proc/self/exe", words, environ);
	} else if (strcmp(argv[1], "deleted") == 0) {
		EXPECT(unlink(argv[3]) == 0);
		(void)execve("/proc/self/exe", words, environ);
	} else if (strcmp(argv[1], "replaced") == 0) {
		EXPECT(rename("script", argv[3]) == 0);
		(void)execve("/proc/self/exe", words, environ);
	} else if (strcmp(argv[1], "linked") == 0) {
		EXPECT(symlink("/proc/self/exe", "myself") == 0 && unlink(argv[3]) == 0);
		(void)execve("myself", words, environ);
	} else if (strcmp(argv[1], "path") == 0) {
		(void)execveat(AT_FDCWD, argv[3], words, environ, 0);
	} else if (strcmp(argv[1], "descriptor") == 0) {
		fd = dup2(open(argv[3], O_PATH), 40);
		(void)execveat(fd, "", words, environ, AT_EMPTY_PATH);
	} else if (strcmp(argv[1], "closing") == 0) {
		fd = dup3(open(argv[3], O_PATH), 40, O_CLOEXEC);
		(void)execveat(fd, "", words, environ, AT_EMPTY_PATH);
	} else {
		fd = dup2(open(argv[2], O_PATH), 40);
		(void)execveat(fd, argv[3], words, environ,
			       strcmp(argv[1], "nofollow") == 0 ? AT_SYMLINK_NOFOLLOW : 0);
	}
	printf("%s\n", strerrorname_np(errno));
	return 0;
}
