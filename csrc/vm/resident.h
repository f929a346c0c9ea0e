/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What of a process is in memory, in KiB.
 */
#ifndef KR_VM_RESIDENT_H
#define KR_VM_RESIDENT_H

#include <stdint.h>

struct kr_resident {
	uint64_t anonymous;
	uint64_t file;
	uint64_t shared_memory;
};

#endif
