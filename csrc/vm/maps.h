/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * /proc/self/maps as the guest's own kernel would show it.  The host's has the monitor in it, and nothing there is
 * executable: what looks for its code in it, as profilers, debuggers and just-in-time compilers do, finds none.
 */
#ifndef KR_VM_MAPS_H
#define KR_VM_MAPS_H

#include "thread.h"

/* A new file with what the maps are now: a descriptor with the lowest free number, or -errno. */
int kr_maps_snapshot(struct kr_thread *thread);

#endif
