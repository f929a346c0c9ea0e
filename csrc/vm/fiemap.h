/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * FS_IOC_FIEMAP: where the parts of a file lie on its device.
 */
#ifndef KR_VM_FIEMAP_H
#define KR_VM_FIEMAP_H

#include "calls.h"

/* The ioctl on `fd` with the guest's struct fiemap at `request`. */
int64_t kr_fiemap(struct kr_thread *thread, int fd, uint64_t request);

#endif
