/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kr_device.h"

#include "../base/fd.h"
#include "../base/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* Returns a descriptor, or -errno. */
static int open_to_use(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

/* A mount of the one file, attached nowhere.  It lives as long as what is opened through it. */
static int mount_readonly(const char *path)
{
	const struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	kr_own_fd int mount = kr_sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (mount < 0 || kr_sys_mount_setattr(mount, "", AT_EMPTY_PATH, &attributes) != 0) {
		return -1;
	}
	return kr_steal_fd(&mount);
}

int kr_device_open(const char *path)
{
	kr_own_fd int mount = mount_readonly(path);
	char name[32];

	if (mount < 0) {
		return open_to_use(path);
	}
	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", mount);
	return open_to_use(name);
}
