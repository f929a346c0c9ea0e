/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a parent hears of a child that has a copy of its memory, by a pipe whose other end the child alone has open:
 * first whether the child's machine stands, without which there is no child, and for CLONE_VFORK when it has
 * executed a program or ended.
 *
 * The kernel would have the parent wait inside its clone, in which it holds the monitor's locks, and its other
 * threads with it: one of them may be who the child waits for.  So the parent waits behind it.
 */
#ifndef KR_VM_AWAITED_H
#define KR_VM_AWAITED_H

#include "calls.h"
#include "descriptors.h"

#include <sys/types.h>

struct kr_machine;

/* Both ends are the monitor's descriptors. */
struct kr_awaited {
	int parents;
	int childs;
};

/* Of a child that its parent hears nothing of: it is killed where it cannot be. */
#define KR_AWAITED_NOT ((struct kr_awaited){ .parents = -1, .childs = -1 })

/* At the start of a program: keep a number for a parent's end.  A child that lists its parent's descriptors before
 * the parent has closed that end leaves out what is the monitor's in the child, too. */
void kr_awaited_keep_place(struct kr_machine *machine);
/* Before the fork, with its locks held.  0; or, where there are no descriptors for it, -EAGAIN and KR_AWAITED_NOT.
 */
int kr_awaited_open(struct kr_thread *thread, struct kr_awaited *awaited);
/* In the parent, with the locks still held. */
void kr_awaited_keep_parents(struct kr_thread *thread, const struct kr_awaited *awaited);
/* In the child, which was alone with its parent's memory so far: it hears of none of its brothers. */
void kr_awaited_keep_childs(struct kr_thread *thread);
/* In the child: its machine stands.  Whether its parent hears of its further way, too. */
void kr_awaited_tell(struct kr_thread *thread, const struct kr_awaited *awaited, bool is_to_the_end);
/* In the child: no machine can be made for it, for `code`, an errno.  It ends here. */
_Noreturn void kr_awaited_fail(struct kr_thread *thread, const struct kr_awaited *awaited, int code);
/* A process whose record of descriptors is a copy: nobody waits for this one. */
void kr_awaited_forget(struct kr_descriptors *descriptors);
/* In the parent, without locks and with every signal blocked on the host: wait until the child's machine stands, or
 * the child was killed before.  0; or, when there is no child after all, whose end sends `signal`, -EAGAIN or
 * -ENOMEM. */
int kr_awaited_hear(const struct kr_awaited *awaited, pid_t child, int signal);
/* The same until the child has gone its way. */
void kr_awaited_wait(const struct kr_awaited *awaited);
/* In the parent: there is nothing more to hear. */
void kr_awaited_close(struct kr_thread *thread, const struct kr_awaited *awaited);

#endif
