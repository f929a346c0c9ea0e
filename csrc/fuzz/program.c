/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fuzzes the reader of records as the stage uses it: every read stays inside the input, a failure is final, and
 * what was read as a string is one.  Input: a sequence of reads, one byte each, then the record.
 */
#include "base/reader.h"
#include "tests/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_READS 32u

/* The bytes are touched, so that a sanitizer sees one that is not there. */
static size_t touch_strings(struct kr_strings list)
{
	size_t bytes = 0;
	uint32_t count = list.count;
	uint32_t walked = 0;

	for (const char *string = kr_next_string(&list); string != NULL; string = kr_next_string(&list)) {
		bytes += strlen(string);
		walked++;
	}
	CHECK(walked == count);
	return bytes;
}

static size_t read_one(struct kr_reader *r, uint8_t what)
{
	struct kr_bytes bytes;
	struct kr_reader part;
	size_t sum = 0;

	switch (what % 7) {
	case 0:
		return kr_read_u16(r);
	case 1:
		return kr_read_u32(r);
	case 2:
		return kr_read_u64(r) != 0;
	case 3:
		return strlen(kr_read_string(r));
	case 4:
		bytes = kr_read_bytes(r);
		for (uint32_t i = 0; i < bytes.size; i++) {
			sum += bytes.data[i];
		}
		return sum;
	case 5:
		return touch_strings(kr_read_strings(r));
	default:
		part = kr_read_part(r, what);
		return strlen(kr_read_string(&part));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t reads = size < MAX_READS ? size : MAX_READS;
	struct kr_reader r = kr_reader(data + reads, size - reads);
	volatile size_t sum = 0;

	for (size_t i = 0; i < reads; i++) {
		bool had_failed = r.failed;

		sum = sum + read_one(&r, data[i]);
		CHECK(r.at >= data + reads && r.at <= r.end);
		CHECK(!had_failed || r.failed);
	}
	return 0;
}
