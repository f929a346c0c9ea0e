/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc.h"

#include "../base/fd.h"
#include "../base/kernel.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

bool kr_is_proc(int fd)
{
	struct statfs status;

	return fstatfs(fd, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

/* A procfs that is mounted nowhere, with all that there is or the processes alone.  -1 with EPERM where the kernel
 * refuses one: in a user namespace whose procfs is not wholly visible. */
static int mount_private_proc(const char *subset, unsigned attributes)
{
	kr_own_fd int context = kr_sys_fsopen("proc", FSOPEN_CLOEXEC);

	if (context < 0 ||
	    (subset != NULL && kr_sys_fsconfig(context, FSCONFIG_SET_STRING, "subset", subset) != 0) ||
	    kr_sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) != 0) {
		return -1;
	}
	return kr_sys_fsmount(context, FSMOUNT_CLOEXEC,
			      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | attributes);
}

static int open_proc(struct kr_stage *stage, struct kr_err *err)
{
	kr_own_fd int fd = mount_private_proc("pid", 0);

	if (fd < 0) {
		fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0) {
		return kr_fail(err, errno, "open a procfs");
	}
	if (!kr_is_proc(fd)) {
		return kr_fail(err, EXDEV, "/proc is not a procfs");
	}
	stage->proc = kr_steal_fd(&fd);
	return 0;
}

int kr_op_OPEN_PROC(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	(void)operands;
	/* Anew in init: the stage's belongs to another pid namespace. */
	kr_close_fd(&stage->proc);
	kr_close_fd(&stage->monitors_proc);
	kr_close_fd(&stage->settings);
	/* Now, because later there may be no right to. */
	stage->monitors_proc = mount_private_proc("pid", MOUNT_ATTR_RDONLY);
	/* The one of init would give it too much. */
	if (stage->monitors_proc < 0 && errno != EPERM) {
		return kr_fail(err, errno, "mount a procfs for the monitor");
	}
	if (kr_program_has(&stage->program, KR_OP_SYSCTL)) {
		stage->settings = mount_private_proc(NULL, 0);
	}
	return open_proc(stage, err);
}

int kr_proc(struct kr_stage *stage, struct kr_err *err)
{
	if (stage->proc < 0 && open_proc(stage, err) != 0) {
		return -1;
	}
	return stage->proc;
}

static int open_below(int proc, const char *path, int flags, struct kr_err *err)
{
	/* No other mount on the way: a host's /proc may have some. */
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	kr_own_fd int fd = (int)syscall(SYS_openat2, proc, path, &how, sizeof how);

	if (fd < 0) {
		return kr_fail(err, errno, "open /proc/%s", path);
	}
	if (!kr_is_proc(fd)) {
		return kr_fail(err, EXDEV, "/proc/%s is not on a procfs", path);
	}
	return kr_steal_fd(&fd);
}

static int write_to(int fd, const char *path, const char *text, struct kr_err *err)
{
	if (write(fd, text, strlen(text)) < 0) {
		return kr_fail(err, errno, "write \"%s\" to /proc/%s", text, path);
	}
	return 0;
}

int kr_proc_open(struct kr_stage *stage, const char *path, int flags, struct kr_err *err)
{
	return kr_proc(stage, err) < 0 ? -1 : open_below(stage->proc, path, flags, err);
}

int kr_proc_write(struct kr_stage *stage, const char *path, const char *text, struct kr_err *err)
{
	kr_own_fd int fd = kr_proc_open(stage, path, O_WRONLY, err);

	return fd < 0 ? -1 : write_to(fd, path, text, err);
}

int kr_proc_set(struct kr_stage *stage, const char *path, const char *text, struct kr_err *err)
{
	kr_own_fd int fd = -1;

	if (kr_proc(stage, err) < 0) {
		return -1;
	}
	fd = open_below(stage->settings >= 0 ? stage->settings : stage->proc, path, O_WRONLY, err);
	return fd < 0 ? -1 : write_to(fd, path, text, err);
}

int kr_proc_reopen(struct kr_stage *stage, int fd, int flags, struct kr_err *err)
{
	char path[32];
	int opened;

	if (kr_proc(stage, err) < 0) {
		return -1;
	}
	(void)snprintf(path, sizeof path, "self/fd/%d", fd);
	do {
		opened = openat(stage->proc, path, flags | O_CLOEXEC);
	} while (opened < 0 && errno == EINTR);
	return opened >= 0 ? opened : kr_fail(err, errno, "open /proc/%s", path);
}
