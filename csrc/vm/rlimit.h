/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's resource limits.  specs/decisions/0008-limits.md says which of them the host's kernel enforces and
 * which the monitor keeps for itself, because they would hit the monitor as well.
 */
#ifndef KR_VM_RLIMIT_H
#define KR_VM_RLIMIT_H

#include "../base/err.h"
#include "../base/reader.h"
#include "boot.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kr_machine;

struct kr_limit {
	uint64_t soft;
	uint64_t hard;
};

/* What the monitor keeps: AS, DATA, STACK and CORE wholly; of NOFILE and NPROC the hard limit, while the soft one
 * binds in the kernel too and is lifted for the monitor's own needs. */
struct kr_limits {
	struct kr_limit kept[KR_LIMITS]; /* by resource; only those of kr_limits_keep */
	bool is_settled;
	uint32_t tasks; /* what the kernel counts for RLIMIT_NPROC when the guest has one process */
};

/* True when getrlimit(2) is answered by the monitor. */
bool kr_limits_keep(int resource);
/* Begin with the host's limits and those of the record, and lift what would hinder the monitor. */
int kr_limits_begin(struct kr_machine *machine, struct kr_bytes record, struct kr_err *err);
/* The guest begins: from here on its limits bind.  `record` as above. */
int kr_limits_settle(struct kr_machine *machine, struct kr_bytes record, struct kr_err *err);
/* For the monitor's own descriptors and tasks, after a failure or in a process of one thread: the soft limits of
 * the host go up to the hard ones, and back. */
void kr_limits_lift(struct kr_machine *machine);
void kr_limits_restore(struct kr_machine *machine);
/* What `call` returns, which makes a descriptor of the monitor's.  Natively the guest would need none: where its
 * limit is in the way, the call is made once more without. */
#define KR_BEYOND_LIMITS(machine, call) \
	({ \
		__auto_type kr_made = (call); \
		if (kr_made < 0 && errno == EMFILE) { \
			kr_limits_lift(machine); \
			kr_made = (call); \
			kr_limits_restore(machine); \
		} \
		kr_made; \
	})
/* True when the guest's address space may grow by `all` bytes, of them `data` private and writable. */
bool kr_limits_allow(const struct kr_machine *machine, uint64_t all, uint64_t data);
/* Write the limits that the next image has to know: `bytes` is kr_limits_record_size long. */
size_t kr_limits_record_size(void);
void kr_limits_record(const struct kr_machine *machine, uint8_t *bytes);

#endif
