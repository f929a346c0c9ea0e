/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Device nodes.  Their directory is opened without following any link, so that an image whose /dev is a
 * symbolic link gets an error instead of a node elsewhere.
 */
#include "../base/fd.h"
#include "destination.h"
#include "mount.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Accept what stands there when it is the same device.  Its mode and owner stay: a /dev that is bound from
 * the host has the host's own nodes. */
static int check_existing(int parent, const char *name, const char *path, mode_t kind, dev_t device,
			  struct kr_err *err)
{
	struct stat status;

	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		return kr_fail(err, errno, "look at %s", path);
	}
	if ((status.st_mode & S_IFMT) != kind || (kind != S_IFIFO && status.st_rdev != device)) {
		return kr_fail(err, EEXIST, "make the device %s: something else is there", path);
	}
	return 0;
}

int kr_op_MAKE_DEVICE(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *path = kr_read_string(operands);
	mode_t kind = (mode_t)kr_read_u64(operands);
	unsigned major_number = (unsigned)kr_read_u64(operands);
	unsigned minor_number = (unsigned)kr_read_u64(operands);
	mode_t mode = (mode_t)kr_read_u64(operands) & 07777;
	uid_t uid = (uid_t)kr_read_u64(operands);
	gid_t gid = (gid_t)kr_read_u64(operands);
	dev_t device = makedev(major_number, minor_number);
	char name[NAME_MAX + 1];
	kr_own_fd int parent = kr_make_parent(stage->root, path, KR_LINKS_NONE, name, err);
	mode_t before;
	int made;

	if (parent < 0) {
		return -1;
	}
	before = umask(0);
	made = mknodat(parent, name, kind | mode, device);
	(void)umask(before);
	if (made != 0 && errno == EEXIST) {
		return check_existing(parent, name, path, kind, device, err);
	}
	if (made != 0) {
		return kr_fail(err, errno, "make the device %s", path);
	}
	if (fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0) {
		return kr_fail(err, errno, "set the owner of %s", path);
	}
	return 0;
}

int kr_op_BIND_DEVICE(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *source = kr_read_string(operands);
	const char *path = kr_read_string(operands);
	kr_own_fd int mount = kr_mount_clone(AT_FDCWD, source, false);
	kr_own_fd int place = -1;
	struct stat status;

	if (mount < 0 || fstat(mount, &status) != 0) {
		return kr_fail(err, errno, "open the device %s", source);
	}
	if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode) && !S_ISFIFO(status.st_mode)) {
		return kr_fail(err, ENODEV, "%s is not a device", source);
	}
	place = kr_make_file(stage->root, path, 0666, KR_LINKS_NONE, err);
	if (place < 0) {
		return -1;
	}
	if (kr_mount_attach(mount, place) != 0) {
		return kr_fail(err, errno, "bind the device %s on %s", source, path);
	}
	return 0;
}
