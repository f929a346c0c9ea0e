/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The monitor's confinement: no_new_privs, and a seccomp filter in the kernel that allows what
 * the table forwards and what the monitor itself needs, narrowed by what the container's profile denies
 * whatever the arguments.
 */
#ifndef KR_VM_CONFINE_H
#define KR_VM_CONFINE_H

#include "../base/err.h"

#include <linux/filter.h>
#include <stddef.h>

/* Confine this process, once, before the first guest instruction; an image that is executed later inherits it
 * and must not call this again.  `profile` is the container's filter as kr_seccomp_encode writes it, size 0
 * for none.  It applies to all threads.  Returns 0 or -1. */
int kr_confine(const struct sock_filter *profile, size_t size, struct kr_err *err);

#endif
