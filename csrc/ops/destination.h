/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Places inside the container's root: found, or made, by walking from descriptor to descriptor, so that no
 * symbolic link of the image and no race with another container leads out (CVE-2021-30465, CVE-2024-45310).
 */
#ifndef KR_DESTINATION_H
#define KR_DESTINATION_H

#include "../base/err.h"
#include "../stage/stage.h"

#include <stdbool.h>
#include <sys/types.h>

/* How symbolic links of the image are taken on the way. */
enum kr_links {
	KR_LINKS_IN_ROOT, /* followed, as the container would */
	KR_LINKS_NONE,    /* an error: ELOOP */
};

/* Open the directory `path`, after making what is missing of it with `mode`.  An O_PATH descriptor, or -1. */
int kr_make_directory(int root, const char *path, mode_t mode, enum kr_links links, struct kr_err *err);
/* The same for a file: an empty one is made when there is nothing. */
int kr_make_file(int root, const char *path, mode_t mode, enum kr_links links, struct kr_err *err);
/* Open the directory in which the last component of `path` stands, after making what is missing of it, and
 * store that component (NAME_MAX + 1 bytes). */
int kr_make_parent(int root, const char *path, enum kr_links links, char *name, struct kr_err *err);

#endif
