/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From a boot record to the guest's first instruction.
 */
#ifndef KR_VM_LAUNCH_H
#define KR_VM_LAUNCH_H

#include "boot.h"
#include "machine.h"
#include "thread.h"

/* Build the machine, load the payload, confine the monitor and pass the barrier.  On success the thread is ready
 * for kr_run, and nothing that the record points to is needed any more. */
int kr_launch(struct kr_boot *boot, struct kr_machine *machine, struct kr_thread *thread, struct kr_err *err);

#endif
