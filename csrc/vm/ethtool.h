/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * SIOCETHTOOL: an interface's name with a pointer to a command, which says what follows it.  Whoever captures
 * packets asks so what an interface can do, and gives up at any answer but "not supported".
 */
#ifndef KR_VM_ETHTOOL_H
#define KR_VM_ETHTOOL_H

#include "calls.h"

/* Serve it on descriptor `fd`; `request` is the guest's struct ifreq.  A command of unknown size is EOPNOTSUPP, as
 * with a driver that does not have it. */
int64_t kr_ethtool(struct kr_thread *thread, int fd, uint64_t request);

#endif
