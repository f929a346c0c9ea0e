/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Changes of an array that can be undone when whoever made them has died in the middle.
 */
#ifndef KR_VM_UNDO_H
#define KR_VM_UNDO_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is closed. */
struct kr_undo {
	void *saved;
	size_t room;
	void *at;
	size_t bytes;
	size_t *count;
	size_t old_count;
	bool is_open;
};

/* Make room for what one change may touch.  0 or -ENOMEM. */
int kr_undo_reserve(struct kr_undo *undo, size_t bytes);
/* `bytes` at `at` and *count, the number of items, are about to change; there is room. */
void kr_undo_open(struct kr_undo *undo, void *at, size_t bytes, size_t *count);
/* They have. */
void kr_undo_close(struct kr_undo *undo);
/* Bring back what was before a change that was not closed, if there is one. */
void kr_undo_apply(struct kr_undo *undo);

#endif
