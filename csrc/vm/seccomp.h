/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's seccomp: programs that are run in the monitor on each hypercall, with the guest's call number,
 * arguments and instruction pointer.  The programs of a thread form a list that only grows; its nodes are shared by
 * threads and never change, so that a new thread copies struct kr_seccomp.
 */
#ifndef KR_VM_SECCOMP_H
#define KR_VM_SECCOMP_H

#include "../base/err.h"

#include <kr/notify.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kr_filter {
	const struct kr_filter *older;
	size_t size;       /* instructions of this program */
	size_t total;      /* of this and of all older ones, each with the kernel's penalty of 4 */
	bool has_listener; /* somebody answers its SECCOMP_RET_USER_NOTIF */
	struct sock_filter code[];
};

struct kr_seccomp {
	const struct kr_filter *filters; /* the newest first, NULL for none; another thread may add to it */
	bool strict;                     /* SECCOMP_MODE_STRICT: read, write, exit and rt_sigreturn only */
	bool no_new_privs;               /* the guest's view; the monitor itself always has it */
};

/* Add a checked copy of a program.  0, -EINVAL for a bad program, -ENOMEM when the list is as long as the
 * kernel would allow. */
int kr_seccomp_add(struct kr_seccomp *seccomp, const struct sock_filter *code, size_t size, bool has_listener);
/* Let go of a list that nobody else has. */
void kr_seccomp_drop(struct kr_seccomp *seccomp);

/* Run all programs.  The result is the strongest action's (the newest of equals), SECCOMP_RET_ALLOW
 * without programs.  *by, unless NULL, is the program that it comes from, NULL for none. */
uint32_t kr_seccomp_run(const struct kr_seccomp *seccomp, const struct seccomp_data *data,
			const struct kr_filter **by);

/* The programs as one array, for the boot record of the next image, and back.  One program is written as it
 * is, unless it has a listener; of several, oldest first, each stands behind an instruction
 * { .code = KR_FILTER_HEAD, .jt = KR_FILTER_LISTENER or 0, .k = size }, which no program can contain. */
size_t kr_seccomp_encoded_size(const struct kr_seccomp *seccomp);
void kr_seccomp_encode(const struct kr_seccomp *seccomp, struct sock_filter *to);
int kr_seccomp_decode(struct kr_seccomp *seccomp, const struct sock_filter *code, size_t size, struct kr_err *err);

#endif
