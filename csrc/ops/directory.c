/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The working directory and the descriptors: the two ways in which a container has got hold of the host's
 * file system (CVE-2024-21626).
 */
#include "../base/fd.h"
#include "../base/kernel.h"
#include "../base/path.h"
#include "destination.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Open the directory.  A container's is made where it is missing, that of a later process is not. */
static int open_directory(int root, const char *path, bool create, struct kr_err *err)
{
	int fd = kr_open_in_root(root, path, O_PATH | O_DIRECTORY, 0);

	if (fd < 0 && errno == ENOENT && create) {
		return kr_make_directory(root, path, 0755, KR_LINKS_IN_ROOT, err);
	}
	return fd >= 0 ? fd : kr_fail(err, errno, "change the directory to %s", path);
}

int kr_op_CHANGE_DIRECTORY(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *path = kr_read_string(operands);
	bool create = kr_read_u64(operands) != 0;
	char where[PATH_MAX];
	kr_own_fd int fd = open_directory(stage->root, path, create, err);

	if (fd < 0) {
		return -1;
	}
	if (fchdir(fd) != 0) {
		return kr_fail(err, errno, "change the directory to %s", path);
	}
	/* The bare system call: it says "(unreachable)…" of what is outside the root. */
	if (syscall(SYS_getcwd, where, sizeof where) < 0 || where[0] != '/') {
		return kr_fail(err, EXDEV, "the directory %s lies outside the container", path);
	}
	return 0;
}

int kr_op_CONTAIN_DESCRIPTORS(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t preserved = kr_read_u64(operands);

	kr_close_fd(&stage->settings);
	if (preserved > INT_MAX - 3) {
		return kr_fail(err, EINVAL, "preserve %llu descriptors", (unsigned long long)preserved);
	}
	if (kr_sys_close_range(3 + (unsigned)preserved, ~0u, CLOSE_RANGE_CLOEXEC) != 0) {
		return kr_fail(err, errno, "close the descriptors on exec");
	}
	return 0;
}
