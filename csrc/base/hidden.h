/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Descriptors that no other process finds in /proc/PID/fd: they wait in a message that nobody has received yet, and
 * the socket that holds it cannot be opened by its entry there.
 */
#ifndef KR_HIDDEN_H
#define KR_HIDDEN_H

#include "err.h"

/* Hide two descriptors, which stay the caller's.  Returns the socket that holds them (close-on-exec, the
 * caller's), or -1. */
int kr_hide_pair(const int pair[2], struct kr_err *err);
/* Take out of the socket what was hidden: the caller's, close-on-exec.  0 or -1. */
int kr_take_hidden_pair(int socket, int pair[2], struct kr_err *err);

#endif
