/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grow.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_BYTES 4096u

int kr_grow(kr_items *items, size_t *capacity, size_t count, size_t size)
{
	size_t old_bytes = (*capacity * size + FIRST_BYTES - 1) / FIRST_BYTES * FIRST_BYTES;
	size_t bytes = *items != NULL ? old_bytes : FIRST_BYTES;
	void *old = *items;
	void *grown;

	if (count <= *capacity) {
		return 0;
	}
	while (bytes / size < count) {
		bytes *= 2;
	}
	grown = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (grown == MAP_FAILED) {
		return -ENOMEM;
	}
	if (old != NULL) {
		memcpy(grown, old, old_bytes);
	}
	__atomic_store_n(items, grown, __ATOMIC_SEQ_CST);
	*capacity = bytes / size;
	if (old != NULL) {
		(void)munmap(old, old_bytes);
	}
	return 0;
}
