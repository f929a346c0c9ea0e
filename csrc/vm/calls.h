/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hypercalls: how a guest's system call is looked up, filtered, checked and served.
 *
 * The guest's memory is the arena: one fixed range of host addresses, equal to the guest's virtual
 * addresses, in which nothing of the monitor ever lies.  A pointer of the guest is good when what it spans
 * lies in the arena; whether a page is really there, the host's kernel finds out with the same EFAULT that
 * it would give the program without a VM.  Structures that hold pointers are copied out of the arena first
 * and checked in the copy.
 */
#ifndef KR_VM_CALLS_H
#define KR_VM_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kr_thread; /* one guest thread with its vCPU; thread.h */

struct kr_call {
	int64_t nr;      /* Linux x86-64 system-call number */
	uint64_t arg[6];
	uint64_t ip;     /* guest address of the instruction after the trap */
};

/* Serve one hypercall from the table of specs/hypercalls.yaml: seccomp, argument check, then forward,
 * emulate or refuse.  Returns what the kernel would: a value, or -errno. */
int64_t kr_dispatch(struct kr_thread *thread, const struct kr_call *call);

/* What a handler named by `serve: emulate` looks like: kr_call_<name>. */
typedef int64_t kr_handler(struct kr_thread *thread, const struct kr_call *call);

/* True when [address, address + size) lies in the arena; size 0 is always good. */
bool kr_guest_has(uint64_t address, uint64_t size);

/* Copy between the arena and the monitor.  0, or -EFAULT when the range is not the guest's or not there. */
int kr_copy_from_guest(void *to, uint64_t from, size_t size);
int kr_copy_to_guest(uint64_t to, const void *from, size_t size);
/* Copy a NUL-terminated string of less than `size` bytes.  Its length, -EFAULT or -ENAMETOOLONG. */
int64_t kr_copy_string(char *to, uint64_t from, size_t size);

/* Make a system call on the guest's behalf.  A signal for the guest that arrives before or during it makes
 * it return -EINTR instead of blocking: there is no window in which the signal could be missed. */
int64_t kr_host_call(struct kr_thread *thread, int64_t nr, const uint64_t arg[6]);

#endif
