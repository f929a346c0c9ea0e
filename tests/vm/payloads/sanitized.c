/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *fill(void *memory)
{
	memset(memory, 'x', 1000);
	return NULL;
}

/* Uses memory as it may or, with an argument, after it was freed. */
int main(int argc, char **argv)
{
	char *volatile memory = malloc(1000);
	pthread_t thread;

	(void)argv;
	if (pthread_create(&thread, NULL, fill, memory) != 0 || pthread_join(thread, NULL) != 0) {
		return 2;
	}
	if (argc > 1) {
		free(memory);
	}
	printf("%c\n", memory[3]);
	if (argc == 1) {
		free(memory);
	}
	return 0;
}
