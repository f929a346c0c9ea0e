/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fuzzes the ELF reader: segments that it accepts are ordered, apart, and inside the file.  Input: a file's bytes.
 */
#include "tests/check.h"
#include "vm/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct kr_elf *elf, size_t file_size)
{
	uint64_t end = 0;

	CHECK(elf->segments > 0 && elf->segments <= KR_ELF_SEGMENTS);
	CHECK(elf->low < elf->high);
	for (uint32_t i = 0; i < elf->segments; i++) {
		const struct kr_elf_segment *segment = &elf->segment[i];

		CHECK(segment->file_size <= segment->memory_size);
		CHECK(segment->offset <= file_size && segment->file_size <= file_size - segment->offset);
		CHECK(segment->address >= end && segment->memory_size <= UINT64_MAX - segment->address);
		end = segment->address + segment->memory_size;
		CHECK(segment->address >= elf->low && end <= elf->high);
	}
	if (elf->has_interpreter) {
		CHECK(elf->interpreter_bytes <= file_size &&
		      elf->interpreter_offset <= file_size - elf->interpreter_bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kr_elf elf;
	struct kr_err err;

	if (kr_elf_read_header(&elf, data, size, size, &err) < 0) {
		return 0;
	}
	CHECK(elf.table_bytes <= KR_ELF_TABLE_BYTES);
	if (elf.table_offset > size || elf.table_bytes > size - elf.table_offset) {
		/* The loader finds that out when it reads the table. */
		return 0;
	}
	if (kr_elf_read_segments(&elf, data + elf.table_offset, size, &err) == 0) {
		judge(&elf, size);
	}
	return 0;
}
