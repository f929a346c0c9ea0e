/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opening a device of the host's for somebody who is not to change its node, for Python.
 */
#ifndef KR_DEVICE_H
#define KR_DEVICE_H

/* Open a device for reading and writing through a read-only mount of its own: who finds the descriptor in
 * /proc/PID/fd cannot change mode, owner or attributes of the host's node by it, whatever his rights.  Where the
 * caller may not make mounts it is opened as it is; then a container's root is not the node's owner either.
 * Returns a descriptor (close-on-exec, the caller's), or -errno. */
int kr_device_open(const char *path);

#endif
