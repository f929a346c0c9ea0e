/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_resolved(int root, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };
	long fd;

	/* EAGAIN: a rename or mount somewhere on the host raced with a ".." on the way, and the kernel cannot
	 * tell whether it was ours: openat2(2) asks the caller to try again. */
	do {
		fd = syscall(SYS_openat2, root, path, &how, sizeof how);
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return (int)fd;
}

int kr_open_in_root(int root, const char *path, uint64_t flags, uint64_t mode)
{
	return open_resolved(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int kr_open_in_root_straight(int root, const char *path, uint64_t flags, uint64_t mode)
{
	return open_resolved(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}
