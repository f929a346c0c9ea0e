/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Descriptors in messages (SCM_RIGHTS).  None of the monitor's may be sent, and in a process of several threads a
 * number that is the guest's when it is looked at may be the monitor's a moment later, where another thread has the
 * monitor make a descriptor.
 *
 * A duplicate of the guest's descriptor would stay what it is, but has to be closed, and with any descriptor of a
 * file that it closes a process gives up its locks on it (fcntl(2)).  So the kernel takes the files by the guest's
 * own numbers, in a call that does not wait and is made in turn with whoever makes a descriptor.
 */
#ifndef KR_VM_RIGHTS_H
#define KR_VM_RIGHTS_H

#include "calls.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

/* The kernel's structure: the C library's has narrower fields, and what is checked is what is passed on. */
struct kr_header {
	void *name;
	uint32_t name_size;
	struct iovec *vector;
	uint64_t vector_count;
	void *control;
	uint64_t control_size;
	uint32_t flags;
};

/* Send a message by the descriptor `fd`.  The header, its vector and, with `has_control`, its control data are
 * copies of the monitor's, and may be changed.  What the kernel returns, or -errno. */
int64_t kr_rights_send(struct kr_thread *thread, uint64_t fd, struct kr_header *header, uint64_t flags,
		       bool has_control);

#endif
