/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fuzzes what krun-init does with a program before it runs any of it: whatever is accepted can be walked, and
 * every operand of it read, without leaving the input.
 */
#include "base/reader.h"
#include "stage/program.h"
#include "tests/check.h"

#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read every operand as the operations do. */
static void read_operands(struct kr_program *program, const struct kr_op_info *info, struct kr_reader *operands)
{
	size_t used = 0;

	for (const char *letter = info->signature; *letter != 0; letter++) {
		if (*letter == 's') {
			CHECK(strlen(kr_read_string(operands)) <= program->size);
		} else if (*letter == 'b') {
			CHECK(kr_read_bytes(operands).size <= program->size);
		} else if (*letter == 'S') {
			char **vector = kr_program_vector(program, kr_read_strings(operands), &used);

			while (*vector != NULL) {
				CHECK(strlen(*vector++) <= program->size);
			}
		} else {
			(void)kr_read_u64(operands);
		}
	}
	CHECK(!operands->failed && operands->at == operands->end && used <= program->pointer_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kr_program program = { .data = data, .size = size };
	struct kr_reader ops;
	struct kr_reader operands;
	const struct kr_op_info *info;
	struct kr_err err;
	uint32_t op;

	if (kr_program_check_header(&program, &err) != 0 || kr_program_check_ops(&program, &op, &err) != 0) {
		return 0;
	}
	ops = program.ops;
	while ((info = kr_program_next(&ops, &operands)) != NULL) {
		read_operands(&program, info, &operands);
	}
	if (program.pointers != NULL) {
		CHECK(munmap(program.pointers, program.pointer_count * sizeof(char *)) == 0);
	}
	return 0;
}
