/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host's side of a forwarded call: see host_call.S.  kr_host_call() of calls.h is the way to use it.
 */
#ifndef KR_VM_HOST_CALL_H
#define KR_VM_HOST_CALL_H

#include <kr/notify.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KR_CALL_SKIPPED (-513)

int64_t kr_host_call_enter(const volatile int *pending, int64_t nr, const uint64_t arg[6]);
/* Addresses inside it, for the signal handler. */
extern const char kr_host_call_check[];
extern const char kr_host_call_done[];
extern const char kr_host_call_skip[];
extern const char kr_host_call_end[];
void kr_signal_restorer(void);

/* Where the copy of kr_host_call_enter begins from whose SYSCALL the kernel asks an agent. */
static inline uint64_t kr_host_call_notify_start(void)
{
	return KR_NOTIFY_IP - (uint64_t)(kr_host_call_done - (const char *)(uintptr_t)kr_host_call_enter);
}

/* Whether a signal came, by its return address, where a call is about to begin. */
static inline bool kr_host_call_is_ahead(uint64_t ip)
{
	uint64_t begun = (uint64_t)(uintptr_t)kr_host_call_done;
	uint64_t window = (uint64_t)(kr_host_call_done - kr_host_call_check);

	return begun - ip - 1 < window || KR_NOTIFY_IP - ip - 1 < window;
}

#endif
