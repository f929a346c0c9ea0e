/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vdso.h"

#include "../base/fd.h"
#include "layout.h"
#include "paging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAPS_BYTES 16384u

struct range {
	uint64_t start;
	uint64_t end;
};

/* Read one line of /proc/self/maps.  True when it is of the vDSO or its data. */
static bool read_line(const char *line, struct range *range, bool *is_code)
{
	char *rest;
	const char *name = strrchr(line, ' ');

	range->start = strtoull(line, &rest, 16);
	if (*rest != '-' || name == NULL) {
		return false;
	}
	range->end = strtoull(rest + 1, NULL, 16);
	*is_code = strcmp(name, " [vdso]") == 0;
	return *is_code || strncmp(name, " [vvar", strlen(" [vvar")) == 0;
}

/* The data pages stand right before the code, in one or more mappings. */
static bool find(char *maps, struct range *whole, uint64_t *code)
{
	char *save = NULL;

	*whole = (struct range){ 0, 0 };
	for (char *line = strtok_r(maps, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		struct range range;
		bool is_code;

		if (!read_line(line, &range, &is_code)) {
			continue;
		}
		if (range.start != whole->end) {
			whole->start = range.start;
		}
		whole->end = range.end;
		if (is_code) {
			*code = range.start;
			return true;
		}
	}
	return false;
}

static ssize_t read_maps(int proc, char *maps, size_t size)
{
	kr_own_fd int fd = proc >= 0 ? openat(proc, "self/maps", O_RDONLY | O_CLOEXEC)
				     : open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got = 1;

	if (fd < 0) {
		return -1;
	}
	while (got > 0 && used < size - 1) {
		got = read(fd, maps + used, size - 1 - used);
		used += got > 0 ? (size_t)got : 0;
	}
	maps[used] = 0;
	return got < 0 ? -1 : (ssize_t)used;
}

int kr_vdso_map(struct kr_machine *machine, struct kr_err *err)
{
	char maps[MAPS_BYTES];
	struct range whole;
	uint64_t code = 0;

	machine->vdso = 0;
	if (read_maps(machine->proc, maps, sizeof maps) < 0 || !find(maps, &whole, &code) ||
	    whole.end - whole.start > KR_VDSO_BYTES) {
		return 0;
	}
	if (kr_slots_set_vdso(&machine->slots, machine->vm, whole.start, whole.end - whole.start, err) < 0) {
		return -1;
	}
	for (uint64_t at = whole.start; at < whole.end; at += KR_PAGE) {
		int flags = KR_PAGE_USER | (at >= code ? KR_PAGE_EXECUTE : 0);
		uint64_t offset = at - whole.start;

		if (kr_paging_map_system(machine, KR_VDSO_GVA + offset, KR_VDSO_GPA + offset, flags, err) < 0) {
			return -1;
		}
	}
	machine->vdso = KR_VDSO_GVA + (code - whole.start);
	return 0;
}
