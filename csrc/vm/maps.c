/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "maps.h"

#include "../base/fd.h"
#include "layout.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LINE_BYTES  8192u /* a path of 4 KiB, each byte of which may be escaped, does not fit and is cut */
#define NAME_COLUMN 73    /* where the kernel writes what is mapped */

/* One line of the host's: "start-end rwxp offset device inode  name". */
struct line {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	char sharing;
	const char *file; /* device and inode, up to the name */
	int file_length;
	const char *name; /* "" for none */
};

static bool read_line(char *text, struct line *line)
{
	char *at;
	int fields = 0;

	line->start = strtoull(text, &at, 16);
	if (*at != '-') {
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

static void put(int fd, const struct line *line, uint64_t start, uint64_t end, int prot, const char *name)
{
	char head[128];
	bool is_file = line->name[0] == '/';

	(void)snprintf(head, sizeof head, "%08llx-%08llx %c%c%c%c %08llx%.*s ", (unsigned long long)start,
		       (unsigned long long)end, (prot & PROT_READ) != 0 ? 'r' : '-',
		       (prot & PROT_WRITE) != 0 ? 'w' : '-', (prot & PROT_EXEC) != 0 ? 'x' : '-', line->sharing,
		       (unsigned long long)(is_file ? line->offset + (start - line->start) : line->offset),
		       line->file_length, line->file);
	(void)dprintf(fd, "%-*s%s\n", name[0] != 0 ? NAME_COLUMN : 0, head, name);
}

/* The heap is told from the zeros that the program began with, beside which it lies. */
static void put_part(int fd, const struct kr_arena *arena, const struct line *line, const struct kr_region *part)
{
	uint64_t heap = kr_align_up(arena->brk_start, KR_PAGE);

	if (line->name[0] != 0 || part->end <= heap || part->start >= arena->brk) {
		put(fd, line, part->start, part->end, part->prot, line->name);
		return;
	}
	if (part->start < heap) {
		put(fd, line, part->start, heap, part->prot, "");
	}
	put(fd, line, part->start > heap ? part->start : heap, part->end, part->prot, "[heap]");
}

/* Of one mapping of the host: what of it is the guest's, with the protection that the guest gave it. */
static void put_regions(int fd, const struct kr_arena *arena, const struct line *line)
{
	for (const struct kr_region *region = kr_arena_next(arena, line->start);
	     region != NULL && region->start < line->end; region = kr_arena_next(arena, region->end)) {
		const struct kr_region part = { .start = region->start > line->start ? region->start : line->start,
						.end = region->end < line->end ? region->end : line->end,
						.prot = region->prot };

		put_part(fd, arena, line, &part);
	}
}

static void put_vdso(int fd, const struct kr_machine *machine)
{
	const struct line line = { .sharing = 'p', .file = " 00:00 0", .file_length = 8, .name = "[vdso]" };

	if (machine->vdso != 0) {
		put(fd, &line, machine->vdso, machine->vdso + 2 * KR_PAGE, PROT_READ | PROT_EXEC, line.name);
	}
}

/* Go through the host's lines. */
static int copy(int from, int to, const struct kr_arena *arena)
{
	char text[LINE_BYTES];
	size_t used = 0;
	struct line line;

	for (;;) {
		ssize_t got = read(from, text + used, sizeof text - 1 - used);
		char *begin = text;
		char *end;

		if (got < 0) {
			return -errno;
		}
		used += (size_t)got;
		text[used] = 0;
		for (end = strchr(begin, '\n'); end != NULL; end = strchr(begin, '\n')) {
			*end = 0;
			if (read_line(begin, &line) && kr_arena_room(line.start) > 0) {
				put_regions(to, arena, &line);
			}
			begin = end + 1;
		}
		used -= (size_t)(begin - text);
		memmove(text, begin, used);
		if (got == 0 || used == sizeof text - 1) {
			return 0;
		}
	}
}

int kr_maps_snapshot(struct kr_thread *thread)
{
	struct kr_machine *machine = thread->machine;
	kr_own_fd int host =
		openat(machine->proc, machine->proc < 0 ? "/proc/self/maps" : "self/maps", O_RDONLY | O_CLOEXEC);
	kr_own_fd int made = host >= 0 ? memfd_create("maps", MFD_CLOEXEC) : -1;
	int result;

	if (made < 0) {
		return -errno;
	}
	kr_machine_lock_memory(machine);
	result = copy(host, made, &machine->arena);
	kr_machine_unlock_memory(machine);
	if (result < 0) {
		return result;
	}
	put_vdso(made, machine);
	kr_close_fd(&host);
	result = fcntl(made, F_DUPFD_CLOEXEC, 0);
	return result >= 0 ? result : -errno;
}
