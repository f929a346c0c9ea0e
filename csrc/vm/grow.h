/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Arrays that grow in mappings of their own.  The monitor has no heap: what it allocates is counted, lies
 * outside the arena, and needs no lock of the C library in the child of a fork.
 */
#ifndef KR_VM_GROW_H
#define KR_VM_GROW_H

#include <stddef.h>

/* A pointer to items of any type. */
typedef void *kr_items __attribute__((may_alias));
#define KR_ITEMS(pointer) ((kr_items *)(void *)&(pointer))

/* Make room for `count` items of `size` bytes.  *items is NULL at first; *capacity counts items.
 * Returns 0 or -ENOMEM, with everything as it was.  Whoever dies in it leaves the one array or the other. */
int kr_grow(kr_items *items, size_t *capacity, size_t count, size_t size);

#endif
