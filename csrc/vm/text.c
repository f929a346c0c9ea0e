/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Read more behind what is there.  False at the end. */
static bool fill(struct kr_text_in *in)
{
	ssize_t got;

	memmove(in->bytes, &in->bytes[in->begin], in->end - in->begin);
	in->end -= in->begin;
	in->begin = 0;
	got = read(in->fd, &in->bytes[in->end], sizeof in->bytes - 1 - in->end);
	in->end += got > 0 ? (size_t)got : 0;
	return got > 0;
}

char *kr_text_line(struct kr_text_in *in)
{
	for (;;) {
		char *line = &in->bytes[in->begin];
		char *newline = memchr(line, '\n', in->end - in->begin);
		bool was_cut = in->is_cut;

		if (newline != NULL) {
			*newline = 0;
			in->begin = (size_t)(newline - in->bytes) + 1;
			in->is_cut = false;
			if (!was_cut) {
				return line;
			}
			continue;
		}
		if (in->end - in->begin == sizeof in->bytes - 1) {
			in->bytes[in->end] = 0;
			in->begin = in->end;
			in->is_cut = true;
			if (!was_cut) {
				return line;
			}
			continue;
		}
		if (!fill(in)) {
			return NULL;
		}
	}
}

void kr_text_flush(struct kr_text_out *out)
{
	size_t done = 0;

	while (done < out->used) {
		ssize_t some = write(out->fd, &out->bytes[done], out->used - done);

		if (some <= 0) {
			break;
		}
		done += (size_t)some;
	}
	out->used = 0;
}

void kr_text_put(struct kr_text_out *out, const char *format, ...)
{
	for (int turn = 0; turn < 2; turn++) {
		size_t room = sizeof out->bytes - out->used;
		va_list values;
		int size;

		va_start(values, format);
		size = vsnprintf(&out->bytes[out->used], room, format, values);
		va_end(values);
		if (size < 0) {
			return;
		}
		if ((size_t)size < room) {
			out->used += (size_t)size;
			return;
		}
		kr_text_flush(out);
	}
	/* Longer than the buffer: a name of thousands of bytes. */
	va_list values;

	va_start(values, format);
	(void)vdprintf(out->fd, format, values);
	va_end(values);
}
