/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The bounds-checked reader of little-endian records (programs of krun-init, boot records of krun-vm).
 * Nothing is copied: strings and bytes point into the buffer, which has to outlive them.  A reader that
 * failed once keeps failing, so that a sequence of reads can be checked at its end.
 */
#ifndef KR_READER_H
#define KR_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kr_reader {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

struct kr_bytes {
	const uint8_t *data;
	uint32_t size;
};

/* `count` strings, one after the other; walk them with kr_next_string. */
struct kr_strings {
	const uint8_t *at;
	const uint8_t *end;
	uint32_t count;
};

struct kr_reader kr_reader(const void *data, size_t size);
uint16_t kr_read_u16(struct kr_reader *r);
uint32_t kr_read_u32(struct kr_reader *r);
uint64_t kr_read_u64(struct kr_reader *r);
/* A string without an inner NUL and with one behind it; "" after a failure. */
const char *kr_read_string(struct kr_reader *r);
struct kr_bytes kr_read_bytes(struct kr_reader *r);
/* Checks every string of the list. */
struct kr_strings kr_read_strings(struct kr_reader *r);
/* The next string of a checked list, NULL at its end. */
const char *kr_next_string(struct kr_strings *list);
/* The next `size` bytes as a reader of their own. */
struct kr_reader kr_read_part(struct kr_reader *r, size_t size);

#endif
