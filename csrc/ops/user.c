/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * USER: groups, gid and uid, and the standard streams that go with them.
 */
#include "../base/fd.h"
#include "ops.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Give the pipes and terminals of 0 to 2 to the user, who may open /dev/stdout again.  Never the host's null
 * device; and what cannot be given away (another user namespace's, a read-only file system's) stays. */
static int own_streams(uid_t uid, struct kr_err *err)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat status;

		if (fstat(fd, &status) != 0) {
			continue; /* closed by the caller */
		}
		if (status.st_uid == uid || (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3))) {
			continue;
		}
		if (fchown(fd, uid, (gid_t)-1) != 0 && errno != EPERM && errno != EINVAL && errno != EROFS &&
		    errno != ENOSYS && errno != EBADF) {
			return kr_fail(err, errno, "give descriptor %d to user %u", fd, uid);
		}
	}
	return 0;
}

/* True where a user namespace of a plain user may not change its groups. */
static bool setgroups_denied(struct kr_stage *stage)
{
	struct kr_err unheard;
	kr_own_fd int fd = kr_proc_open(stage, "self/setgroups", O_RDONLY, &unheard);
	char text[8] = "";

	return fd >= 0 && read(fd, text, sizeof text - 1) > 0 && strncmp(text, "deny", 4) == 0;
}

/* The program's bytes lie at any address, the kernel copies them from there. */
static int set_groups(struct kr_stage *stage, struct kr_bytes groups, struct kr_err *err)
{
	if (groups.size % sizeof(gid_t) != 0) {
		return kr_fail(err, EBADMSG, "%u bytes are no list of groups", groups.size);
	}
	if (groups.size == 0 && setgroups_denied(stage)) {
		return 0;
	}
	if (syscall(SYS_setgroups, groups.size / sizeof(gid_t), groups.data) != 0) {
		return kr_fail(err, errno, "set the additional groups");
	}
	return 0;
}

/* What the change of the user took: the operations that follow still need the effective capabilities. */
static int restore_effective(struct kr_err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &header, sets) != 0) {
		return kr_fail(err, errno, "read the capabilities");
	}
	sets[0].effective = sets[0].permitted;
	sets[1].effective = sets[1].permitted;
	if (syscall(SYS_capset, &header, sets) != 0) {
		return kr_fail(err, errno, "keep the capabilities");
	}
	return 0;
}

int kr_op_USER(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uid_t uid = (uid_t)kr_read_u64(operands);
	gid_t gid = (gid_t)kr_read_u64(operands);
	struct kr_bytes groups = kr_read_bytes(operands);

	if (own_streams(uid, err) != 0) {
		return -1;
	}
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
		return kr_fail(err, errno, "keep the capabilities");
	}
	if (set_groups(stage, groups, err) != 0) {
		return -1;
	}
	if (setresgid(gid, gid, gid) != 0) {
		return kr_fail(err, errno, "become group %u", gid);
	}
	if (setresuid(uid, uid, uid) != 0) {
		return kr_fail(err, errno, "become user %u", uid);
	}
	/* The kernel has set it to what fs.suid_dumpable says. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		return kr_fail(err, errno, "become non-dumpable");
	}
	return restore_effective(err);
}
