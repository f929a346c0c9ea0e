/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "own_stack.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* Several times what the deepest way through the monitor takes; only what is touched costs memory. */
#define STACK_BYTES ((size_t)1 << 20)

int kr_on_enough_stack(int (*body)(int argc, char **argv), int argc, char **argv)
{
	struct rlimit limit;
	char *stack;

	if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= STACK_BYTES) {
		return body(argc, argv);
	}
	stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	return stack != MAP_FAILED ? kr_call_on_stack(argc, argv, body, stack + STACK_BYTES) : body(argc, argv);
}
