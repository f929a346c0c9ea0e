/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Lets a User-Mode Linux kernel before 6.13 run on processors with more state than it knows (AMX).
 *
 * It writes the floating point state of its processes in a buffer of fixed size, and the host takes only the
 * whole of it (EFAULT).  Preloaded, this ptrace() reads the rest from the process and puts it behind.
 */
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define LARGEST_STATE (64u * 1024u)

typedef long ptrace_function(enum __ptrace_request request, pid_t pid, void *address, void *data);

long ptrace(enum __ptrace_request request, ...)
{
	ptrace_function *next = (ptrace_function *)dlsym(RTLD_NEXT, "ptrace");
	/* Not on the stack: User-Mode Linux calls this on its kernel's, which has two pages.  One processor, and
	 * no interrupt comes back here: nobody else writes to it. */
	static unsigned char state[LARGEST_STATE];
	struct iovec whole = { .iov_base = state, .iov_len = sizeof state };
	struct iovec *part;
	va_list arguments;
	void *address;
	void *data;
	pid_t pid;

	va_start(arguments, request);
	pid = va_arg(arguments, pid_t);
	address = va_arg(arguments, void *);
	data = va_arg(arguments, void *);
	va_end(arguments);
	part = data;
	if (request == PTRACE_SETREGSET && (size_t)address == NT_X86_XSTATE && part->iov_len < sizeof state &&
	    next(PTRACE_GETREGSET, pid, address, &whole) == 0 && part->iov_len < whole.iov_len) {
		memcpy(state, part->iov_base, part->iov_len);
		return next(request, pid, address, &whole);
	}
	return next(request, pid, address, data);
}
