/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The reader of records, on records that are cut, too long or wrong.
 */
#include "base/reader.h"
#include "check.h"

#include <string.h>

static void numbers_are_little_endian(void)
{
	const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
	struct kr_reader r = kr_reader(data, sizeof data);

	CHECK(kr_read_u16(&r) == 0x0201);
	CHECK(kr_read_u32(&r) == 0x06050403);
	CHECK(kr_read_u64(&r) == 0x0e0d0c0b0a090807ull);
	CHECK(!r.failed && r.at == r.end);
}

static void what_has_failed_stays_failed(void)
{
	const uint8_t data[] = { 1, 2, 3 };
	struct kr_reader r = kr_reader(data, sizeof data);

	CHECK(kr_read_u32(&r) == 0 && r.failed);
	CHECK(kr_read_u16(&r) == 0 && r.failed);
}

static void a_string_needs_its_nul_and_no_other(void)
{
	const uint8_t good[] = { 2, 0, 0, 0, 'a', 'b', 0 };
	const uint8_t cut[] = { 2, 0, 0, 0, 'a', 'b' };
	const uint8_t open[] = { 2, 0, 0, 0, 'a', 'b', 'c' };
	const uint8_t inner[] = { 2, 0, 0, 0, 'a', 0, 0 };
	struct kr_reader r = kr_reader(good, sizeof good);

	CHECK(strcmp(kr_read_string(&r), "ab") == 0 && !r.failed);
	r = kr_reader(cut, sizeof cut);
	CHECK(strcmp(kr_read_string(&r), "") == 0 && r.failed);
	r = kr_reader(open, sizeof open);
	CHECK(strcmp(kr_read_string(&r), "") == 0 && r.failed);
	r = kr_reader(inner, sizeof inner);
	CHECK(strcmp(kr_read_string(&r), "") == 0 && r.failed);
}

static void a_length_of_4_gib_does_not_wrap(void)
{
	const uint8_t data[] = { 0xff, 0xff, 0xff, 0xff, 0 };
	struct kr_reader r = kr_reader(data, sizeof data);

	CHECK(strcmp(kr_read_string(&r), "") == 0 && r.failed);
	r = kr_reader(data, sizeof data);
	CHECK(kr_read_bytes(&r).size == 0 && r.failed);
	r = kr_reader(data, sizeof data);
	CHECK(kr_read_strings(&r).count == 0 && r.failed);
}

static void a_list_is_walked_to_its_end(void)
{
	const uint8_t data[] = { 2, 0, 0, 0, 1, 0, 0, 0, 'x', 0, 0, 0, 0, 0, 0 };
	struct kr_reader r = kr_reader(data, sizeof data);
	struct kr_strings list = kr_read_strings(&r);

	CHECK(!r.failed && r.at == r.end && list.count == 2);
	CHECK(strcmp(kr_next_string(&list), "x") == 0);
	CHECK(strcmp(kr_next_string(&list), "") == 0);
	CHECK(kr_next_string(&list) == NULL);
}

static void a_part_ends_where_it_was_cut(void)
{
	const uint8_t data[] = { 1, 2, 3, 4 };
	struct kr_reader r = kr_reader(data, sizeof data);
	struct kr_reader part = kr_read_part(&r, 2);

	CHECK(kr_read_u16(&part) == 0x0201 && !part.failed);
	CHECK(kr_read_u16(&part) == 0 && part.failed);
	CHECK(kr_read_u16(&r) == 0x0403 && !r.failed);
	part = kr_read_part(&r, 1);
	CHECK(part.failed && r.failed);
}

int main(void)
{
	numbers_are_little_endian();
	what_has_failed_stays_failed();
	a_string_needs_its_nul_and_no_other();
	a_length_of_4_gib_does_not_wrap();
	a_list_is_walked_to_its_end();
	a_part_ends_where_it_was_cut();
	return 0;
}
