/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * /proc/self/smaps: behind the line of each mapping, lines of what it has in memory.
 *
 * The kernel counts for mappings of the host, of which one may be several of the guest's: what differs there only
 * in the right to execute is one here.  Each gets its share by size.
 */
#include "layout.h"
#include "maps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_FACTS  40u
#define LABEL_SIZE 32u
#define FLAGS_SIZE 160u
#define NAME_SIZE  4096u

/* "Rss:                   4 kB", or without a unit. */
struct fact {
	char label[LABEL_SIZE]; /* with its colon */
	uint64_t number;
	bool is_size; /* in KiB */
};

struct mapping {
	struct kr_map_line line;
	struct fact facts[MAX_FACTS];
	size_t count;
	char flags[FLAGS_SIZE]; /* "VmFlags: …" */
	char text[NAME_SIZE];   /* that the line points into */
};

/* Take over a line behind the first. */
static void read_fact(struct mapping *mapping, const char *text)
{
	const char *colon = strchr(text, ':');
	struct fact *fact = &mapping->facts[mapping->count];
	size_t length;
	char *end;

	if (colon == NULL) {
		return;
	}
	length = (size_t)(colon - text) + 1;
	if (strncmp(text, "VmFlags:", length) == 0) {
		(void)strncpy(mapping->flags, text, sizeof mapping->flags - 1);
		return;
	}
	if (mapping->count == MAX_FACTS || length >= sizeof fact->label) {
		return;
	}
	memcpy(fact->label, text, length);
	fact->label[length] = 0;
	fact->number = strtoull(colon + 1, &end, 10);
	fact->is_size = strcmp(end, " kB") == 0;
	mapping->count++;
}

/* The next mapping of the host with all its lines.  `pending` is the line read ahead, NULL at first. */
static bool read_mapping(struct kr_text_in *in, struct mapping *mapping, char **pending)
{
	struct kr_map_line next;
	char *text = *pending != NULL ? *pending : kr_text_line(in);

	mapping->count = 0;
	memset(mapping->flags, 0, sizeof mapping->flags);
	if (text == NULL) {
		return false;
	}
	(void)strncpy(mapping->text, text, sizeof mapping->text - 1);
	mapping->text[sizeof mapping->text - 1] = 0;
	if (!kr_map_line_read(mapping->text, &mapping->line)) {
		return false;
	}
	for (text = kr_text_line(in); text != NULL; text = kr_text_line(in)) {
		if (kr_map_line_read(text, &next)) {
			break;
		}
		read_fact(mapping, text);
	}
	*pending = text;
	return true;
}

static uint64_t number_of(const struct mapping *mapping, const char *label)
{
	for (size_t i = 0; i < mapping->count; i++) {
		if (strcmp(mapping->facts[i].label, label) == 0) {
			return mapping->facts[i].number;
		}
	}
	return 0;
}

static bool is_of_page(const struct fact *fact)
{
	return strcmp(fact->label, "KernelPageSize:") == 0 || strcmp(fact->label, "MMUPageSize:") == 0;
}

/* What is ours of a number, in [from, to) of the whole: all parts together are the number. */
static uint64_t share(uint64_t number, const struct kr_map_line *line, const struct kr_region *part)
{
	uint64_t size = (line->end - line->start) / KR_PAGE;
	uint64_t before = (part->start - line->start) / KR_PAGE;
	uint64_t with = (part->end - line->start) / KR_PAGE;

	return (uint64_t)((unsigned __int128)number * with / size) -
	       (uint64_t)((unsigned __int128)number * before / size);
}

static void put_flags(struct kr_text_out *out, const char *flags, int prot)
{
	const char *rest = flags + strlen("VmFlags:");

	if ((prot & PROT_EXEC) == 0 || flags[0] == 0) {
		kr_text_put(out, "%s\n", flags);
		return;
	}
	while (strncmp(rest, " rd", 3) == 0 || strncmp(rest, " wr", 3) == 0) {
		rest += 3;
	}
	kr_text_put(out, "%.*s ex%s\n", (int)(rest - flags), flags, rest);
}

void kr_smaps_write(struct kr_text_in *in, struct kr_text_out *out, struct kr_machine *machine)
{
	struct mapping mapping;
	struct kr_region part;
	const char *name;
	char *pending = NULL;

	while (read_mapping(in, &mapping, &pending)) {
		if (kr_arena_room(mapping.line.start) == 0) {
			continue;
		}
		kr_machine_lock_memory(machine);
		for (uint64_t from = 0; kr_map_next_part(&machine->arena, &mapping.line, from, &part, &name);
		     from = part.end) {
			kr_map_put(out, &mapping.line, &part, name);
			for (size_t i = 0; i < mapping.count; i++) {
				const struct fact *fact = &mapping.facts[i];
				uint64_t number = fact->is_size && !is_of_page(fact)
							  ? share(fact->number, &mapping.line, &part)
							  : fact->number;

				kr_text_put(out, fact->is_size ? "%-16s%8llu kB\n" : "%-16s%8llu\n", fact->label,
					    (unsigned long long)number);
			}
			put_flags(out, mapping.flags, part.prot);
		}
		kr_machine_unlock_memory(machine);
	}
}

/* Where pages lie that are not anonymous. */
static bool is_shared_memory(const struct kr_map_line *line)
{
	static const char *const names[] = { "/memfd:", "/dev/zero", "/dev/shm/", "/SYSV" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strncmp(line->name, names[i], strlen(names[i])) == 0) {
			return true;
		}
	}
	return false;
}

/* Proportional sizes are divided by kind only there. */
static void add_kinds(struct mapping *sum, const struct mapping *mapping)
{
	uint64_t all = number_of(mapping, "Pss:");
	uint64_t anonymous = number_of(mapping, "Anonymous:");

	anonymous = anonymous < all ? anonymous : all;
	sum->facts[0].number += anonymous;
	sum->facts[is_shared_memory(&mapping->line) ? 2 : 1].number += all - anonymous;
}

static void add(struct mapping *sum, const struct mapping *mapping)
{
	for (size_t i = 0; i < mapping->count; i++) {
		const struct fact *fact = &mapping->facts[i];
		size_t at = 0;

		if (!fact->is_size || is_of_page(fact) || strcmp(fact->label, "Size:") == 0) {
			continue;
		}
		while (at < sum->count && strcmp(sum->facts[at].label, fact->label) != 0) {
			at++;
		}
		if (at == sum->count && at < MAX_FACTS) {
			sum->facts[sum->count++] = (struct fact){ .is_size = true };
			memcpy(sum->facts[at].label, fact->label, sizeof fact->label);
		}
		if (at < sum->count) {
			sum->facts[at].number += fact->number;
		}
	}
}

void kr_smaps_write_rollup(struct kr_text_in *in, struct kr_text_out *out)
{
	struct mapping kinds = {
		.facts = { { .label = "Pss_Anon:" }, { .label = "Pss_File:" }, { .label = "Pss_Shmem:" } }
	};
	struct mapping sum = { .count = 0 };
	struct kr_map_line line = { .sharing = 'p', .file = " 00:00 0", .file_length = 8, .name = "" };
	struct kr_region all = { .prot = PROT_NONE };
	struct mapping mapping;
	char *pending = NULL;

	while (read_mapping(in, &mapping, &pending)) {
		if (kr_arena_room(mapping.line.start) > 0) {
			all.start = all.end == 0 ? mapping.line.start : all.start;
			all.end = mapping.line.end;
			add(&sum, &mapping);
			add_kinds(&kinds, &mapping);
		}
	}
	kr_map_put(out, &line, &all, "[rollup]");
	for (size_t i = 0; i < sum.count; i++) {
		kr_text_put(out, "%-16s%8llu kB\n", sum.facts[i].label, (unsigned long long)sum.facts[i].number);
		for (size_t kind = 0; kind < 3 && strcmp(sum.facts[i].label, "Pss_Dirty:") == 0; kind++) {
			kr_text_put(out, "%-16s%8llu kB\n", kinds.facts[kind].label,
				    (unsigned long long)kinds.facts[kind].number);
		}
	}
}

void kr_smaps_count_own(struct kr_text_in *in, struct kr_resident *resident)
{
	struct mapping mapping;
	char *pending = NULL;

	*resident = (struct kr_resident){ .file = 0 };
	while (read_mapping(in, &mapping, &pending)) {
		uint64_t all = number_of(&mapping, "Rss:");
		uint64_t anonymous = number_of(&mapping, "Anonymous:");

		if (kr_arena_room(mapping.line.start) > 0) {
			continue;
		}
		resident->anonymous += anonymous;
		*(is_shared_memory(&mapping.line) ? &resident->shared_memory : &resident->file) += all - anonymous;
	}
}
