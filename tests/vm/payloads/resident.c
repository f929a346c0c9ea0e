/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How many pages of a fresh mapping are in memory: before anything has touched them, and after one byte of 2 MiB.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE   4096u
#define BLOCK  0x200000u
#define BLOCKS 8u

static unsigned count(void *at, size_t size)
{
	static unsigned char in_memory[BLOCK / PAGE];
	unsigned found = 0;

	if (mincore(at, size, in_memory) != 0) {
		return 9999;
	}
	for (size_t i = 0; i < size / PAGE; i++) {
		found += in_memory[i] & 1;
	}
	return found;
}

static void show(const char *name, size_t size, int prot, int flags)
{
	void *at = mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);

	printf("%s %u\n", name, at != MAP_FAILED ? count(at, size) : 9999);
}

static char *map_blocks(void)
{
	char *at = mmap(NULL, (BLOCKS + 1) * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return (char *)(((uintptr_t)at + BLOCK - 1) / BLOCK * BLOCK);
}

/* The most pages that one byte has brought into memory. */
static unsigned touch_blocks(char *at, unsigned from, unsigned step)
{
	unsigned most = 0;

	for (unsigned i = from; i < BLOCKS; i += step) {
		unsigned found;

		at[i * BLOCK + 5 * PAGE] = 1;
		found = count(at + i * BLOCK, BLOCK);
		most = found > most ? found : most;
		if (step == 1) {
			memset(at + i * BLOCK, 1, BLOCK);
		}
	}
	return most;
}

int main(void)
{
	char *filled = map_blocks();

	show("small", 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	show("large", 256 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	show("shared", 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	show("read-only", 8 * PAGE, PROT_READ, MAP_PRIVATE);
	printf("sparse %u\n", touch_blocks(map_blocks(), 0, 2));
	memset(filled, 1, BLOCK);
	printf("filled %u\n", touch_blocks(filled, 1, 1));
	filled = map_blocks();
	if (madvise(filled, PAGE, MADV_NOHUGEPAGE) != 0) {
		perror("madvise");
	}
	memset(filled, 1, BLOCK);
	printf("unwanted %u\n", touch_blocks(filled, 1, 1));
	return 0;
}
