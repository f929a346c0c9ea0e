/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Huge pages for memory that a program fills.  In the guest a first touch costs the same for a huge page as for a
 * small one; but memory is to be taken when it is touched, and much of what programs map they never touch.
 */
#ifndef KR_VM_HUGE_H
#define KR_VM_HUGE_H

#include "machine.h"

#include <stdint.h>

/* The guest is about to write the first byte of `block`, which lies in `region`.  Where it has written all of the
 * block below or above, this one may become one page of the host's. */
void kr_huge_consider(const struct kr_machine *machine, const struct kr_region *region, uint64_t block);

#endif
