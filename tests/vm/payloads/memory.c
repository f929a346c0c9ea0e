/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define MIB  (1ul << 20)

static sigjmp_buf back;

static void jump(int number)
{
	siglongjmp(back, number);
}

/* The signal that touching the byte raises, 0 for none. */
static int touch(volatile char *byte, int write)
{
	int number;

	signal(SIGSEGV, jump);
	signal(SIGBUS, jump);
	number = sigsetjmp(back, 1);
	if (number == 0) {
		if (write) {
			*byte = *byte;
		} else {
			(void)*byte;
		}
	}
	return number;
}

static char *map(size_t size, int prot)
{
	char *memory = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(memory != MAP_FAILED);
	return memory;
}

static int fresh_memory_is_zero(void)
{
	char *memory = map(8 * MIB, PROT_READ | PROT_WRITE);

	for (size_t i = 0; i < 8 * MIB; i += 1000) {
		EXPECT(memory[i] == 0);
		memory[i] = (char)i;
	}
	for (size_t i = 0; i < 8 * MIB; i += 1000) {
		EXPECT(memory[i] == (char)i);
	}
	EXPECT(munmap(memory, 8 * MIB) == 0);
	EXPECT(mmap(memory, 8 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
	EXPECT(memory[0] == 0 && memory[1000] == 0 && memory[8 * MIB - 1] == 0);
	return 0;
}

static int unmapped_is_gone(void)
{
	char *memory = map(4 * MIB, PROT_READ | PROT_WRITE);

	memory[0] = memory[2 * MIB] = 1;
	EXPECT(munmap(memory + MIB, PAGE) == 0);
	EXPECT(touch(memory, 1) == 0 && touch(memory + MIB - 1, 1) == 0);
	EXPECT(touch(memory + MIB, 0) == SIGSEGV);
	EXPECT(touch(memory + MIB + PAGE, 1) == 0 && memory[2 * MIB] == 1);
	return 0;
}

static int protection_changes(void)
{
	char *memory = map(4 * MIB, PROT_READ | PROT_WRITE);

	memory[PAGE] = 7;
	EXPECT(mprotect(memory, 2 * PAGE, PROT_READ) == 0);
	EXPECT(touch(memory + PAGE, 1) == SIGSEGV && memory[PAGE] == 7);
	EXPECT(touch(memory + 2 * PAGE, 1) == 0);
	EXPECT(mprotect(memory, 2 * PAGE, PROT_NONE) == 0);
	EXPECT(touch(memory + PAGE, 0) == SIGSEGV);
	EXPECT(mprotect(memory, 4 * MIB, PROT_READ | PROT_WRITE) == 0);
	EXPECT(touch(memory + PAGE, 1) == 0 && memory[PAGE] == 7);
	EXPECT(mprotect(memory + 4 * MIB - PAGE, 2 * PAGE, PROT_READ) == -1 || errno == 0);
	return 0;
}

static int remapping_keeps_contents(void)
{
	char *memory = map(MIB, PROT_READ | PROT_WRITE);
	char *other = map(MIB, PROT_READ);
	char *grown;

	memset(memory, 'x', MIB);
	grown = mremap(memory, MIB, 64 * MIB, MREMAP_MAYMOVE);
	EXPECT(grown != MAP_FAILED && grown[0] == 'x' && grown[MIB - 1] == 'x' && grown[64 * MIB - 1] == 0);
	grown[64 * MIB - 1] = 'y';
	EXPECT(mremap(grown, 64 * MIB, MIB / 2, 0) == grown);
	EXPECT(touch(grown + MIB, 0) == SIGSEGV && grown[MIB / 2 - 1] == 'x');
	EXPECT(mremap(grown, MIB / 2, MIB / 2, MREMAP_MAYMOVE | MREMAP_FIXED, other) == other);
	EXPECT(other[0] == 'x' && touch(other, 1) == 0 && touch(grown, 0) == SIGSEGV);
	return 0;
}

static int heap_moves(void)
{
	char *start = sbrk(0);

	EXPECT(sbrk(3 * (intptr_t)MIB) == start);
	memset(start, 'h', 3 * MIB);
	EXPECT(brk(start + PAGE) == 0);
	EXPECT(touch(start, 1) == 0 && touch(start + 2 * MIB, 0) == SIGSEGV);
	EXPECT(brk(start + 3 * MIB) == 0 && start[2 * MIB] == 0);
	return 0;
}

static int large_heap(void)
{
	const size_t size = 3ul << 30;
	char *memory = map(size, PROT_READ | PROT_WRITE);

	for (size_t i = 0; i < size; i += 64 * MIB) {
		memory[i] = (char)(i >> 26);
	}
	for (size_t i = 0; i < size; i += 64 * MIB) {
		EXPECT(memory[i] == (char)(i >> 26));
	}
	return 0;
}

static int reservation_costs_nothing(void)
{
	char *memory = mmap(NULL, 1ul << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	EXPECT(memory != MAP_FAILED);
	EXPECT(mprotect(memory + (1ul << 39), PAGE, PROT_READ | PROT_WRITE) == 0);
	memory[1ul << 39] = 1;
	EXPECT(munmap(memory, 1ul << 40) == 0);
	return 0;
}

static int far_addresses_are_mapped(void)
{
	const size_t size = 4ul << 40;
	char *const places[] = { (char *)0x500000000000ul, (char *)0x600000000000ul };
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	pid_t child;
	int status;

	for (int i = 0; i < 2; i++) {
		EXPECT(mmap(places[i], size, PROT_READ | PROT_WRITE, flags, -1, 0) == places[i]);
		places[i][0] = 'f';
		places[i][size - 1] = 'l';
	}
	child = fork();
	if (child == 0) {
		_exit(places[0][0] == 'f' && places[1][size - 1] == 'l' ? 0 : 1);
	}
	EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	EXPECT(write(-1, places[1] + size - 1, 1) == -1 && errno == EBADF);
	/* Across what is nobody's: only what is there goes. */
	EXPECT(munmap(places[0] + PAGE, (size_t)(places[1] - places[0])) == 0);
	EXPECT(touch(places[0], 1) == 0 && touch(places[0] + PAGE, 0) == SIGSEGV);
	EXPECT(touch(places[1], 1) == SIGSEGV && touch(places[1] + PAGE, 1) == 0);
	return 0;
}

static int files_are_shared(void)
{
	int fd = memfd_create("shared", 0);
	char *first;
	char *second;
	char byte;

	EXPECT(fd >= 0 && ftruncate(fd, PAGE) == 0);
	first = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	second = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	EXPECT(first != MAP_FAILED && second != MAP_FAILED);
	first[1] = 'a';
	EXPECT(second[1] == 'a' && pread(fd, &byte, 1, 1) == 1 && byte == 'a');
	second[1] = 'b';
	EXPECT(first[1] == 'a' && second[1] == 'b');
	EXPECT(pwrite(fd, "c", 1, 1) == 1 && first[1] == 'c' && second[1] == 'b');
	return 0;
}

static int discarded_memory_is_zero(void)
{
	char *memory = map(4 * MIB, PROT_READ | PROT_WRITE);

	memset(memory, 1, 4 * MIB);
	EXPECT(madvise(memory + MIB, MIB, MADV_DONTNEED) == 0);
	EXPECT(memory[MIB] == 0 && memory[MIB - 1] == 1 && memory[2 * MIB] == 1);
	return 0;
}

/* A loop that writes code, runs it, and writes it again, as every just-in-time compiler does. */
static int code_is_rewritten(void)
{
	unsigned char *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(code != MAP_FAILED);
	for (unsigned char i = 0; i < 20; i++) {
		const unsigned char function[] = { 0xb8, i, 0, 0, 0, 0xc3 }; /* mov $i, %eax; ret */

		EXPECT(mprotect(code, PAGE, PROT_READ | PROT_WRITE) == 0);
		memcpy(code, function, sizeof function);
		EXPECT(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
		EXPECT(((int (*)(void))code)() == i);
	}
	return 0;
}

/* READ_IMPLIES_EXEC: what is mapped to be read may be executed. */
static int reading_implies_execution(void)
{
	const unsigned char function[] = { 0xb8, 7, 0, 0, 0, 0xc3 }; /* mov $7, %eax; ret */
	unsigned char *code;

	EXPECT(personality(READ_IMPLIES_EXEC) == 0);
	EXPECT(personality(0xffffffff) == READ_IMPLIES_EXEC);
	code = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(code != MAP_FAILED);
	memcpy(code, function, sizeof function);
	EXPECT(((int (*)(void))code)() == 7);
	EXPECT(personality(0) == READ_IMPLIES_EXEC && personality(0xffffffff) == 0);
	return 0;
}

/* From its far end, where a system call writes first. */
__attribute__((noinline)) static void use_stack(size_t size)
{
	char local[size];
	int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	EXPECT(read(zeros, local, PAGE) == (ssize_t)PAGE);
	for (size_t at = size; at > 0; at -= MIB) {
		EXPECT(touch(&local[at - PAGE], 1) == 0);
	}
	EXPECT(close(zeros) == 0);
}

static void limit_stack(rlim_t soft)
{
	struct rlimit limit;

	EXPECT(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_max >= soft);
	limit.rlim_cur = soft;
	EXPECT(setrlimit(RLIMIT_STACK, &limit) == 0);
}

static int stack_reaches_a_limit_that_was_raised(void)
{
	limit_stack(100 * MIB);
	use_stack(90 * MIB);
	return 0;
}

/* Programs that keep their arrays there are begun so. */
static int stack_without_a_limit_is_large(void)
{
	if (getenv("LARGE") == NULL) {
		limit_stack(RLIM_INFINITY);
		EXPECT(setenv("LARGE", "1", 1) == 0);
		EXPECT(execl("/proc/self/exe", "memory", __func__, NULL) == 0);
	}
	use_stack(300 * MIB);
	return 0;
}

static int fork_copies(void)
{
	char *private = map(4 * MIB, PROT_READ | PROT_WRITE);
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t child;

	private[0] = private[3 * MIB] = 'p';
	child = fork();
	EXPECT(child >= 0);
	if (child == 0) {
		private[0] = 'c';
		shared[0] = private[3 * MIB];
		_exit(private[0] == 'c' ? 0 : 1);
	}
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	EXPECT(private[0] == 'p' && shared[0] == 'p');
	return 0;
}

static int bad_requests_have_the_kernels_answers(void)
{
	char *memory = map(PAGE, PROT_READ);

	EXPECT(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 77, 0) == MAP_FAILED && errno == EBADF);
	EXPECT(mmap(memory, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
		       MAP_FAILED &&
	       errno == EEXIST);
	EXPECT(munmap(memory + 1, PAGE) == -1 && errno == EINVAL);
	EXPECT(mprotect(memory + 1, PAGE, PROT_READ) == -1 && errno == EINVAL);
	EXPECT(munmap(memory, PAGE) == 0 && munmap(memory, PAGE) == 0);
	EXPECT(mprotect(memory, PAGE, PROT_READ) == -1 && errno == ENOMEM);
	EXPECT(mremap(memory, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
	EXPECT(mmap((void *)(1ul << 63), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		       MAP_FAILED &&
	       errno == ENOMEM);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE(fresh_memory_is_zero),
		CASE(unmapped_is_gone),
		CASE(protection_changes),
		CASE(remapping_keeps_contents),
		CASE(heap_moves),
		CASE(large_heap),
		CASE(reservation_costs_nothing),
		CASE(far_addresses_are_mapped),
		CASE(files_are_shared),
		CASE(discarded_memory_is_zero),
		CASE(code_is_rewritten),
		CASE(reading_implies_execution),
		CASE(stack_reaches_a_limit_that_was_raised),
		CASE(stack_without_a_limit_is_large),
		CASE(fork_copies),
		CASE(bad_requests_have_the_kernels_answers),
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
