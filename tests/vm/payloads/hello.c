/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

extern char **environ;

/* Every argument and every variable, each with a bar behind it. */
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		printf("%s|", argv[i]);
	}
	for (char **variable = environ; *variable != NULL; variable++) {
		printf("%s|", *variable);
	}
	printf("\n");
	return 7;
}
