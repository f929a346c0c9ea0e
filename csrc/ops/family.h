/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Processes that this one has started, and those that they have left behind.
 */
#ifndef KR_FAMILY_H
#define KR_FAMILY_H

#include "../stage/stage.h"

/* Kill and wait for all children of the calling thread.  A caller that adopts orphans (PR_SET_CHILD_SUBREAPER)
 * thereby ends all that descends from it: whoever outlives its parent is a child in the next round. */
void kr_kill_children(struct kr_stage *stage);

#endif
