/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The program of `krun demo`: says what machine, process, user and files it sees.  It is an ordinary static
 * Linux program, the smallest thing that an image can hold; it knows nothing of krun.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

static int print_machine(void)
{
	struct utsname name;

	if (uname(&name) != 0) {
		perror("uname");
		return -1;
	}
	printf("uname -a:     %s %s %s %s %s\n", name.sysname, name.nodename, name.release, name.version,
	       name.machine);
	return 0;
}

static int not_dot(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int print_directory(const char *path)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, not_dot, alphasort);

	if (count < 0) {
		perror(path);
		return -1;
	}
	printf("%-13s", path);
	for (int i = 0; i < count; i++) {
		printf(" %s", entries[i]->d_name);
		free(entries[i]);
	}
	printf("\n");
	free(entries);
	return 0;
}

int main(void)
{
	int status = print_machine();

	printf("pid:          %d\n", (int)getpid());
	printf("user:         uid %u, gid %u\n", (unsigned)getuid(), (unsigned)getgid());
	status |= print_directory("/");
	status |= print_directory("/dev");
	status |= print_directory("/etc");
	return fflush(stdout) == 0 && status == 0 ? 0 : 1;
}
