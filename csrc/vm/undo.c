/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "undo.h"

#include "grow.h"

#include <string.h>

int kr_undo_reserve(struct kr_undo *undo, size_t bytes)
{
	return kr_grow(KR_ITEMS(undo->saved), &undo->room, bytes, 1);
}

static void set_open(struct kr_undo *undo, bool is_open)
{
	__atomic_store_n(&undo->is_open, is_open, __ATOMIC_SEQ_CST);
}

void kr_undo_open(struct kr_undo *undo, void *at, size_t bytes, size_t *count)
{
	if (bytes > 0) {
		memcpy(undo->saved, at, bytes);
	}
	undo->at = at;
	undo->bytes = bytes;
	undo->count = count;
	undo->old_count = *count;
	set_open(undo, true);
}

void kr_undo_close(struct kr_undo *undo)
{
	set_open(undo, false);
}

void kr_undo_apply(struct kr_undo *undo)
{
	if (!undo->is_open) {
		return;
	}
	if (undo->bytes > 0) {
		memcpy(undo->at, undo->saved, undo->bytes);
	}
	*undo->count = undo->old_count;
	set_open(undo, false);
}
