/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An entry of a directory as getdents64(2) writes it.  The monitor has no readdir(3): that takes memory from
 * malloc(3), whose lock the fork of another thread might copy, or a killed child leave behind in shared memory.
 */
#ifndef KR_LISTING_H
#define KR_LISTING_H

#include <stdint.h>

struct kr_listed {
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

#endif
