/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Copying a directory of the image's into a new file system, from descriptor to descriptor: what is opened is what
 * was looked at, no symbolic link is followed and no mount is entered.
 */
#ifndef KR_COPY_H
#define KR_COPY_H

#include "../base/err.h"

/* Copy what is in the directory `from` to the empty directory `to`, both of which may be O_PATH: directories,
 * files, symbolic links and FIFOs, with owners, modes and times.  Devices and sockets are left out. The error names
 * the entry by its name: ENOSPC where the file system is too small for it. */
int kr_copy_contents(int from, int to, struct kr_err *err);

#endif
