/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Exceptions of the processor, and the signals that they become.
 */
#define _GNU_SOURCE
#include "expect.h"
#include "handlers.h"

#include <fenv.h>
#include <sys/mman.h>
#include <unistd.h>

static int fault_address(void)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	handle(SIGSEGV, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)(page + 17) = 1;
	}
	EXPECT(caught == SIGSEGV && code == SEGV_ACCERR && address == page + 17);
	munmap(page, 4096);
	if (sigsetjmp(back, 1) == 0) {
		(void)*(volatile char *)(page + 18);
	}
	EXPECT(code == SEGV_MAPERR && address == page + 18);
	if (sigsetjmp(back, 1) == 0) {
		(void)*(volatile char *)8;
	}
	EXPECT(code == SEGV_MAPERR && address == (void *)8);
	return 0;
}

static int noncanonical_address(void)
{
	handle(SIGSEGV, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)0x8000000000000000ull = 1;
	}
	EXPECT(caught == SIGSEGV && code == SI_KERNEL);
	return 0;
}

static int data_cannot_be_executed(void)
{
	unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	page[0] = 0xc3;
	handle(SIGSEGV, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		((void (*)(void))page)();
		EXPECT(!"data was executed");
	}
	EXPECT(code == SEGV_ACCERR && address == page);
	EXPECT(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
	((void (*)(void))page)();
	EXPECT(mprotect(page, 4096, PROT_READ) == 0);
	caught = 0;
	if (sigsetjmp(back, 1) == 0) {
		((void (*)(void))page)();
		EXPECT(!"it is executed still");
	}
	EXPECT(caught == SIGSEGV);
	return 0;
}

static int divide_error(void)
{
	volatile int zero = 0;
	volatile int result = 0;

	handle(SIGFPE, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		result = 7 / zero;
	}
	EXPECT(caught == SIGFPE && code == FPE_INTDIV && result == 0);
	return 0;
}

static int floating_point_error(void)
{
	volatile double zero = 0;
	volatile double result = 0;

	handle(SIGFPE, jump, 0);
	feenableexcept(FE_DIVBYZERO);
	if (sigsetjmp(back, 1) == 0) {
		result = 7 / zero;
	}
	EXPECT(caught == SIGFPE && code == FPE_FLTDIV && result == 0);
	return 0;
}

static int illegal_instruction(void)
{
	handle(SIGILL, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		__asm__ volatile("ud2");
	}
	EXPECT(caught == SIGILL && code == ILL_ILLOPN);
	caught = 0;
	handle(SIGSEGV, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		__asm__ volatile("hlt");
	}
	EXPECT(caught == SIGSEGV && code == SI_KERNEL);
	return 0;
}

static int breakpoint(void)
{
	handle(SIGTRAP, note, 0);
	__asm__ volatile("int3");
	EXPECT(caught == SIGTRAP && code == SI_KERNEL);
	return 0;
}

static int truncated_file(void)
{
	FILE *file = tmpfile();
	char *page;

	EXPECT(file != NULL && ftruncate(fileno(file), 8192) == 0);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	EXPECT(page != MAP_FAILED && ftruncate(fileno(file), 0) == 0);
	handle(SIGBUS, jump, 0);
	if (sigsetjmp(back, 1) == 0) {
		page[4096] = 1;
	}
	EXPECT(caught == SIGBUS && code == BUS_ADRERR);
	return 0;
}

#define GUARD_INSTALL 102 /* MADV_GUARD_INSTALL, since Linux 6.13 */

/* Touch `at`: the signal and its code, as one number; 0 for none. */
static int signal_of(volatile char *at, int is_write)
{
	caught = code = 0;
	address = NULL;
	if (sigsetjmp(back, 1) == 0) {
		if (is_write) {
			*at = 1;
		} else {
			(void)*at;
		}
	}
	return caught * 100 + code;
}

static int signal_tells_the_missing_address(void)
{
	const int end_of_file = SIGBUS * 100 + BUS_ADRERR;
	FILE *file = tmpfile();
	const size_t size = 6 << 20;
	char *page;

	handle(SIGBUS, jump, 0);
	handle(SIGSEGV, jump, 0);
	EXPECT(file != NULL && ftruncate(fileno(file), 8192) == 0);
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	EXPECT(page != MAP_FAILED && signal_of(page + 8191, 1) == 0);
	for (int is_write = 0; is_write < 2; is_write++) {
		EXPECT(signal_of(page + 8192 + 77, is_write) == end_of_file && address == page + 8192 + 77);
		EXPECT(signal_of(page + (3 << 20), is_write) == end_of_file && address == page + (3 << 20));
		EXPECT(signal_of(page + size - 1, is_write) == end_of_file && address == page + size - 1);
		EXPECT(signal_of(page + 4096, is_write) == 0);
	}
	/* What grows is there, what shrinks no longer. */
	EXPECT(ftruncate(fileno(file), (off_t)size) == 0);
	EXPECT(signal_of(page + 8192 + 77, 1) == 0 && signal_of(page + size - 1, 1) == 0);
	EXPECT(ftruncate(fileno(file), 0) == 0);
	EXPECT(signal_of(page + 5, 0) == end_of_file && address == page + 5);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(page != MAP_FAILED);
	if (madvise(page, 4096, GUARD_INSTALL) == 0) {
		EXPECT(signal_of(page + 5, 1) == SIGSEGV * 100 + SEGV_MAPERR && address == page + 5);
		EXPECT(signal_of(page + 4096, 1) == 0);
	}
	return 0;
}

static int stack_overflow(volatile int depth)
{
	volatile char page[4096];

	page[0] = (char)depth;
	return depth < 0 ? 0 : stack_overflow(depth + 1) + page[0];
}

static int altstack_catches_overflow(void)
{
	static char area[65536];
	const stack_t stack = { .ss_sp = area, .ss_size = sizeof area };

	EXPECT(sigaltstack(&stack, NULL) == 0);
	handle(SIGSEGV, jump, SA_ONSTACK);
	if (sigsetjmp(back, 1) == 0) {
		stack_overflow(0);
	}
	EXPECT(caught == SIGSEGV && stack_seen > area && stack_seen < area + sizeof area);
	return 0;
}

int main(int argc, char **argv)
{
	/* One case a line, as the tests read them. */
	/* clang-format off */
	static const struct test_case cases[] = {
		CASE(fault_address),
		CASE(noncanonical_address),
		CASE(data_cannot_be_executed),
		CASE(divide_error),
		CASE(floating_point_error),
		CASE(illegal_instruction),
		CASE(breakpoint),
		CASE(truncated_file),
		CASE(signal_tells_the_missing_address),
		CASE(altstack_catches_overflow),
		{ NULL, NULL },
	};
	/* clang-format on */

	return run_case(cases, argc, argv);
}
