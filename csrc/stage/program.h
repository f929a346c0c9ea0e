/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The program of kr/ops.h: read once, checked as a whole before anything of it runs.
 */
#ifndef KR_PROGRAM_H
#define KR_PROGRAM_H

#include <kr/ops.h>

#include "../base/err.h"
#include "../base/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kr_program {
	const uint8_t *data; /* the whole program */
	size_t size;
	struct kr_reader ops; /* behind the header */
	uint32_t count;
	int32_t fd[KR_FD_COUNT];
	char **pointers; /* room for the argument and environment vectors of any one operation */
	size_t pointer_count;
};

/* Map the program behind the descriptor.  Nothing of it is checked but that it is a file with a content. */
int kr_program_map(int fd, struct kr_program *program, struct kr_err *err);
/* Check the header: magic, version, size, and that each descriptor is -1 or at least 3. */
int kr_program_check_header(struct kr_program *program, struct kr_err *err);
/* Check every record: known code, operands that fill it exactly and that its signature describes.
 * Stores the index of the operation that is wrong.  Makes the room for pointers. */
int kr_program_check_ops(struct kr_program *program, uint32_t *op, struct kr_err *err);
/* Take the next operation of a checked program.  Returns its description, NULL at the end. */
const struct kr_op_info *kr_program_next(struct kr_reader *ops, struct kr_reader *operands);
/* True when an operation of this code is in the checked program. */
bool kr_program_has(const struct kr_program *program, uint16_t code);

/* Turn a list into a vector that ends with NULL, from slot `*used` of the program's pointers on; `*used` is
 * advanced.  There is room for all lists of one operation, and for one entry more. */
char **kr_program_vector(struct kr_program *program, struct kr_strings list, size_t *used);

#endif
