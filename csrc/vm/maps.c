/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "maps.h"

#include "layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NAME_COLUMN 73 /* where the kernel writes what is mapped */

bool kr_map_line_read(char *text, struct kr_map_line *line)
{
	char *at;
	int fields = 0;

	line->start = strtoull(text, &at, 16);
	if (at == text || *at != '-') {
		return false;
	}
	line->end = strtoull(at + 1, &at, 16);
	if (strlen(at) < strlen(" rwxp ")) {
		return false;
	}
	line->sharing = at[4];
	line->offset = strtoull(at + 6, &at, 16);
	line->file = at;
	while (fields < 2 && *at != 0) {
		at += strspn(at, " ");
		at += strcspn(at, " ");
		fields++;
	}
	line->file_length = (int)(at - line->file);
	line->name = at + strspn(at, " ");
	return true;
}

void kr_map_put(struct kr_text_out *out, const struct kr_map_line *line, const struct kr_region *part,
		const char *name)
{
	char head[128];
	bool is_file = line->name[0] == '/';

	(void)snprintf(head, sizeof head, "%08llx-%08llx %c%c%c%c %08llx%.*s ", (unsigned long long)part->start,
		       (unsigned long long)part->end, (part->prot & PROT_READ) != 0 ? 'r' : '-',
		       (part->prot & PROT_WRITE) != 0 ? 'w' : '-', (part->prot & PROT_EXEC) != 0 ? 'x' : '-',
		       line->sharing,
		       (unsigned long long)(is_file ? line->offset + (part->start - line->start) : line->offset),
		       line->file_length, line->file);
	kr_text_put(out, "%-*s%s\n", name[0] != 0 ? NAME_COLUMN : 0, head, name);
}

bool kr_map_next_part(const struct kr_arena *arena, const struct kr_map_line *line, uint64_t from,
		      struct kr_region *part, const char **name)
{
	uint64_t heap = kr_align_up(arena->brk_start, KR_PAGE);
	const struct kr_region *region;

	from = from > line->start ? from : line->start;
	region = from < line->end ? kr_arena_next(arena, from) : NULL;
	if (region == NULL || region->start >= line->end) {
		return false;
	}
	*part = *region;
	part->start = region->start > from ? region->start : from;
	part->end = region->end < line->end ? region->end : line->end;
	*name = line->name;
	if (line->name[0] != 0 || part->end <= heap || part->start >= arena->brk) {
		return true;
	}
	/* The heap is told from the zeros that the program began with, beside which it lies. */
	if (part->start < heap) {
		part->end = heap;
	} else {
		*name = "[heap]";
	}
	return true;
}

void kr_maps_write(struct kr_text_in *in, struct kr_text_out *out, struct kr_machine *machine)
{
	const struct kr_map_line vdso = { .sharing = 'p', .file = " 00:00 0", .file_length = 8, .name = "[vdso]" };
	const struct kr_region code = { .start = machine->vdso,
					.end = machine->vdso + 2 * KR_PAGE,
					.prot = PROT_READ | PROT_EXEC };
	struct kr_map_line line;
	struct kr_region part;
	const char *name;

	for (char *text = kr_text_line(in); text != NULL; text = kr_text_line(in)) {
		if (!kr_map_line_read(text, &line) || kr_arena_room(line.start) == 0) {
			continue;
		}
		kr_machine_lock_memory(machine);
		for (uint64_t from = 0; kr_map_next_part(&machine->arena, &line, from, &part, &name);
		     from = part.end) {
			kr_map_put(out, &line, &part, name);
		}
		kr_machine_unlock_memory(machine);
	}
	if (machine->vdso != 0) {
		kr_map_put(out, &vdso, &code, vdso.name);
	}
}

/* Lines that begin with an address; those of the monitor are left out. */
void kr_maps_write_numa(struct kr_text_in *in, struct kr_text_out *out)
{
	for (const char *text = kr_text_line(in); text != NULL; text = kr_text_line(in)) {
		if (kr_arena_room(strtoull(text, NULL, 16)) > 0) {
			kr_text_put(out, "%s\n", text);
		}
	}
}
