/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host's side of a forwarded call: see host_call.S.  kr_host_call() of calls.h is the way to use it.
 */
#ifndef KR_VM_HOST_CALL_H
#define KR_VM_HOST_CALL_H

#include <stddef.h>
#include <stdint.h>

struct clone_args;

#define KR_CALL_SKIPPED (-513)

int64_t kr_host_call_enter(const volatile int *pending, int64_t nr, const uint64_t arg[6]);
/* Addresses inside it, for the signal handler. */
extern const char kr_host_call_check[];
extern const char kr_host_call_done[];
extern const char kr_host_call_skip[];
void kr_signal_restorer(void);

/* clone3(2) with a stack for the child, which calls child(argument); that does not return. */
int64_t kr_host_clone(const struct clone_args *args, size_t size, void (*child)(void *), void *argument);

#endif
