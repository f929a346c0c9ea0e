/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The table that csrc/vm/generate_hypercalls.py writes from specs/hypercalls.yaml, and the check of a call's
 * arguments against it.
 */
#ifndef KR_VM_HYPERCALL_H
#define KR_VM_HYPERCALL_H

#include "calls.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kr_arg_kind {
	KR_ARG_NONE = 0, /* the call has no such argument                                            */
	KR_ARG_VALUE,    /* a number                                                                 */
	KR_ARG_FD,       /* a descriptor: not the monitor's                                          */
	KR_ARG_TEXT,     /* a pointer to a string or to a page of mount data                         */
	KR_ARG_SPAN,     /* a pointer to `size` bytes, times the argument `count` when there is one  */
	KR_ARG_BITS,     /* a pointer to as many bits as the argument `count` says, in whole words   */
	KR_ARG_IOVEC     /* a pointer to `count` struct iovec                                        */
};

#define KR_NO_COUNT 0xff

struct kr_arg {
	uint8_t kind;  /* enum kr_arg_kind */
	uint8_t count; /* number of the argument that counts the elements, or KR_NO_COUNT */
	bool nullable; /* NULL is passed on */
	uint32_t size; /* bytes of one element */
};

enum kr_serve { KR_SERVE_FORWARD = 1, KR_SERVE_EMULATE, KR_SERVE_REFUSE };

struct kr_entry {
	const char *name;
	kr_handler *handler; /* of KR_SERVE_EMULATE */
	uint16_t nr;
	uint8_t serve;   /* enum kr_serve */
	uint8_t restart; /* enum kr_restart */
	int16_t error;   /* of KR_SERVE_REFUSE, as a positive errno */
	struct kr_arg arg[6];
	bool notifies; /* an agent may be asked about it, and let it go on: kr_check_notified */
};

/* The served calls in the order of their numbers. */
extern const struct kr_entry kr_call_table[];
extern const size_t kr_call_table_size;
/* The host calls that the monitor makes for itself, in the order of their numbers. */
extern const uint16_t kr_monitor_calls[];
extern const size_t kr_monitor_calls_size;

/* The entry of a call number, NULL when the table does not have it. */
const struct kr_entry *kr_call_find(int64_t nr);

/* Room for the copies that a checked call passes to the kernel instead of the guest's own structures. */
struct kr_scratch {
	size_t used;
	_Alignas(16) unsigned char bytes[2 * IOV_MAX * 16 + 4 * PATH_MAX];
};
#define KR_SCRATCH_INIT(scratch) ((scratch)->used = 0)

/* `size` bytes of the room, NULL when it is exhausted. */
void *kr_scratch_take(struct kr_scratch *scratch, size_t size);

/* An address where nobody has memory, for a span of `size` bytes at `address` that is not the guest's.  The kernel
 * answers as it would for the guest's own: the kernel's half, NULL and the pages after it stay what they are, and
 * of all others the offset in their page is kept. */
uint64_t kr_stand_in(uint64_t address, uint64_t size);

/* Check a call's arguments and write to `host` what may be passed to the kernel: descriptors that are not the
 * monitor's, spans that lie in the arena, strings that end in it, copies of iovec arrays, and kr_stand_in of the
 * pointers that are bad.  The strings of an emulated call are left to its handler.  0 or -errno. */
int kr_check_args(const struct kr_entry *entry, const struct kr_call *call, struct kr_scratch *scratch,
		  uint64_t host[6]);

/* The arguments of a call that `notifies`, as an agent sees them and the kernel makes the call with, at any time
 * later: those of kr_check_args without copies, and -1 in the place of a descriptor of the monitor's.  A string may
 * end behind the arena, where for a page nobody has memory. */
void kr_check_notified(const struct kr_entry *entry, const struct kr_call *call, uint64_t host[6]);

/* Copy `count` struct iovec, each limited to what is the guest's; *to points into the room.  0 or -errno. */
int kr_copy_iovec(struct kr_scratch *scratch, uint64_t from, uint64_t count, uint64_t *to);

/* Let *text be a path or other string that the kernel may read: what is wrong with it, and with the rest, the
 * kernel says.  0 or -ENOMEM. */
int kr_check_text(struct kr_scratch *scratch, uint64_t *text);

/* Check the arguments by the call's entry and make the call: what `serve: forward` does. */
int64_t kr_forward(struct kr_thread *thread, const struct kr_call *call);

#endif
