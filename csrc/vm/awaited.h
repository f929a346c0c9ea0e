/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CLONE_VFORK for a child that has a copy of the memory.  The kernel would have the parent wait inside its clone,
 * in which it holds the monitor's locks, and its other threads with it: one of them may be who the child waits for.
 * So the parent waits behind it, for the end of a pipe whose other end the child alone has open, until it executes
 * a program or ends.
 */
#ifndef KR_VM_AWAITED_H
#define KR_VM_AWAITED_H

#include "calls.h"
#include "descriptors.h"

/* Both ends are the monitor's descriptors. */
struct kr_awaited {
	int parents;
	int childs;
};

/* Before the fork, with its locks held.  0 or -errno. */
int kr_awaited_open(struct kr_thread *thread, struct kr_awaited *awaited);
/* In the parent, with the locks still held. */
void kr_awaited_keep_parents(struct kr_thread *thread, const struct kr_awaited *awaited);
/* In the child. */
void kr_awaited_keep_childs(struct kr_thread *thread, const struct kr_awaited *awaited);
/* A process whose record of descriptors is a copy: nobody waits for this one. */
void kr_awaited_forget(struct kr_descriptors *descriptors);
/* In the parent, without locks and with every signal blocked on the host: wait until the child has gone its way. */
void kr_awaited_wait(struct kr_thread *thread, const struct kr_awaited *awaited);

#endif
