/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fuzzes the reader of boot records: what it accepts can be walked to its end, and all of it lies in the record.
 * Input: a record's bytes behind its head, which is made right.
 */
#include "tests/check.h"
#include "vm/boot.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(const void *part, size_t part_size, const uint8_t *data, size_t size)
{
	const uint8_t *at = part;

	return part_size == 0 || (at >= data && part_size <= size && (size_t)(at - data) <= size - part_size);
}

static void walk(struct kr_strings list, const uint8_t *data, size_t size)
{
	uint32_t count = list.count;

	for (const char *text = kr_next_string(&list); text != NULL; text = kr_next_string(&list)) {
		CHECK(is_inside(text, strlen(text) + 1, data, size));
		CHECK(count-- > 0);
	}
	CHECK(count == 0);
}

static void judge(const uint8_t *data, size_t size)
{
	struct kr_boot boot;
	struct kr_err err;

	memset(&boot, 0x5a, sizeof boot);
	if (kr_boot_parse(data, size, &boot, &err) != 0) {
		return;
	}
	CHECK(is_inside(boot.program, strlen(boot.program) + 1, data, size) && boot.program[0] != 0);
	CHECK(is_inside(boot.name, strlen(boot.name) + 1, data, size));
	CHECK(is_inside(boot.filter.data, boot.filter.size, data, size));
	CHECK(is_inside(boot.limits.data, boot.limits.size, data, size));
	CHECK(is_inside(boot.model.data, boot.model.size, data, size));
	CHECK(boot.args.count > 0);
	walk(boot.args, data, size);
	walk(boot.env, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *given, size_t given_size)
{
	uint32_t head[3] = { 0x5442524b /* KRBT */, KR_BOOT_VERSION, 0 };
	size_t size = sizeof head + given_size;
	uint8_t *data = malloc(size);

	CHECK(data != NULL);
	head[2] = (uint32_t)size;
	memcpy(data, head, sizeof head);
	if (given_size > 0) {
		memcpy(data + sizeof head, given, given_size);
	}
	judge(data, size);
	free(data);
	return 0;
}
