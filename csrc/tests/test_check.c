/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the argument checker lets through to the kernel, and what not; against the generated table.
 */
#include "check.h"
#include "guest_double.h"
#include "vm/hypercall.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define END  DOUBLE_ARENA_END
#define BASE DOUBLE_ARENA

#define NR_LISTMOUNT 458 /* newer than the headers */

/* Check a call; what would be passed on goes to `host`. */
static int check(int64_t nr, const uint64_t arg[6], struct kr_scratch *scratch, uint64_t host[6])
{
	struct kr_call call = { .nr = nr };

	memcpy(call.arg, arg, sizeof call.arg);
	KR_SCRATCH_INIT(scratch);
	return kr_check_args(kr_call_find(nr), &call, scratch, host);
}

static int result_of(int64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	struct kr_scratch scratch;
	uint64_t host[6];

	return check(nr, (const uint64_t[6]){ a, b, c, 0, 0, 0 }, &scratch, host);
}

/* Whether nobody's memory can be at an address, whatever is mapped. */
static bool is_nobodys(uint64_t address, uint64_t size)
{
	return address > INT64_MAX || (address <= 0x10000 && size <= 0x10000 - address);
}

/* Whether the kernel gets an argument of a forwarded call as it is, or where nobody has memory. */
enum fate { KEPT, NOBODYS, NEITHER };

static enum fate fate_of(int64_t nr, uint64_t a, uint64_t b, uint64_t c, int which, uint64_t size)
{
	const uint64_t arg[6] = { a, b, c, 0, 0, 0 };
	struct kr_scratch scratch;
	uint64_t host[6];

	if (check(nr, arg, &scratch, host) != 0) {
		return NEITHER;
	}
	if (is_nobodys(host[which], size)) {
		return NOBODYS;
	}
	return host[which] == arg[which] ? KEPT : NEITHER;
}

static void a_buffer_beyond_the_arena_becomes_nobodys(void)
{
	CHECK(fate_of(SYS_read, 0, BASE, 16, 1, 16) == KEPT);
	CHECK(fate_of(SYS_read, 0, END - 16, 16, 1, 16) == KEPT);
	CHECK(fate_of(SYS_read, 0, END - 16, 17, 1, 17) == NOBODYS);
	CHECK(fate_of(SYS_read, 0, BASE - 1, 16, 1, 16) == NOBODYS);
	CHECK(fate_of(SYS_read, 0, BASE - 1, 0x100000, 1, 0x100000) == NOBODYS);
	CHECK(fate_of(SYS_read, 0, END, 1, 1, 1) == NOBODYS);
	CHECK(fate_of(SYS_read, 0, 0, 1, 1, 1) == NOBODYS);
	CHECK(fate_of(SYS_read, 0, 0, 0x20000, 1, 0x20000) == NOBODYS);
	CHECK(fate_of(SYS_read, 0, UINT64_MAX, 1, 1, 1) == NOBODYS);
	CHECK(fate_of(SYS_read, 0, BASE, UINT64_MAX, 1, UINT64_MAX) == NOBODYS);
	CHECK(result_of(SYS_write, 1, END, 0) == 0);
}

static void the_stand_in_keeps_what_the_kernel_looks_at(void)
{
	CHECK(kr_stand_in(0, 8) == 0);
	CHECK(kr_stand_in(1, 8) == 1);
	for (uint64_t at = 1; at < UINT64_MAX / 3; at *= 3) {
		CHECK(is_nobodys(kr_stand_in(at, 4096), 4096));
		CHECK(is_nobodys(kr_stand_in(at, at), at));
		CHECK(kr_stand_in(at, 64) % 4096 == at % 4096);
	}
}

static void a_handler_gets_no_pointer_into_the_monitor(void)
{
	CHECK(fate_of(SYS_uname, END, 0, 0, 0, 390) == NOBODYS);
	CHECK(fate_of(SYS_uname, 0, 0, 0, 0, 390) == NOBODYS);
	CHECK(fate_of(SYS_getdents64, 1, END - 4, 8, 1, 8) == NOBODYS);
	CHECK(fate_of(SYS_getdents64, 1, BASE, 0xffffffffull, 1, 1ull << 32) == NOBODYS);
	/* It copies its strings itself. */
	CHECK(fate_of(SYS_readlink, END, BASE, 8, 0, 1) == KEPT);
	CHECK(fate_of(SYS_readlink, END, END, 8, 1, 8) == NOBODYS);
}

static void a_descriptor_of_the_monitor_is_bad(void)
{
	CHECK(result_of(SYS_read, DOUBLE_FIRST_FD, BASE, 16) == -EBADF);
	CHECK(result_of(SYS_read, DOUBLE_FIRST_FD - 1, BASE, 16) == 0);
	CHECK(result_of(SYS_dup2, 1, DOUBLE_LAST_FD, 0) == -EBADF);
	/* The kernel reads 32 bits of it, and so must the check. */
	CHECK(result_of(SYS_read, 0xabcd00000000ull | DOUBLE_FIRST_FD, BASE, 16) == -EBADF);
	CHECK(result_of(SYS_read, DOUBLE_FIRST_FD, 0, 16) == -EBADF);
}

static void null_is_passed_on(void)
{
	CHECK(fate_of(SYS_clock_getres, 0, 0, 0, 1, 1) == NOBODYS);
	CHECK(fate_of(SYS_clock_gettime, 0, 0, 0, 1, 1) == NOBODYS);
}

static void a_count_of_32_bits_is_read_as_the_kernel_reads_it(void)
{
	CHECK(fate_of(SYS_getgroups, 0xff00000002ull, END - 8, 0, 1, 8) == KEPT);
	CHECK(fate_of(SYS_getgroups, 3, END - 8, 0, 1, 12) == NOBODYS);
	CHECK(fate_of(SYS_getgroups, 0xffffffffull, BASE, 0, 1, 1ull << 34) == NOBODYS);
	/* 0x40000001 elements of 4 bytes are more than 4 GiB, not 4 bytes. */
	CHECK(fate_of(SYS_getgroups, 0x40000001ull, BASE, 0, 1, 1ull << 32) == NOBODYS);
}

static void a_product_that_overflows_becomes_nobodys(void)
{
	CHECK(fate_of(NR_LISTMOUNT, BASE, BASE, 0x2000000000000001ull, 1, UINT64_MAX) == NOBODYS);
}

static void bits_are_counted_in_whole_words(void)
{
	CHECK(fate_of(SYS_select, 64, END - 8, 0, 1, 8) == KEPT);
	CHECK(fate_of(SYS_select, 65, END - 8, 0, 1, 16) == NOBODYS);
	CHECK(fate_of(SYS_select, 1, END - 7, 0, 1, 8) == NOBODYS);
}

static void a_vector_is_checked_in_a_copy(void)
{
	struct kr_scratch scratch;
	struct iovec *vector = (struct iovec *)(uintptr_t)BASE;
	const struct iovec *copy;
	uint64_t host[6];
	const uint64_t arg[6] = { 1, BASE, 2, 0, 0, 0 };

	vector[0] = (struct iovec){ (void *)(uintptr_t)(BASE + 64), 8 };
	vector[1] = (struct iovec){ (void *)(uintptr_t)(END - 8), 8 };
	CHECK(check(SYS_writev, arg, &scratch, host) == 0);
	copy = (const struct iovec *)(uintptr_t)host[1];
	CHECK(!kr_guest_has(host[1], 1));
	vector[1].iov_base = &scratch;
	CHECK((uint64_t)(uintptr_t)copy[1].iov_base == END - 8);
	CHECK(check(SYS_writev, arg, &scratch, host) == 0);
	copy = (const struct iovec *)(uintptr_t)host[1];
	CHECK((uint64_t)(uintptr_t)copy[0].iov_base == BASE + 64 && copy[0].iov_len == 8);
	CHECK(is_nobodys((uint64_t)(uintptr_t)copy[1].iov_base, 8) && copy[1].iov_len == 8);
}

static void a_part_ends_with_the_arena(void)
{
	struct kr_scratch scratch;
	struct iovec *vector = (struct iovec *)(uintptr_t)BASE;
	const struct iovec *copy;
	uint64_t host[6];

	vector[0] = (struct iovec){ (void *)(uintptr_t)(END - 8), 16 };
	vector[1] = (struct iovec){ (void *)(uintptr_t)(END - 8), 1ull << 47 };
	vector[2] = (struct iovec){ NULL, 1ull << 40 };
	vector[3] = (struct iovec){ (void *)(uintptr_t)BASE, UINT64_MAX };
	CHECK(check(SYS_writev, (const uint64_t[6]){ 1, BASE, 4, 0, 0, 0 }, &scratch, host) == 0);
	copy = (const struct iovec *)(uintptr_t)host[1];
	CHECK((uint64_t)(uintptr_t)copy[0].iov_base == END - 8 && copy[0].iov_len == 8);
	CHECK((uint64_t)(uintptr_t)copy[1].iov_base > INT64_MAX);
	/* 2 GiB from there are the arena's at most: the kernel moves no more in one call. */
	CHECK(copy[2].iov_base == NULL && copy[2].iov_len == 1ull << 31);
	/* The kernel says EINVAL. */
	CHECK(copy[3].iov_len == UINT64_MAX);
}

static void a_vector_is_no_longer_than_the_kernel_takes(void)
{
	memset((void *)(uintptr_t)BASE, 0, IOV_MAX * sizeof(struct iovec));
	CHECK(result_of(SYS_writev, 1, BASE, IOV_MAX) == 0);
	CHECK(fate_of(SYS_writev, 1, BASE, IOV_MAX + 1, 1, 16 * (IOV_MAX + 1)) == NOBODYS);
	CHECK(fate_of(SYS_writev, 1, BASE, UINT64_MAX, 1, UINT64_MAX) == NOBODYS);
	CHECK(result_of(SYS_writev, 1, 0, 0) == 0);
	CHECK(fate_of(SYS_writev, 1, 0, 1, 1, 16) == NOBODYS);
}

static void a_string_at_the_end_of_the_arena_is_copied(void)
{
	struct kr_scratch scratch;
	uint64_t host[6];

	memcpy((char *)(uintptr_t)(END - 4), "abc", 4);
	CHECK(check(SYS_chdir, (const uint64_t[6]){ END - 4, 0, 0, 0, 0, 0 }, &scratch, host) == 0);
	CHECK(!kr_guest_has(host[0], 1));
	CHECK(strcmp((const char *)(uintptr_t)host[0], "abc") == 0);
	memcpy((char *)(uintptr_t)(END - 4), "abcd", 4);
	CHECK(fate_of(SYS_chdir, END - 4, 0, 0, 0, 1) == NOBODYS);
	CHECK(fate_of(SYS_chdir, END, 0, 0, 0, 1) == NOBODYS);
	CHECK(fate_of(SYS_chdir, 0, 0, 0, 0, 1) == NOBODYS);
}

static void every_string_of_a_call_may_be_a_copy(void)
{
	struct kr_scratch scratch;
	uint64_t host[6];
	const uint64_t arg[6] = { END - 4, END - 4, END - 4, 0, END - 4, 0 };

	memcpy((char *)(uintptr_t)(END - 4), "abc", 4);
	CHECK(check(SYS_mount, arg, &scratch, host) == 0);
	CHECK(host[0] != host[1] && host[1] != host[2] && host[2] != host[4]);
}

static void the_table_is_sorted_and_found_in(void)
{
	for (size_t i = 0; i < kr_call_table_size; i++) {
		CHECK(i == 0 || kr_call_table[i - 1].nr < kr_call_table[i].nr);
		CHECK(kr_call_find(kr_call_table[i].nr) == &kr_call_table[i]);
	}
	CHECK(kr_call_find(-1) == NULL);
	CHECK(kr_call_find(511) == NULL);
	CHECK(kr_call_find(0x40000000) == NULL);
	CHECK(kr_call_find(INT64_MIN) == NULL);
}

/* The first three arguments of a call as an agent sees them. */
static void check_notified(int64_t nr, const uint64_t arg[3], const uint64_t expected[3])
{
	const struct kr_call call = { .nr = nr, .arg = { arg[0], arg[1], arg[2], 4, 5, 6 } };
	uint64_t host[6];

	kr_check_notified(kr_call_find(nr), &call, host);
	CHECK(memcmp(host, expected, 3 * sizeof host[0]) == 0);
	CHECK(host[5] == 6);
}

static void what_an_agent_sees_is_the_guests_or_nobodys(void)
{
	const uint64_t beyond = kr_stand_in(END, 1);

	check_notified(SYS_write, (const uint64_t[3]){ 3, BASE, 8 }, (const uint64_t[3]){ 3, BASE, 8 });
	check_notified(SYS_write, (const uint64_t[3]){ DOUBLE_FIRST_FD, BASE, 8 },
		       (const uint64_t[3]){ UINT32_MAX, BASE, 8 });
	check_notified(SYS_write, (const uint64_t[3]){ 3, END - 4, 8 },
		       (const uint64_t[3]){ 3, kr_stand_in(END - 4, 8), 8 });
	check_notified(SYS_write, (const uint64_t[3]){ 3, BASE, UINT64_MAX },
		       (const uint64_t[3]){ 3, kr_stand_in(BASE, UINT64_MAX), UINT64_MAX });
	CHECK(beyond != END);
	/* No copy of a string, wherever it ends. */
	check_notified(SYS_rename, (const uint64_t[3]){ END - 1, END, 0 },
		       (const uint64_t[3]){ END - 1, beyond, 0 });
	check_notified(SYS_fsync, (const uint64_t[3]){ (uint64_t)-1, END, END },
		       (const uint64_t[3]){ (uint64_t)-1, END, END });
	check_notified(SYS_acct, (const uint64_t[3]){ 0, 0, 0 }, (const uint64_t[3]){ 0, 0, 0 });
}

int main(void)
{
	double_map_arena();
	a_buffer_beyond_the_arena_becomes_nobodys();
	the_stand_in_keeps_what_the_kernel_looks_at();
	a_handler_gets_no_pointer_into_the_monitor();
	a_descriptor_of_the_monitor_is_bad();
	null_is_passed_on();
	a_count_of_32_bits_is_read_as_the_kernel_reads_it();
	a_product_that_overflows_becomes_nobodys();
	bits_are_counted_in_whole_words();
	a_vector_is_checked_in_a_copy();
	a_part_ends_with_the_arena();
	a_vector_is_no_longer_than_the_kernel_takes();
	a_string_at_the_end_of_the_arena_is_copied();
	every_string_of_a_call_may_be_a_copy();
	the_table_is_sorted_and_found_in();
	what_an_agent_sees_is_the_guests_or_nobodys();
	return 0;
}
