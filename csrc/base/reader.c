/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reader.h"

#include <string.h>

struct kr_reader kr_reader(const void *data, size_t size)
{
	return (struct kr_reader){ .at = data, .end = (const uint8_t *)data + size, .failed = false };
}

static const uint8_t *take(struct kr_reader *r, size_t size)
{
	const uint8_t *at = r->at;

	if (r->failed || size > (size_t)(r->end - r->at)) {
		r->failed = true;
		return NULL;
	}
	r->at += size;
	return at;
}

static uint64_t read_little_endian(struct kr_reader *r, size_t size)
{
	const uint8_t *at = take(r, size);
	uint64_t value = 0;

	for (size_t i = 0; at != NULL && i < size; i++) {
		value |= (uint64_t)at[i] << (8 * i);
	}
	return value;
}

uint16_t kr_read_u16(struct kr_reader *r)
{
	return (uint16_t)read_little_endian(r, 2);
}

uint32_t kr_read_u32(struct kr_reader *r)
{
	return (uint32_t)read_little_endian(r, 4);
}

uint64_t kr_read_u64(struct kr_reader *r)
{
	return read_little_endian(r, 8);
}

const char *kr_read_string(struct kr_reader *r)
{
	uint32_t size = kr_read_u32(r);
	const uint8_t *at = take(r, (size_t)size + 1);

	if (at == NULL) {
		return "";
	}
	if (at[size] != 0 || memchr(at, 0, size) != NULL) {
		r->failed = true;
		return "";
	}
	return (const char *)at;
}

struct kr_bytes kr_read_bytes(struct kr_reader *r)
{
	uint32_t size = kr_read_u32(r);
	const uint8_t *at = take(r, size);

	return (struct kr_bytes){ .data = at, .size = at != NULL ? size : 0 };
}

struct kr_strings kr_read_strings(struct kr_reader *r)
{
	uint32_t count = kr_read_u32(r);
	const uint8_t *at = r->at;

	for (uint32_t i = 0; i < count && !r->failed; i++) {
		(void)kr_read_string(r);
	}
	if (r->failed) {
		return (struct kr_strings){ .at = NULL, .end = NULL, .count = 0 };
	}
	return (struct kr_strings){ .at = at, .end = r->at, .count = count };
}

const char *kr_next_string(struct kr_strings *list)
{
	struct kr_reader r;
	const char *string;

	if (list->count == 0) {
		return NULL;
	}
	r = kr_reader(list->at, (size_t)(list->end - list->at));
	string = kr_read_string(&r);
	list->at = r.at;
	list->count--;
	return r.failed ? NULL : string;
}

struct kr_reader kr_read_part(struct kr_reader *r, size_t size)
{
	const uint8_t *at = take(r, size);

	if (at == NULL) {
		return (struct kr_reader){ .at = NULL, .end = NULL, .failed = true };
	}
	return kr_reader(at, size);
}
