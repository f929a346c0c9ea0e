/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * /proc/self/maps and its kin as the guest's own kernel would show them.  The host's have the monitor in them, and
 * nothing there is executable: what looks for its code in it, as profilers, debuggers and just-in-time compilers
 * do, finds none.
 */
#ifndef KR_VM_MAPS_H
#define KR_VM_MAPS_H

#include "machine.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* The first line of a mapping of the host: "start-end rwxp offset device inode  name". */
struct kr_map_line {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	char sharing;
	const char *file; /* device and inode, up to the name */
	int file_length;
	const char *name; /* "" for none */
};

/* Read one; it points into `text`.  False for any other line. */
bool kr_map_line_read(char *text, struct kr_map_line *line);
/* Of a mapping of the host: what of it lies in the guest's region that ends above `from`, with the name by which
 * the guest knows it.  False when there is nothing more. */
bool kr_map_next_part(const struct kr_arena *arena, const struct kr_map_line *line, uint64_t from,
		      struct kr_region *part, const char **name);
/* Write the line of such a part. */
void kr_map_put(struct kr_text_out *out, const struct kr_map_line *line, const struct kr_region *part,
		const char *name);

/* Turn the host's maps, smaps, smaps_rollup (from smaps) and numa_maps into the guest's.  memory_lock is taken for
 * one mapping at a time: there may be thousands of them, and others wait for it when they touch a new page. */
void kr_maps_write(struct kr_text_in *in, struct kr_text_out *out, struct kr_machine *machine);
void kr_smaps_write(struct kr_text_in *in, struct kr_text_out *out, struct kr_machine *machine);
void kr_smaps_write_rollup(struct kr_text_in *in, struct kr_text_out *out);
void kr_maps_write_numa(struct kr_text_in *in, struct kr_text_out *out);

/* What the monitor itself has in memory, from the host's smaps, in KiB. */
void kr_smaps_count_own(struct kr_text_in *in, struct kr_resident *resident);

#endif
