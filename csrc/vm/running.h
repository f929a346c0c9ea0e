/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which program a process runs, this one or another.  For the kernel all of them run the monitor, and /proc/PID/exe
 * leads to its image; `pidof`, start-stop-daemon and what stops a service look there for the payload's.
 *
 * So each monitor keeps its program open, at a number behind that of its image.  Who may follow /proc/PID/exe may
 * follow /proc/PID/fd/NUMBER as well, and the kernel says what the file is called now and here.
 */
#ifndef KR_VM_RUNNING_H
#define KR_VM_RUNNING_H

#include "machine.h"

#include <sys/types.h>

/* Keep `program`, which is closed where it was. */
int kr_running_keep(struct kr_machine *machine, int program, struct kr_err *err);

/* An O_PATH descriptor of the program that the process behind `path` runs, where that is an `exe` of a procfs that
 * leads to a monitor; else -1. */
int kr_running_hold(const struct kr_machine *machine, int directory, const char *path);
/* The same program's name, with a NUL: its length, or -1. */
ssize_t kr_running_name(const struct kr_machine *machine, int directory, const char *path,
			char name[KR_PROGRAM_PATH]);

#endif
