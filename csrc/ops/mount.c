/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mount.h"

#include "../base/fd.h"
#include "../base/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define KEY_BYTES 256

/* What the file system itself says about a failure: one line such as "e tmpfs: Bad value for 'size'". */
static int fail_new(int context, const char *what, struct kr_err *err)
{
	char said[200];
	int code = errno;
	ssize_t size = read(context, said, sizeof said - 1);

	if (size <= 2) {
		return kr_fail(err, code, "%s", what);
	}
	said[size] = 0;
	said[strcspn(said, "\n")] = 0;
	return kr_fail(err, code, "%s: %s", what, said + 2);
}

static int configure(int context, const char *parameter)
{
	const char *equals = strchr(parameter, '=');
	char key[KEY_BYTES];
	size_t size;

	if (equals == NULL) {
		return kr_sys_fsconfig(context, FSCONFIG_SET_FLAG, parameter, NULL);
	}
	size = (size_t)(equals - parameter);
	if (size >= sizeof key) {
		errno = EINVAL;
		return -1;
	}
	memcpy(key, parameter, size);
	key[size] = 0;
	return kr_sys_fsconfig(context, FSCONFIG_SET_STRING, key, equals + 1);
}

int kr_mount_new(const char *fstype, const char *source, struct kr_strings parameters, const char *extra,
		 uint64_t attributes, struct kr_err *err)
{
	kr_own_fd int context = kr_sys_fsopen(fstype, FSOPEN_CLOEXEC);
	const char *parameter;
	int mount;

	if (context < 0) {
		return kr_fail(err, errno, "open the file system");
	}
	if (*source != 0 && kr_sys_fsconfig(context, FSCONFIG_SET_STRING, "source", source) != 0) {
		return fail_new(context, source, err);
	}
	while ((parameter = kr_next_string(&parameters)) != NULL) {
		if (configure(context, parameter) != 0) {
			return fail_new(context, parameter, err);
		}
	}
	if (extra != NULL && configure(context, extra) != 0) {
		return fail_new(context, extra, err);
	}
	if (kr_sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) != 0) {
		return fail_new(context, "make the file system", err);
	}
	mount = kr_sys_fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
	return mount >= 0 ? mount : fail_new(context, "make the mount", err);
}

int kr_mount_clone(int at, const char *path, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

	if (*path == 0) {
		flags |= AT_EMPTY_PATH;
	}
	if (recursive) {
		flags |= AT_RECURSIVE;
	}
	return kr_sys_open_tree(at, path, flags);
}

int kr_mount_attach(int mount, int destination)
{
	return kr_sys_move_mount(mount, "", destination, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int kr_mount_set(int mount, uint64_t set, uint64_t clear, bool recursive)
{
	struct mount_attr attributes = { .attr_set = set, .attr_clr = clear };

	if (set == 0 && clear == 0) {
		return 0;
	}
	return kr_sys_mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u), &attributes);
}

int kr_mount_propagate(int mount, uint64_t flags)
{
	struct mount_attr attributes = { .propagation = flags & ~(uint64_t)MS_REC };

	if (flags == 0) {
		return 0;
	}
	return kr_sys_mount_setattr(mount, "", AT_EMPTY_PATH | ((flags & MS_REC) != 0 ? AT_RECURSIVE : 0u),
				    &attributes);
}
