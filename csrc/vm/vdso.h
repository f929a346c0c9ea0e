/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host's vDSO for the guest: its code and the data pages before it, so that the clock is read without
 * leaving the guest.
 */
#ifndef KR_VM_VDSO_H
#define KR_VM_VDSO_H

#include "machine.h"

/* Map it and set machine->vdso.  Where the host does not tell where its vDSO lies (no procfs), the guest does
 * without: machine->vdso is 0, and 0 is returned. */
int kr_vdso_map(struct kr_machine *machine, struct kr_err *err);

#endif
