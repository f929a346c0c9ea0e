/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "copy.h"

#include "../base/fd.h"
#include "../base/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define DEPTH_MAX     64u   /* directories in each other: each takes two descriptors and some stack */
#define LISTING_BYTES 2048u /* holds the longest entry */
#define CHUNK_BYTES   (16u << 20)

/* Two directories, and how deep they are. */
struct level {
	int from;
	int to;
	unsigned depth;
};

static int copy_level(const struct level *level, struct kr_err *err);

/* Open an entry of a directory, if it is still what `status` says; links and mounts are in the way. */
static int open_entry(int directory, const char *name, int flags, const struct stat *status)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	kr_own_fd int fd = (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
	struct stat opened;

	if (fd < 0 || fstat(fd, &opened) != 0) {
		return -1;
	}
	if (opened.st_dev != status->st_dev || opened.st_ino != status->st_ino) {
		errno = ESTALE;
		return -1;
	}
	return kr_steal_fd(&fd);
}

/* Owner before mode, because a change of the owner takes set-user-ID away; times last. */
static int copy_attributes(int fd, const struct stat *status)
{
	const struct timespec times[] = { status->st_atim, status->st_mtim };

	return fchown(fd, status->st_uid, status->st_gid) != 0 || fchmod(fd, status->st_mode & 07777) != 0 ||
			       futimens(fd, times) != 0
		       ? -1
		       : 0;
}

static int copy_file(const struct level *level, const char *name, const struct stat *status)
{
	kr_own_fd int from = open_entry(level->from, name, O_RDONLY, status);
	kr_own_fd int to = -1;
	ssize_t part;

	if (from < 0) {
		return -1;
	}
	to = openat(level->to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0) {
		return -1;
	}
	do {
		part = sendfile(to, from, NULL, CHUNK_BYTES);
	} while (part > 0);
	return part < 0 ? -1 : copy_attributes(to, status);
}

static int copy_special(const struct level *level, const char *name, const struct stat *status)
{
	const struct timespec times[] = { status->st_atim, status->st_mtim };
	char target[PATH_MAX];
	ssize_t size;

	if (S_ISLNK(status->st_mode)) {
		size = readlinkat(level->from, name, target, sizeof target - 1);
		if (size < 0) {
			return -1;
		}
		target[size] = 0;
		if (symlinkat(target, level->to, name) != 0) {
			return -1;
		}
	} else if (mkfifoat(level->to, name, 0600) != 0) {
		return -1;
	}
	if (fchownat(level->to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
		return -1;
	}
	/* Nobody but this process can reach the new file system: the entry is still the FIFO. */
	if (!S_ISLNK(status->st_mode) && fchmodat(level->to, name, status->st_mode & 07777, 0) != 0) {
		return -1;
	}
	return utimensat(level->to, name, times, AT_SYMLINK_NOFOLLOW);
}

static int copy_directory(const struct level *level, const char *name, const struct stat *status,
			  struct kr_err *err)
{
	kr_own_fd int from = open_entry(level->from, name, O_RDONLY | O_DIRECTORY, status);
	kr_own_fd int to = -1;

	if (from < 0) {
		/* The directory's own file system is not the image's: a mount. */
		return errno == EXDEV || errno == ESTALE ? 0 : kr_fail(err, errno, "copy %s", name);
	}
	if (level->depth == DEPTH_MAX) {
		return kr_fail(err, ELOOP, "copy %s: more than %u directories in each other", name, DEPTH_MAX);
	}
	if (mkdirat(level->to, name, 0700) != 0) {
		return kr_fail(err, errno, "copy %s", name);
	}
	to = openat(level->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0) {
		return kr_fail(err, errno, "copy %s", name);
	}
	if (copy_level(&(struct level){ from, to, level->depth + 1 }, err) != 0) {
		return -1;
	}
	return copy_attributes(to, status) == 0 ? 0 : kr_fail(err, errno, "copy %s", name);
}

static int copy_entry(const struct level *level, const char *name, struct kr_err *err)
{
	struct stat status;
	int result = 0;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		return 0;
	}
	if (fstatat(level->from, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		return kr_fail(err, errno, "copy %s", name);
	}
	if (S_ISDIR(status.st_mode)) {
		return copy_directory(level, name, &status, err);
	}
	if (S_ISREG(status.st_mode)) {
		result = copy_file(level, name, &status);
	} else if (S_ISLNK(status.st_mode) || S_ISFIFO(status.st_mode)) {
		result = copy_special(level, name, &status);
	}
	return result == 0 || errno == EXDEV ? 0 : kr_fail(err, errno, "copy %s", name);
}

static int copy_level(const struct level *level, struct kr_err *err)
{
	_Alignas(struct kr_listed) char listing[LISTING_BYTES];
	long got;

	while ((got = syscall(SYS_getdents64, level->from, listing, sizeof listing)) > 0) {
		for (long at = 0; at < got;) {
			const struct kr_listed *entry = (const void *)&listing[at];

			if (copy_entry(level, entry->name, err) != 0) {
				return -1;
			}
			at += entry->size;
		}
	}
	return got == 0 ? 0 : kr_fail(err, errno, "list a directory to be copied");
}

int kr_copy_contents(int from, int to, struct kr_err *err)
{
	kr_own_fd int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	kr_own_fd int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (source < 0 || target < 0) {
		return kr_fail(err, errno, "open a directory to be copied");
	}
	return copy_level(&(struct level){ source, target, 1 }, err);
}
