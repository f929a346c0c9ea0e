/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Masked and read-only paths.
 */
#include "../base/fd.h"
#include "../base/kernel.h"
#include "../base/path.h"
#include "mount.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* The container's /dev/null, which has to be just that: an image may have put a link or a file there, and
 * masking would make it writable instead (CVE-2025-31133). */
static int open_null(struct kr_stage *stage, struct kr_err *err)
{
	kr_own_fd int fd = kr_open_in_root_straight(stage->root, "/dev/null", O_PATH, 0);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0) {
		return kr_fail(err, errno, "open /dev/null for masking");
	}
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3)) {
		return kr_fail(err, ENODEV, "/dev/null is not the null device");
	}
	stage->null = kr_steal_fd(&fd);
	return 0;
}

/* The first masked directory gets a new empty file system, the others a clone of that. */
static int mask_directory(struct kr_stage *stage, int place, const char *path, struct kr_err *err)
{
	struct kr_strings none = { .count = 0 };
	kr_own_fd int mount = -1;

	if (stage->empty >= 0) {
		mount = kr_mount_clone(stage->empty, "", false);
	} else {
		mount = kr_mount_new("tmpfs", "tmpfs", none, "ro", MOUNT_ATTR_RDONLY, err);
		if (mount < 0) {
			return kr_fail_for(err, "mask %s", path);
		}
	}
	if (mount < 0 || kr_mount_attach(mount, place) != 0) {
		return kr_fail(err, errno, "mask %s", path);
	}
	if (stage->empty < 0) {
		stage->empty = kr_steal_fd(&mount);
	}
	return 0;
}

int kr_op_MASK_PATH(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *path = kr_read_string(operands);
	kr_own_fd int place = kr_open_in_root(stage->root, path, O_PATH, 0);
	kr_own_fd int mount = -1;
	struct stat status;

	if (place < 0) {
		return errno == ENOENT || errno == ENOTDIR ? 0 : kr_fail(err, errno, "open %s to mask it", path);
	}
	if (fstat(place, &status) != 0) {
		return kr_fail(err, errno, "look at %s to mask it", path);
	}
	if (S_ISDIR(status.st_mode)) {
		return mask_directory(stage, place, path, err);
	}
	if (stage->null < 0 && open_null(stage, err) != 0) {
		return -1;
	}
	mount = kr_mount_clone(stage->null, "", false);
	if (mount < 0 || kr_mount_attach(mount, place) != 0) {
		return kr_fail(err, errno, "mask %s", path);
	}
	return 0;
}

int kr_op_READONLY_PATH(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *path = kr_read_string(operands);
	kr_own_fd int place = kr_open_in_root(stage->root, path, O_PATH, 0);
	kr_own_fd int mount = -1;

	if (place < 0) {
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : kr_fail(err, errno, "open %s to make it read-only", path);
	}
	mount = kr_mount_clone(place, "", true);
	if (mount < 0 || kr_mount_set(mount, MOUNT_ATTR_RDONLY, 0, true) != 0 ||
	    kr_mount_attach(mount, place) != 0) {
		return kr_fail(err, errno, "make %s read-only", path);
	}
	return 0;
}
