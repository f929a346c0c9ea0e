/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Why a virtual processor came back from the guest.
 */
#ifndef KR_VM_STOP_H
#define KR_VM_STOP_H

#include <stdbool.h>
#include <stdint.h>

#define KR_PORT_CALL  0x8000u /* + number of the system call */
#define KR_PORT_CALLS 0x1000u

enum kr_stop_kind {
	KR_STOP_SYSCALL,   /* registers hold the call, RCX and R11 what to return to */
	KR_STOP_HYPERCALL, /* number: the call; %gs:0 the block */
	KR_STOP_EXCEPTION, /* vector, error, address */
	KR_STOP_MEMORY,    /* the host has no page behind a mapped address */
	KR_STOP_SIGNAL,    /* KVM_RUN was interrupted, or stopped for nothing */
	KR_STOP_BROKEN     /* the processor cannot go on: `code`, or else `number`, KVM's reason */
};

struct kr_stop {
	enum kr_stop_kind kind;
	uint32_t number;
	int code; /* the errno with which KVM_RUN failed, 0 when it did not */
	uint32_t vector;
	bool has_frame; /* of an exception that the processor has raised itself */
	uint64_t error;
	uint64_t address;
};

#endif
