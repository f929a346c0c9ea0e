/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * MOVE_ROOT: a root without pivot_root(2), for hosts that run from an initial ramdisk.  The host's mounts stay
 * below the new root, out of sight; whole views of procfs and sysfs among them would let the container mount
 * its own, so they are taken away first.
 */
#include "../base/fd.h"
#include "../base/kernel.h"
#include "mount.h"
#include "ops.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 8192 /* a path of PATH_MAX may be escaped, four bytes for one */

struct lines {
	int fd;
	size_t size;
	char text[LINE_BYTES];
};

/* The next line without its newline, NULL at the end.  One that is too long comes in pieces, none of which
 * looks like a mount. */
static char *next_line(struct lines *lines, char *line)
{
	for (;;) {
		char *end = memchr(lines->text, '\n', lines->size);
		ssize_t got;

		if (end != NULL || lines->size == sizeof lines->text) {
			size_t length = end != NULL ? (size_t)(end - lines->text) : lines->size;
			size_t used = end != NULL ? length + 1 : length;

			memcpy(line, lines->text, length);
			line[length] = 0;
			lines->size -= used;
			memmove(lines->text, lines->text + used, lines->size);
			return line;
		}
		got = read(lines->fd, lines->text + lines->size, sizeof lines->text - lines->size);
		if (got <= 0) {
			return NULL;
		}
		lines->size += (size_t)got;
	}
}

/* Undo mountinfo's escapes, \040 and the like, in place. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from != 0; to++) {
		if (from[0] == '\\' && from[1] != 0 && from[2] != 0 && from[3] != 0) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = 0;
}

/* The mount point when a line of mountinfo is a whole procfs or sysfs, else NULL.
 * "36 35 98:0 ROOT MOUNTPOINT options [tag…] - FSTYPE source options", proc_pid_mountinfo(5). */
static char *find_whole_view(char *line)
{
	char *fstype = strstr(line, " - ");
	char *field = line;
	char *root = NULL;
	char *point = NULL;

	if (fstype == NULL || (strncmp(fstype + 3, "proc ", 5) != 0 && strncmp(fstype + 3, "sysfs ", 6) != 0)) {
		return NULL;
	}
	for (int i = 0; i < 5 && (field = strchr(field, ' ')) != NULL; i++) {
		*field++ = 0;
		root = i == 2 ? field : root;
		point = i == 3 ? field : point;
	}
	if (root == NULL || point == NULL || strcmp(root, "/") != 0) {
		return NULL;
	}
	unescape(point);
	return point;
}

/* Unmount it; where that is not allowed (a mount of the host's in a user namespace), cover it. */
static int hide(const char *point, struct kr_err *err)
{
	struct kr_strings none = { .count = 0 };
	kr_own_fd int place = -1;
	kr_own_fd int cover = -1;

	if (kr_sys_umount(point, MNT_DETACH) == 0 || errno == ENOENT) {
		return 0;
	}
	place = open(point, O_PATH | O_CLOEXEC);
	if (place < 0) {
		return kr_fail(err, errno, "open %s to hide it", point);
	}
	cover = kr_mount_new("tmpfs", "tmpfs", none, NULL, MOUNT_ATTR_RDONLY, err);
	if (cover < 0) {
		return kr_fail_for(err, "hide %s", point);
	}
	if (kr_mount_attach(cover, place) != 0) {
		return kr_fail(err, errno, "hide %s", point);
	}
	return 0;
}

static int hide_whole_views(struct kr_stage *stage, const char *root, struct kr_err *err)
{
	char line[LINE_BYTES + 1];
	struct lines lines = { .fd = -1, .size = 0 };
	kr_own_fd int fd = kr_proc_open(stage, "self/mountinfo", O_RDONLY, err);
	size_t root_size = strlen(root);

	if (fd < 0) {
		return -1;
	}
	lines.fd = fd;
	while (next_line(&lines, line) != NULL) {
		const char *point = find_whole_view(line);

		if (point == NULL || (strncmp(point, root, root_size) == 0 && point[root_size] == '/')) {
			continue;
		}
		if (hide(point, err) != 0) {
			return -1;
		}
	}
	return 0;
}

int kr_op_MOVE_ROOT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	char root[PATH_MAX];

	(void)operands;
	if (fchdir(stage->root) != 0 || getcwd(root, sizeof root) == NULL) {
		return kr_fail(err, errno, "enter the root");
	}
	if (hide_whole_views(stage, root, err) != 0) {
		return -1;
	}
	if (kr_sys_move_mount(stage->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0) {
		return kr_fail(err, errno, "move the root");
	}
	if (chroot(".") != 0 || chdir("/") != 0) {
		return kr_fail(err, errno, "enter the root");
	}
	return 0;
}
