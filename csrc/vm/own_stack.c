/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "own_stack.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

/* Several times what the deepest way through the monitor takes; only what is touched costs memory. */
#define STACK_BYTES ((size_t)1 << 20)

struct call {
	int (*body)(int argc, char **argv);
	int argc;
	char **argv;
	int result;
};

/* makecontext(3) passes only ints. */
static void run(unsigned high, unsigned low)
{
	struct call *call = (struct call *)((unsigned long)high << 32 | low);

	call->result = call->body(call->argc, call->argv);
}

int kr_on_enough_stack(int (*body)(int argc, char **argv), int argc, char **argv)
{
	struct call call = { body, argc, argv, 0 };
	unsigned long place = (unsigned long)&call;
	struct rlimit limit;
	ucontext_t here;
	ucontext_t there;
	void *stack;

	if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= STACK_BYTES) {
		return body(argc, argv);
	}
	stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED || getcontext(&there) != 0) {
		return body(argc, argv);
	}
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = STACK_BYTES;
	there.uc_link = &here;
	makecontext(&there, (void (*)(void))run, 2, (unsigned)(place >> 32), (unsigned)place);
	return swapcontext(&here, &there) == 0 ? call.result : body(argc, argv);
}
