/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Paths inside a container's root.  The image is hostile: each of its paths is resolved by the kernel with
 * openat2(RESOLVE_IN_ROOT), in which neither ".." nor a symbolic link leads out, and is used through the
 * descriptor that this gives.
 */
#ifndef KR_PATH_H
#define KR_PATH_H

#include <stdint.h>

/* Open `path` as a process whose root is the directory `root` would.  Magic links (/proc/self/fd/N) are
 * refused.  flags: those of open(2), O_CLOEXEC is added; mode: for O_CREAT.
 * Returns a descriptor, or -1 with errno: openat2(2)'s. */
int kr_open_in_root(int root, const char *path, uint64_t flags, uint64_t mode);
/* The same, and no symbolic link is followed anywhere on the way: ELOOP. */
int kr_open_in_root_straight(int root, const char *path, uint64_t flags, uint64_t mode);

#endif
