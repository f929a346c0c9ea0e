/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The payload's own files of procfs that tell of the monitor where they should tell of the payload: mappings
 * (maps.h), sizes of memory, threads and limits (own_status.h), and `syscall`, whose registers are the monitor's.
 */
#ifndef KR_VM_OWN_PROC_H
#define KR_VM_OWN_PROC_H

#include "thread.h"

enum kr_own_file {
	KR_OWN_NONE,
	KR_OWN_MAPS,
	KR_OWN_SMAPS,
	KR_OWN_ROLLUP,
	KR_OWN_NUMA_MAPS,
	KR_OWN_STAT,
	KR_OWN_STATM,
	KR_OWN_STATUS,
	KR_OWN_LIMITS,
	KR_OWN_SYSCALL
};

/* Which file of this process or of one of its threads `path` is, as a procfs names an open file. */
enum kr_own_file kr_own_file_named(const char *path);
/* A new file with what the payload is to find in `file`, an O_PATH descriptor of such a file, now.  A descriptor
 * of the monitor's, or -errno. */
int kr_own_file_snapshot(struct kr_thread *thread, enum kr_own_file kind, int file);

#endif
