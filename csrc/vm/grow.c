/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grow.h"

#include <errno.h>
#include <sys/mman.h>

#define FIRST_BYTES 4096u

int kr_grow(void **items, size_t *capacity, size_t count, size_t size)
{
	size_t old_bytes = (*capacity * size + FIRST_BYTES - 1) / FIRST_BYTES * FIRST_BYTES;
	size_t bytes = *items != NULL ? old_bytes : FIRST_BYTES;
	void *grown;

	if (count <= *capacity) {
		return 0;
	}
	while (bytes / size < count) {
		bytes *= 2;
	}
	if (*items == NULL) {
		grown = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	} else {
		grown = mremap(*items, old_bytes, bytes, MREMAP_MAYMOVE);
	}
	if (grown == MAP_FAILED) {
		return -ENOMEM;
	}
	*items = grown;
	*capacity = bytes / size;
	return 0;
}
