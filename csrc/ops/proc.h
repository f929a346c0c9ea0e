/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The private procfs.  Whatever is written below /proc goes through it, never through a path that the image
 * or one of its volumes could have put something else under (CVE-2019-16884, CVE-2025-52881).
 */
#ifndef KR_PROC_H
#define KR_PROC_H

#include "../base/err.h"
#include "../stage/stage.h"

#include <stdbool.h>

/* True when the descriptor is on a procfs. */
bool kr_is_proc(int fd);
/* The stage's procfs, opened by now at the latest. */
int kr_proc(struct kr_stage *stage, struct kr_err *err);
/* Open `path`, relative to the root of the procfs, and make sure that it is there.  `path` is named in the
 * error.  Returns a descriptor of the caller's, or -1. */
int kr_proc_open(struct kr_stage *stage, const char *path, int flags, struct kr_err *err);
/* Write `text` to a file of the procfs at once. */
int kr_proc_write(struct kr_stage *stage, const char *path, const char *text, struct kr_err *err);
/* The same for a setting, below `sys`, which the stage's procfs does not have. */
int kr_proc_set(struct kr_stage *stage, const char *path, const char *text, struct kr_err *err);
/* Open again, with other flags, what an O_PATH descriptor stands for. */
int kr_proc_reopen(struct kr_stage *stage, int fd, int flags, struct kr_err *err);

#endif
