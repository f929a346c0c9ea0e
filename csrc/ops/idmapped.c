/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Mounts whose ids are mapped.  The kernel lets only those do it who have CAP_SYS_ADMIN where the file system
 * was mounted, so the stage does, in the host's namespaces, and init attaches what it finds open.  The mapping
 * is a user namespace's: the one that the container joins, or one that is made for nothing else.
 */
#include "../base/fd.h"
#include "../base/kernel.h"
#include "mount.h"
#include "ops.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Write both maps of a process, and open its user namespace.  Returns the namespace. */
static int map_and_open(struct kr_stage *stage, pid_t pid, const char *uid_map, const char *gid_map,
			struct kr_err *err)
{
	char path[48];
	int fd;

	(void)snprintf(path, sizeof path, "%d/uid_map", pid);
	if (kr_proc_write(stage, path, uid_map, err) != 0) {
		return -1;
	}
	(void)snprintf(path, sizeof path, "%d/gid_map", pid);
	if (kr_proc_write(stage, path, gid_map, err) != 0) {
		return -1;
	}
	(void)snprintf(path, sizeof path, "%d/ns/user", pid);
	fd = openat(stage->proc, path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : kr_fail(err, errno, "open /proc/%s", path);
}

/* A user namespace with these maps.  A child lives in it for as long as it takes to write and to open them. */
static int make_user_namespace(struct kr_stage *stage, const char *uid_map, const char *gid_map, struct kr_err *err)
{
	long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);
	int fd;

	if (child == 0) {
		for (;;) {
			(void)pause();
		}
	}
	if (child < 0) {
		return kr_fail(err, errno, "make a user namespace");
	}
	fd = map_and_open(stage, (pid_t)child, uid_map, gid_map, err);
	(void)kill((pid_t)child, SIGKILL);
	(void)waitpid((pid_t)child, NULL, 0);
	return fd;
}

static int open_users(struct kr_stage *stage, const char *path, const char *uid_map, const char *gid_map,
		      struct kr_err *err)
{
	int fd;

	if (*path == 0) {
		return make_user_namespace(stage, uid_map, gid_map, err);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : kr_fail(err, errno, "open the user namespace %s", path);
}

int kr_op_OPEN_IDMAPPED(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *source = kr_read_string(operands);
	bool recursive = kr_read_u64(operands) != 0;
	bool map_below = kr_read_u64(operands) != 0;
	uint64_t propagation = kr_read_u64(operands);
	const char *uid_map = kr_read_string(operands);
	const char *gid_map = kr_read_string(operands);
	kr_own_fd int users = open_users(stage, kr_read_string(operands), uid_map, gid_map, err);
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP };
	kr_own_fd int mount = -1;

	if (users < 0) {
		return kr_fail_for(err, "map the ids of %s", source);
	}
	if (stage->mount_count == KR_STAGE_MOUNTS) {
		return kr_fail(err, EMFILE, "map the ids of %s: too many such mounts", source);
	}
	mount = kr_mount_clone(AT_FDCWD, source, recursive);
	/* Else what is mounted on it in the container would appear on the host. */
	if (mount < 0 || kr_mount_propagate(mount, propagation) != 0) {
		return kr_fail(err, errno, "map the ids of %s: make the mount", source);
	}
	attributes.userns_fd = (unsigned)users;
	if (kr_sys_mount_setattr(mount, "", AT_EMPTY_PATH | (map_below ? AT_RECURSIVE : 0u), &attributes) != 0) {
		return kr_fail(err, errno, "map the ids of %s", source);
	}
	stage->mounts[stage->mount_count++] = kr_steal_fd(&mount);
	return 0;
}
