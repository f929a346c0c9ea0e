/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls by OUT, as KM's payloads make them: with %gs:0 at the block of result and arguments.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <asm/prctl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define PORT 0x8000

static uint64_t block[7];
static int pipe_ends[2];
static volatile int handled;

static int64_t hypercall(uint16_t number, uint64_t first, uint64_t second, uint64_t third)
{
	block[1] = first;
	block[2] = second;
	block[3] = third;
	__asm__ volatile("outl %%eax, %%dx" ::"a"(0), "d"((uint16_t)(PORT + number)) : "memory");
	return (int64_t)block[0];
}

static void fill(int number)
{
	uint64_t kept[7];

	(void)number;
	memcpy(kept, block, sizeof kept);
	EXPECT(write(pipe_ends[1], "x", 1) == 1);
	handled++;
	memcpy(block, kept, sizeof kept);
}

static void interrupted(int flags)
{
	const struct sigaction action = { .sa_handler = fill, .sa_flags = flags };
	const struct itimerval soon = { .it_value = { .tv_usec = 50000 } };

	EXPECT(syscall(SYS_arch_prctl, ARCH_SET_GS, block) == 0);
	EXPECT(pipe(pipe_ends) == 0);
	EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
	EXPECT(setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

static int restarts(void)
{
	char byte = 0;

	interrupted(SA_RESTART);
	EXPECT(hypercall(SYS_read, (uint64_t)pipe_ends[0], (uint64_t)(uintptr_t)&byte, 1) == 1);
	EXPECT(handled == 1 && byte == 'x');
	return 0;
}

static int ends_with_eintr(void)
{
	char byte = 0;

	interrupted(0);
	EXPECT(hypercall(SYS_read, (uint64_t)pipe_ends[0], (uint64_t)(uintptr_t)&byte, 1) == -EINTR);
	EXPECT(handled == 1 && byte == 0);
	EXPECT(hypercall(SYS_read, (uint64_t)pipe_ends[0], (uint64_t)(uintptr_t)&byte, 1) == 1);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE(restarts),
		CASE(ends_with_eintr),
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
