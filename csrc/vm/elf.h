/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The ELF reader: pure, it sees bytes and answers with checked numbers or one line that says what the file is.
 * Out of scope: files and mappings (load.c).
 */
#ifndef KR_VM_ELF_H
#define KR_VM_ELF_H

#include "../base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KR_ELF_SEGMENTS    64u
#define KR_ELF_TABLE_BYTES 65536u /* of program headers; the kernel's own limit */
#define KR_ELF_HEADER      64u

struct kr_elf_segment {
	uint64_t address; /* of its first byte, relative to the load bias */
	uint64_t memory_size;
	uint64_t offset;
	uint64_t file_size;
	int prot; /* PROT_* */
};

struct kr_elf {
	bool is_fixed; /* ET_EXEC: linked for its addresses */
	bool has_interpreter;
	bool executable_stack; /* PT_GNU_STACK asks for it */
	uint64_t entry;
	uint64_t table_offset; /* of the program headers in the file */
	uint32_t table_bytes;
	uint16_t table_count;
	uint64_t table_address; /* of the program headers in memory, 0 when no segment holds them */
	uint64_t interpreter_offset;
	uint64_t interpreter_bytes;
	uint64_t low; /* page-aligned range that the segments span */
	uint64_t high;
	uint64_t code_start; /* of what may be executed, and of what the file has of the rest, as Linux tells it */
	uint64_t code_end;
	uint64_t data_start;
	uint64_t data_end;
	uint64_t align; /* largest alignment of a segment, at least a page */
	uint32_t segments;
	struct kr_elf_segment segment[KR_ELF_SEGMENTS]; /* by ascending address, without overlap */
};

/* Read the first `size` bytes of a file of `file_size` bytes: what kind of file it is, where its program headers
 * are.  0 or -1 with code ENOEXEC. */
int kr_elf_read_header(struct kr_elf *elf, const uint8_t *head, size_t size, uint64_t file_size,
		       struct kr_err *err);
/* Read the program headers, elf->table_bytes bytes.  0 or -1 with code ENOEXEC. */
int kr_elf_read_segments(struct kr_elf *elf, const uint8_t *table, uint64_t file_size, struct kr_err *err);

#endif
