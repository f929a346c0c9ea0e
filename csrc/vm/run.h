/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The life of a guest thread: run, serve what stopped it, run again.
 */
#ifndef KR_VM_RUN_H
#define KR_VM_RUN_H

#include "thread.h"

/* Run the calling thread's guest until it ends (the main thread's host thread ends with it). */
void kr_run(struct kr_thread *thread);

#endif
