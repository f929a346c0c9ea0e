/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text of procfs, read and written line by line with buffers of its own: the monitor has no heap.
 */
#ifndef KR_VM_TEXT_H
#define KR_VM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct kr_text_in {
	int fd;
	size_t begin;
	size_t end;
	bool is_cut;
	char bytes[8192];
};

struct kr_text_out {
	int fd;
	size_t used;
	char bytes[4096];
};

/* The next line without its end, NULL behind the last one.  A line that does not fit is cut. */
char *kr_text_line(struct kr_text_in *in);
/* Write as printf(3) does, a line at the most. */
__attribute__((format(printf, 2, 3))) void kr_text_put(struct kr_text_out *out, const char *format, ...);
void kr_text_flush(struct kr_text_out *out);

#endif
