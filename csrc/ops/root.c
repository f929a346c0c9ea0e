/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The root file system: bound, opened, and made the root of the mount namespace.
 */
#include "../base/fd.h"
#include "../base/kernel.h"
#include "mount.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int kr_op_HOST_PROPAGATION(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t flags = kr_read_u64(operands);

	(void)stage;
	if (kr_sys_propagate("/", flags) != 0) {
		return kr_fail(err, errno, "set the propagation of the host's mounts");
	}
	return 0;
}

/* Make the mount in which a directory lies private.  What is mounted in the container must not appear on
 * the host, and pivot_root(2) refuses a root whose parent mount is shared. */
static int isolate_mount_of(int directory, struct kr_err *err)
{
	kr_own_fd int at = fcntl(directory, F_DUPFD_CLOEXEC, 3);
	struct statx status;

	if (at < 0) {
		return kr_fail(err, errno, "walk to the mount of the root");
	}
	for (;;) {
		int up;

		if (kr_sys_statx(at, "", AT_EMPTY_PATH, 0, &status) != 0) {
			return kr_fail(err, errno, "walk to the mount of the root");
		}
		if ((status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
			break;
		}
		up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0) {
			return kr_fail(err, errno, "walk to the mount of the root");
		}
		(void)close(at);
		at = up;
	}
	if (kr_mount_propagate(at, MS_PRIVATE) != 0) {
		return kr_fail(err, errno, "make the mount of the root private");
	}
	return 0;
}

int kr_op_OPEN_ROOT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *source = kr_read_string(operands);
	kr_own_fd int place = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	kr_own_fd int root = -1;

	if (place < 0) {
		return kr_fail(err, errno, "open the root %s", source);
	}
	if (isolate_mount_of(place, err) != 0) {
		return -1;
	}
	root = kr_mount_clone(place, "", true);
	if (root < 0 || kr_mount_attach(root, place) != 0) {
		return kr_fail(err, errno, "bind the root %s on itself", source);
	}
	kr_close_fd(&stage->root);
	stage->root = kr_steal_fd(&root);
	return 0;
}

/* In the mount namespace of the runtime: the root's mount is visible to everybody, and nothing but that mount
 * is touched.  It is private once it is attached, because attaching to a shared mount makes it shared; so what
 * is mounted in it later stays in this namespace, and unmounting it takes all of that along. */
int kr_op_OPEN_SHARED_ROOT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *source = kr_read_string(operands);
	kr_own_fd int place = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	kr_own_fd int root = -1;

	if (place < 0) {
		return kr_fail(err, errno, "open the root %s", source);
	}
	root = kr_mount_clone(place, "", true);
	if (root < 0 || kr_mount_attach(root, place) != 0 || kr_mount_propagate(root, MS_PRIVATE | MS_REC) != 0) {
		return kr_fail(err, errno, "bind the root %s on itself", source);
	}
	kr_close_fd(&stage->root);
	stage->root = kr_steal_fd(&root);
	return 0;
}

/* With the mount namespace that was joined came its root: the container's. */
int kr_op_JOIN_ROOT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	kr_own_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)operands;
	if (root < 0) {
		return kr_fail(err, errno, "open the root of the container");
	}
	kr_close_fd(&stage->root);
	stage->root = kr_steal_fd(&root);
	return 0;
}

int kr_op_PIVOT_ROOT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	kr_own_fd int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)operands;
	if (host < 0 || fchdir(stage->root) != 0) {
		return kr_fail(err, errno, "enter the root");
	}
	/* With both arguments ".", the old root ends up on top of the new one: see pivot_root(2). */
	if (syscall(SYS_pivot_root, ".", ".") != 0) {
		return kr_fail(err, errno, "pivot to the root");
	}
	/* A slave, so that the unmounting does not reach the host; not private, which would pin what the host
	 * unmounts meanwhile. */
	if (fchdir(host) != 0 || kr_sys_propagate(".", MS_SLAVE | MS_REC) != 0 ||
	    kr_sys_umount(".", MNT_DETACH) != 0) {
		return kr_fail(err, errno, "leave the host's root");
	}
	if (chdir("/") != 0) {
		return kr_fail(err, errno, "enter the root");
	}
	return 0;
}

int kr_op_CHANGE_ROOT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	(void)operands;
	if (fchdir(stage->root) != 0 || chroot(".") != 0 || chdir("/") != 0) {
		return kr_fail(err, errno, "change the root");
	}
	return 0;
}

int kr_op_ROOT_PROPAGATION(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t flags = kr_read_u64(operands);

	if (kr_mount_propagate(stage->root, flags) != 0) {
		return kr_fail(err, errno, "set the propagation of the root");
	}
	return 0;
}

int kr_op_ROOT_READONLY(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	(void)operands;
	if (kr_mount_set(stage->root, MOUNT_ATTR_RDONLY, 0, false) != 0) {
		return kr_fail(err, errno, "make the root read-only");
	}
	return 0;
}
