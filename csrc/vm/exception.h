/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What an exception of the guest means: a page to be filled in, or a signal.
 */
#ifndef KR_VM_EXCEPTION_H
#define KR_VM_EXCEPTION_H

#include "thread.h"

void kr_exception_serve(struct kr_thread *thread, const struct kr_stop *stop);

#endif
