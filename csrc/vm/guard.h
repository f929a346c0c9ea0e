/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which files of the host the guest must not open: those that lead into the monitor.
 */
#ifndef KR_VM_GUARD_H
#define KR_VM_GUARD_H

#include "calls.h"

#include <linux/openat2.h>
#include <stdbool.h>

/* Open a file for the guest, as openat2(2) does, with a copied path.  No descriptor
 * of a forbidden file ever stands at a number that the guest can reach, not even for a moment:
 *
 *   /proc/PID/mem     the monitor's memory                      EACCES
 *   /dev/kvm          under whatever name                       EACCES
 *   the monitor's own procfs, through its descriptor            ENOENT
 *   the monitor's image (/proc/PID/exe, map_files, …)           the payload's file instead
 *   /proc/self/maps   where the monitor's memory lies           the payload's mappings instead
 *   … smaps, numa_maps
 *   /proc/self/stat   sizes of the monitor's memory, KVM's      the payload's
 *   … statm, status,  thread, the monitor's seccomp, limits
 *   limits, syscall   and registers
 *
 * Returns a descriptor or -errno. */
int64_t kr_guarded_open(struct kr_thread *thread, int directory, const char *path, const struct open_how *how);

/* True when `path` below `directory` (AT_FDCWD, or a descriptor) is a link of a procfs to the monitor's image. */
bool kr_is_link_to_image(struct kr_thread *thread, int directory, const char *path);

#define KR_DESCRIPTOR_LINK 40

/* The link of a descriptor below the monitor's procfs or, without one, by its path in the guest's. */
void kr_write_descriptor_link(int proc, int fd, char name[KR_DESCRIPTOR_LINK]);

/* True when the open file is on a procfs. */
bool kr_is_on_procfs(int fd);

#endif
