/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The payload's own `stat`, `statm`, `status` and `limits`: what the kernel says, with the numbers that are the
 * payload's in the place of the monitor's.
 */
#ifndef KR_VM_OWN_STATUS_H
#define KR_VM_OWN_STATUS_H

#include "maps.h"
#include "text.h"
#include "thread.h"

/* memory_lock is held.  `own` is what the monitor has in memory. */
void kr_own_write_stat(struct kr_text_in *in, struct kr_text_out *out, const struct kr_thread *thread,
		       const struct kr_resident *own);
void kr_own_write_statm(struct kr_text_in *in, struct kr_text_out *out, const struct kr_thread *thread,
			const struct kr_resident *own);
void kr_own_write_status(struct kr_text_in *in, struct kr_text_out *out, const struct kr_thread *thread,
			 const struct kr_resident *own);
void kr_own_write_limits(struct kr_text_in *in, struct kr_text_out *out, const struct kr_thread *thread);

#endif
