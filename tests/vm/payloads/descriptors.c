/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static int is_number(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The open descriptors, once as /proc/self/fd lists them and once as fcntl finds them. */
int main(void)
{
	struct dirent **entries;
	int count = scandir("/proc/self/fd", &entries, is_number, by_number);
	int first = 1;

	for (int i = 0; i < count; i++) {
		/* The listing itself was open then, and is not now. */
		if (fcntl(atoi(entries[i]->d_name), F_GETFD) >= 0) {
			printf("%s%s", i > 0 ? " " : "", entries[i]->d_name);
		}
	}
	printf("\n");
	for (int fd = 0; fd < 70000; fd += fd < 5000 ? 1 : 997) {
		if (fcntl(fd, F_GETFD) >= 0) {
			printf("%s%d", first ? "" : " ", fd);
			first = 0;
		}
	}
	printf("\n");
	return 0;
}
