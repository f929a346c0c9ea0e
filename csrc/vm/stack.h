/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's first stack: arguments, environment and auxiliary vector, as the psABI has them.
 */
#ifndef KR_VM_STACK_H
#define KR_VM_STACK_H

#include "../base/reader.h"
#include "load.h"

/* Where the kernel has to look for what `ps` shows. */
struct kr_stack {
	uint64_t pointer; /* RSP at the entry */
	uint64_t args_start;
	uint64_t args_end;
	uint64_t env_start;
	uint64_t env_end;
	uint64_t aux_start;
	uint32_t aux_bytes;
};

/* Choose where stack and mappings lie; before the program is loaded. */
int kr_stack_place(struct kr_machine *machine, struct kr_err *err);
/* Fill the stack; after the program is loaded.  E2BIG when the strings are longer than a quarter of it. */
int kr_stack_build(struct kr_machine *machine, const struct kr_image *image, const char *path,
		   struct kr_strings args, struct kr_strings env, struct kr_stack *stack, struct kr_err *err);
/* Let the stack reach down to a limit that has been raised, as far as there is room.  Under memory_lock. */
void kr_stack_extend(struct kr_machine *machine);

#endif
