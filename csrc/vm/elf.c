/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf.h"

#include "layout.h"

#include <elf.h> /* NOLINT(readability-duplicate-include): the system's, not ours */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define INTERPRETER_MAX 4096u

_Static_assert(sizeof(Elf64_Ehdr) == KR_ELF_HEADER, "an ELF header has 64 bytes");

static const char *machine_name(uint16_t machine)
{
	switch (machine) {
	case EM_386:
		return "32-bit x86";
	case EM_ARM:
		return "32-bit ARM";
	case EM_AARCH64:
		return "64-bit ARM";
	case EM_RISCV:
		return "RISC-V";
	case EM_PPC64:
		return "64-bit PowerPC";
	case EM_S390:
		return "IBM Z";
	default:
		return NULL;
	}
}

static int check_identity(const Elf64_Ehdr *header, struct kr_err *err)
{
	const char *name = machine_name(header->e_machine);

	if (header->e_ident[EI_DATA] == ELFDATA2MSB) {
		return kr_fail(err, ENOEXEC, "is a big-endian program; krun runs x86-64 programs");
	}
	if (header->e_machine == EM_NONE) {
		return kr_fail(err, ENOEXEC, "is an ELF file for no machine; krun runs x86-64 programs");
	}
	if (header->e_machine != EM_X86_64 && name != NULL) {
		return kr_fail(err, ENOEXEC, "is a program for %s; krun runs x86-64 programs", name);
	}
	if (header->e_machine != EM_X86_64) {
		return kr_fail(err, ENOEXEC, "is a program for ELF machine %u; krun runs x86-64 programs",
			       (unsigned)header->e_machine);
	}
	if (header->e_ident[EI_CLASS] != ELFCLASS64) {
		return kr_fail(err, ENOEXEC, "is a 32-bit program (x32); krun runs x86-64 programs");
	}
	if (header->e_ident[EI_VERSION] != EV_CURRENT || header->e_ident[EI_DATA] != ELFDATA2LSB) {
		return kr_fail(err, ENOEXEC, "has a damaged ELF header");
	}
	return 0;
}

static int check_type(uint16_t type, struct kr_err *err)
{
	switch (type) {
	case ET_EXEC:
	case ET_DYN:
		return 0;
	case ET_REL:
		return kr_fail(err, ENOEXEC, "is an object file, not a program; link it first");
	case ET_CORE:
		return kr_fail(err, ENOEXEC, "is a core dump or snapshot, which an image may not bring");
	default:
		return kr_fail(err, ENOEXEC, "is an ELF file of type %u, not a program", (unsigned)type);
	}
}

int kr_elf_read_header(struct kr_elf *elf, const uint8_t *head, size_t size, uint64_t file_size, struct kr_err *err)
{
	Elf64_Ehdr header;

	memset(elf, 0, sizeof *elf);
	if (file_size == 0 || size == 0) {
		return kr_fail(err, ENOEXEC, "is an empty file");
	}
	if (size < SELFMAG || memcmp(head, ELFMAG, SELFMAG) != 0) {
		return kr_fail(err, ENOEXEC, "is neither an ELF program nor a script that begins with #!");
	}
	/* The machine stands at the same place in a 32-bit header, which is shorter. */
	memset(&header, 0, sizeof header);
	memcpy(&header, head, size < sizeof header ? size : sizeof header);
	if (size < offsetof(Elf64_Ehdr, e_version)) {
		return kr_fail(err, ENOEXEC, "is a truncated ELF file (%zu bytes)", size);
	}
	if (check_identity(&header, err) < 0 || check_type(header.e_type, err) < 0) {
		return -1;
	}
	if (size < sizeof header) {
		return kr_fail(err, ENOEXEC, "is a truncated ELF file (%zu bytes)", size);
	}
	if (header.e_phnum == 0) {
		return kr_fail(err, ENOEXEC, "has no program headers");
	}
	if (header.e_phentsize != sizeof(Elf64_Phdr)) {
		return kr_fail(err, ENOEXEC, "has a damaged ELF header (program headers of %u bytes)",
			       (unsigned)header.e_phentsize);
	}
	elf->table_offset = header.e_phoff;
	elf->table_count = header.e_phnum;
	elf->table_bytes = (uint32_t)header.e_phnum * (uint32_t)sizeof(Elf64_Phdr);
	if (elf->table_bytes > KR_ELF_TABLE_BYTES) {
		return kr_fail(err, ENOEXEC, "has %u program headers, more than Linux loads",
			       (unsigned)header.e_phnum);
	}
	if (elf->table_offset > file_size || elf->table_bytes > file_size - elf->table_offset) {
		return kr_fail(err, ENOEXEC, "is a truncated ELF file (its program headers lie beyond its end)");
	}
	elf->is_fixed = header.e_type == ET_EXEC;
	elf->entry = header.e_entry;
	return 0;
}

static int segment_prot(uint32_t flags)
{
	return ((flags & PF_R) != 0 ? PROT_READ : 0) | ((flags & PF_W) != 0 ? PROT_WRITE : 0) |
	       ((flags & PF_X) != 0 ? PROT_EXEC : 0);
}

static int add_segment(struct kr_elf *elf, const Elf64_Phdr *header, uint64_t file_size, struct kr_err *err)
{
	struct kr_elf_segment *segment = &elf->segment[elf->segments];
	const struct kr_elf_segment *last = elf->segments > 0 ? segment - 1 : NULL;

	if (header->p_memsz == 0) {
		return 0;
	}
	if (elf->segments == KR_ELF_SEGMENTS) {
		return kr_fail(err, ENOEXEC, "has more than %u loadable segments", KR_ELF_SEGMENTS);
	}
	if (header->p_filesz > header->p_memsz || header->p_vaddr % KR_PAGE != header->p_offset % KR_PAGE) {
		return kr_fail(err, ENOEXEC, "has a damaged segment at %#llx", (unsigned long long)header->p_vaddr);
	}
	if (header->p_offset > file_size || header->p_filesz > file_size - header->p_offset) {
		return kr_fail(err, ENOEXEC, "is a truncated ELF file (the segment at %#llx lies beyond its end)",
			       (unsigned long long)header->p_vaddr);
	}
	if (header->p_vaddr >= KR_ARENA_END || header->p_memsz > KR_ARENA_END - header->p_vaddr) {
		return kr_fail(err, ENOEXEC, "wants to be loaded at %#llx, outside of the guest's memory",
			       (unsigned long long)header->p_vaddr);
	}
	if (last != NULL && header->p_vaddr < last->address + last->memory_size) {
		return kr_fail(err, ENOEXEC, "has overlapping segments at %#llx",
			       (unsigned long long)header->p_vaddr);
	}
	*segment = (struct kr_elf_segment){ .address = header->p_vaddr,
					    .memory_size = header->p_memsz,
					    .offset = header->p_offset,
					    .file_size = header->p_filesz,
					    .prot = segment_prot(header->p_flags) };
	if (elf->segments == 0) {
		elf->low = kr_align_down(header->p_vaddr, KR_PAGE);
	}
	elf->high = kr_align_up(header->p_vaddr + header->p_memsz, KR_PAGE);
	if ((header->p_flags & PF_X) != 0) {
		elf->code_start = elf->code_end == 0 ? header->p_vaddr : elf->code_start;
		elf->code_end = header->p_vaddr + header->p_filesz;
	}
	elf->data_start = header->p_vaddr;
	elf->data_end = header->p_vaddr + header->p_filesz;
	if (header->p_align > elf->align && (header->p_align & (header->p_align - 1)) == 0 &&
	    header->p_align <= KR_ARENA_END / 4) {
		elf->align = header->p_align;
	}
	if (elf->table_offset >= header->p_offset && elf->table_offset - header->p_offset < header->p_filesz) {
		elf->table_address = header->p_vaddr + (elf->table_offset - header->p_offset);
	}
	elf->segments++;
	return 0;
}

static int set_interpreter(struct kr_elf *elf, const Elf64_Phdr *header, uint64_t file_size, struct kr_err *err)
{
	if (header->p_filesz < 2 || header->p_filesz > INTERPRETER_MAX || header->p_offset > file_size ||
	    header->p_filesz > file_size - header->p_offset) {
		return kr_fail(err, ENOEXEC, "has a damaged name of its interpreter");
	}
	elf->has_interpreter = true;
	elf->interpreter_offset = header->p_offset;
	elf->interpreter_bytes = header->p_filesz;
	return 0;
}

static int add_header(struct kr_elf *elf, const Elf64_Phdr *header, uint64_t file_size, struct kr_err *err)
{
	switch (header->p_type) {
	case PT_LOAD:
		return add_segment(elf, header, file_size, err);
	case PT_INTERP:
		return elf->has_interpreter ? 0 : set_interpreter(elf, header, file_size, err);
	case PT_GNU_STACK:
		elf->executable_stack = (header->p_flags & PF_X) != 0;
		return 0;
	default:
		return 0;
	}
}

int kr_elf_read_segments(struct kr_elf *elf, const uint8_t *table, uint64_t file_size, struct kr_err *err)
{
	elf->align = KR_PAGE;
	for (uint32_t i = 0; i < elf->table_count; i++) {
		Elf64_Phdr header;

		memcpy(&header, table + i * sizeof header, sizeof header);
		if (add_header(elf, &header, file_size, err) < 0) {
			return -1;
		}
	}
	if (elf->segments == 0) {
		return kr_fail(err, ENOEXEC, "has nothing to load");
	}
	if (elf->is_fixed && elf->low < KR_ARENA_START) {
		return kr_fail(err, ENOEXEC, "wants to be loaded at %#llx, below the guest's memory",
			       (unsigned long long)elf->low);
	}
	return 0;
}
