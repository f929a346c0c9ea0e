/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What an exception of the guest means: a page to be filled in, or a signal.
 */
#ifndef KR_VM_EXCEPTION_H
#define KR_VM_EXCEPTION_H

#include "thread.h"

void kr_exception_serve(struct kr_thread *thread, const struct kr_stop *stop);

/* The host has no page behind a mapped address: behind the end of a truncated file, or a guard that madvise put
 * there.  KVM does not say which address.  So the guest's tables are emptied, and the instruction raises the
 * processor's own exception for each page that it touches, until one is found that the host does not have.  What
 * KVM has derived from the entries stays true: they come back as they were, and there is nothing for the missing
 * page. */
void kr_exception_serve_missing(struct kr_thread *thread);

#endif
