/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Mounts by descriptor.  A new mount is made detached, gets its attributes where nobody can reach it, and is
 * then moved to an open destination: no path is resolved twice.
 */
#ifndef KR_MOUNT_H
#define KR_MOUNT_H

#include "../base/err.h"
#include "../base/reader.h"

#include <stdbool.h>
#include <stdint.h>

/* Mount a new file system, detached.  Each parameter is "key=value" or "flag"; `extra` is one more, or NULL.
 * `attributes`: MOUNT_ATTR_*.
 * Returns the mount's descriptor; the error ends with what the file system said. */
int kr_mount_new(const char *fstype, const char *source, struct kr_strings parameters, const char *extra,
		 uint64_t attributes, struct kr_err *err);
/* Clone the mount at `path`, relative to `at` ("" for `at` itself); with `recursive` those below it too.
 * Returns the clone's descriptor, detached; -1 with errno. */
int kr_mount_clone(int at, const char *path, bool recursive);
/* Attach a detached mount to an open destination.  -1 with errno. */
int kr_mount_attach(int mount, int destination);
/* Change attributes.  -1 with errno. */
int kr_mount_set(int mount, uint64_t set, uint64_t clear, bool recursive);
/* Change propagation: one of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, with or without MS_REC.
 * 0 changes nothing.  -1 with errno. */
int kr_mount_propagate(int mount, uint64_t flags);

#endif
