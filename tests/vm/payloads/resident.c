/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How many pages of a fresh mapping are in memory before anything has touched them.
 */
#include <stdio.h>
#include <sys/mman.h>

#define PAGE 4096u

static void show(const char *name, size_t size, int prot, int flags)
{
	static unsigned char in_memory[256];
	void *at = mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);
	unsigned count = 0;

	if (at == MAP_FAILED || mincore(at, size, in_memory) != 0) {
		perror(name);
		return;
	}
	for (size_t i = 0; i < size / PAGE; i++) {
		count += in_memory[i] & 1;
	}
	printf("%s %u\n", name, count);
}

int main(void)
{
	show("small", 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	show("large", 256 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	show("shared", 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	show("read-only", 8 * PAGE, PROT_READ, MAP_PRIVATE);
	return 0;
}
