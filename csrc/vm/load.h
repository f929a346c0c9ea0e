/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From a path to a program in the guest's memory: scripts are followed to their interpreter, dynamic programs
 * bring theirs along.
 */
#ifndef KR_VM_LOAD_H
#define KR_VM_LOAD_H

#include "machine.h"
#include "script.h"

#include <stdint.h>

#define KR_SCRIPT_DEPTH 4

struct kr_image {
	uint64_t entry;         /* where the guest begins */
	uint64_t program_entry; /* AT_ENTRY */
	uint64_t table_address; /* AT_PHDR */
	uint16_t table_count;
	uint64_t interpreter_base; /* AT_BASE, 0 without one */
	uint64_t code_start;
	uint64_t code_end;
	uint64_t data_start;
	uint64_t data_end;
	bool executable_stack;
	/* What scripts put in front of the payload's arguments, in order; args[0] is dropped then. */
	uint32_t script_args;
	const char *script_arg[2 * KR_SCRIPT_DEPTH + 1];
	char lines[KR_SCRIPT_DEPTH][KR_SCRIPT_LINE];
};

/* Open `path`, follow scripts, and check what would be loaded, without loading it.  `thread`: the calling one.
 * 0, 1 when it is a script, or -1 with the errno that execve would have: ENOENT, EACCES, ENOEXEC, ELIBBAD, … */
int kr_load_check(struct kr_thread *thread, const char *path, struct kr_err *err);
/* Load `path` into an empty machine.  The interpreter of a script is told that it is `name`. */
int kr_load(struct kr_machine *machine, const char *path, const char *name, struct kr_image *image,
	    struct kr_err *err);

#endif
