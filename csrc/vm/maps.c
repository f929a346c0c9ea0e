/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "maps.h"

#include "layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NAME_COLUMN 73 /* where the kernel writes what is mapped */
#define TEXT_SIZE   4224u

/* A line of the guest's that may go on with the next one of the host's. */
struct held {
	struct kr_map_line line;
	struct kr_region part; /* ends at 0 for none */
	const char *name;
	char text[TEXT_SIZE]; /* that the others point into */
};

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
	/* Of several mappings of the host's, it names the one with the arguments. */
	if (line->name[0] == 0 && part->start >= arena->stack_start && part->end <= arena->stack_end) {
		*name = "[stack]";
	}
	if ((*name)[0] != 0 || part->end <= heap || part->start >= arena->brk) {
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

/* Whether the host has two mappings where the guest has one: blocks that were given huge pages are on their own. */
static bool goes_on(const struct kr_arena *arena, const struct held *held, const struct held *next)
{
	const struct kr_map_line *line = &next->line;
	const uint64_t at = next->part.start;
	const struct kr_region *region = kr_arena_find(arena, at);

	return held->part.end == at && region != NULL && region->start < at && held->part.prot == next->part.prot &&
	       held->line.sharing == line->sharing && held->line.file_length == line->file_length &&
	       strncmp(held->line.file, line->file, (size_t)line->file_length) == 0 &&
	       strcmp(held->name, next->name) == 0 &&
	       (line->name[0] != '/' || held->line.offset + (at - held->line.start) == line->offset);
}

static void put_held(struct kr_text_out *out, const struct held *held)
{
	if (held->part.end != 0) {
		kr_map_put(out, &held->line, &held->part, held->name);
	}
}

static void hold(struct held *held, const struct held *next)
{
	const bool is_named_so = next->name == next->line.name;

	*held = *next;
	held->line.file = &held->text[next->line.file - next->text];
	held->line.name = &held->text[next->line.name - next->text];
	held->name = is_named_so ? held->line.name : next->name;
}

void kr_maps_write(struct kr_text_in *in, struct kr_text_out *out, struct kr_machine *machine)
{
	const struct kr_map_line vdso = { .sharing = 'p', .file = " 00:00 0", .file_length = 8, .name = "[vdso]" };
	const struct kr_region code = { .start = machine->vdso,
					.end = machine->vdso + 2 * KR_PAGE,
					.prot = PROT_READ | PROT_EXEC };
	struct held held = { .part = { .end = 0 } };
	struct held next = { .part = { .end = 0 } };

	for (const char *text = kr_text_line(in); text != NULL; text = kr_text_line(in)) {
		(void)snprintf(next.text, sizeof next.text, "%s", text);
		if (!kr_map_line_read(next.text, &next.line) || kr_arena_room(next.line.start) == 0) {
			continue;
		}
		kr_machine_lock_memory(machine);
		for (uint64_t from = 0; kr_map_next_part(&machine->arena, &next.line, from, &next.part, &next.name);
		     from = next.part.end) {
			if (goes_on(&machine->arena, &held, &next)) {
				held.part.end = next.part.end;
				continue;
			}
			put_held(out, &held);
			hold(&held, &next);
		}
		kr_machine_unlock_memory(machine);
	}
	put_held(out, &held);
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
