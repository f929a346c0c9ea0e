/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A guest without a VM, for the tests of what serves its calls: an arena of real memory, descriptors that count
 * as the monitor's, and host calls that are recorded instead of made.
 */
#ifndef KR_GUEST_DOUBLE_H
#define KR_GUEST_DOUBLE_H

#include "vm/calls.h"
#include "vm/seccomp.h"

#define DOUBLE_ARENA       0x20000000ull
#define DOUBLE_ARENA_BYTES 0x10000ull
#define DOUBLE_ARENA_END   (DOUBLE_ARENA + DOUBLE_ARENA_BYTES)
#define DOUBLE_FIRST_FD    900
#define DOUBLE_LAST_FD     909

struct kr_thread {
	struct kr_seccomp seccomp;
	uint64_t robust_list;
	int64_t host_result; /* what the next host call returns */
	unsigned host_calls; /* how many were made */
	int64_t host_nr;     /* the last one */
	uint64_t host_arg[6];
	void (*on_host_call)(int64_t nr, const uint64_t arg[6]); /* sees each while it is made; or NULL */
	int held;                                                /* files, by kr_hold_file */
	int turns;                                               /* begun and not ended */
	bool is_only;                                            /* of its process */
	unsigned traps;                                          /* by SECCOMP_RET_TRAP */
	uint16_t trap_data;
	unsigned asked; /* by SECCOMP_RET_USER_NOTIF */
	int64_t asked_nr;
	unsigned kills;
	bool killed_process;
};

/* Map the arena, filled with zeros.  Once a program. */
void double_map_arena(void);

#endif
