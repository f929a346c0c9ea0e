/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asking an agent about a call (seccomp_unotify(2)): the call is made on the host with the guest's number and
 * arguments, from the one place about which a filter of the kernel's says USER_NOTIF.  Everything else is between
 * the kernel and the agent: it reads the guest's memory, answers, adds descriptors, or lets the call go on.
 */
#ifndef KR_VM_NOTIFY_H
#define KR_VM_NOTIFY_H

#include "../base/err.h"
#include "seccomp.h"

/* Lay the place out, if a filter has a listener.  Once an image, before the guest runs.  0 or -1. */
int kr_notify_prepare(const struct kr_seccomp *seccomp, struct kr_err *err);

#endif
