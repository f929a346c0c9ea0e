/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "destination.h"

#include "../base/fd.h"
#include "../base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_FOLLOWED 40 /* the kernel's own limit, path_resolution(7) */

static int open_linked(int root, const char *path, uint64_t flags, enum kr_links links)
{
	return links == KR_LINKS_NONE ? kr_open_in_root_straight(root, path, flags, 0)
				      : kr_open_in_root(root, path, flags, 0);
}

/* Cut the last component off: its text is stored, and *size, the length of what remains, is lowered.
 * False when there is none, when it is too long, or when it is "..": what is missing cannot be climbed out of. */
static bool cut_last(const char *path, size_t *size, char *name)
{
	size_t end = *size;
	size_t begin;

	while (end > 0 && path[end - 1] == '/') {
		end--;
	}
	begin = end;
	while (begin > 0 && path[begin - 1] != '/') {
		begin--;
	}
	if (end == begin || end - begin > NAME_MAX) {
		return false;
	}
	memcpy(name, path + begin, end - begin);
	name[end - begin] = 0;
	*size = begin;
	return strcmp(name, "..") != 0;
}

/* Open the longest part of a path that exists, the root itself in the end; *size is its length. */
static int open_existing(int root, const char *path, size_t *size, enum kr_links links)
{
	char part[PATH_MAX];
	char name[NAME_MAX + 1];
	int fd;

	*size = strlen(path);
	memcpy(part, path, *size + 1);
	while ((fd = open_linked(root, *size > 0 ? part : "/", O_PATH | O_DIRECTORY, links)) < 0) {
		if (errno != ENOENT || !cut_last(path, size, name)) {
			return -1;
		}
		part[*size] = 0;
	}
	return fd;
}

/* When `name` in the directory `at` is a link, it is a dangling one.  Images have such: /etc/resolv.conf that
 * points to what systemd would have made in /run.  Replace it in `path`, of which it stands behind the first
 * `size` bytes and before `rest`, by its target, to be resolved in the root like all else.
 * 1 when it was one, 0 when not, -1 with errno. */
static int replace_link(int at, const char *name, char *path, size_t size, const char *rest)
{
	char target[PATH_MAX];
	char replaced[PATH_MAX];
	ssize_t got = readlinkat(at, name, target, sizeof target - 1);
	int length;

	if (got < 0) {
		return errno == EINVAL || errno == ENOENT ? 0 : -1;
	}
	target[got] = 0;
	if (target[0] == '/') {
		length = snprintf(replaced, sizeof replaced, "%s/%s", target, rest);
	} else {
		length = snprintf(replaced, sizeof replaced, "%.*s/%s/%s", (int)size, path, target, rest);
	}
	if (length >= (int)sizeof replaced) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, replaced, (size_t)length + 1);
	return 1;
}

/* Make one directory, or accept one that is there; a link that has just been put there is not followed. */
static int make_step(int parent, const char *name, mode_t mode)
{
	mode_t before = umask(0);
	int made = mkdirat(parent, name, mode);

	(void)umask(before);
	if (made != 0 && errno != EEXIST) {
		return -1;
	}
	return kr_open_in_root_straight(parent, name, O_PATH | O_DIRECTORY, 0);
}

/* Make the components of `rest` below `at`, which is closed.  A descriptor, or -1 with errno. */
static int make_steps(int at, const char *rest, mode_t mode)
{
	char name[NAME_MAX + 1];

	while (at >= 0 && *(rest += strspn(rest, "/")) != 0) {
		size_t length = strcspn(rest, "/"); /* cut_last has seen each: short enough */
		int next;

		memcpy(name, rest, length);
		name[length] = 0;
		next = make_step(at, name, mode);
		(void)close(at);
		at = next;
		rest += length;
	}
	return at;
}

/* kr_make_directory; `path` is changed.  A descriptor, or -1 with errno. */
static int make_directory(int root, char *path, mode_t mode, enum kr_links links)
{
	for (int followed = 0; followed < LINKS_FOLLOWED; followed++) {
		char name[NAME_MAX + 1];
		size_t size;
		size_t length;
		int at = open_existing(root, path, &size, links);
		const char *next;
		int replaced;

		if (at < 0) {
			return -1;
		}
		next = path + size + strspn(path + size, "/");
		length = strcspn(next, "/");
		memcpy(name, next, length);
		name[length] = 0;
		replaced = links == KR_LINKS_IN_ROOT && length > 0
				   ? replace_link(at, name, path, size, next + length)
				   : 0;
		if (replaced == 0) {
			return make_steps(at, path + size, mode);
		}
		(void)close(at);
		if (replaced < 0) {
			return -1;
		}
	}
	errno = ELOOP;
	return -1;
}

/* Copy a path to a buffer of PATH_MAX bytes. */
static int copy_path(char *copy, const char *path)
{
	size_t size = strlen(path) + 1;

	if (size > PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(copy, path, size);
	return 0;
}

int kr_make_directory(int root, const char *path, mode_t mode, enum kr_links links, struct kr_err *err)
{
	char copy[PATH_MAX];
	int fd = copy_path(copy, path) == 0 ? make_directory(root, copy, mode, links) : -1;

	return fd >= 0 ? fd : kr_fail(err, errno, "make the directory %s", path);
}

/* kr_make_parent; *size is the length of the parent's path.  A descriptor, or -1 with errno. */
static int make_parent(int root, const char *path, enum kr_links links, char *name, size_t *size)
{
	char parent[PATH_MAX];

	*size = strlen(path);
	if (!cut_last(path, size, name) || strcmp(name, ".") == 0) {
		errno = EINVAL;
		return -1;
	}
	memcpy(parent, path, *size);
	parent[*size] = 0;
	return make_directory(root, parent, 0755, links);
}

int kr_make_parent(int root, const char *path, enum kr_links links, char *name, struct kr_err *err)
{
	char copy[PATH_MAX];
	size_t size;
	int fd = copy_path(copy, path) == 0 ? make_parent(root, copy, links, name, &size) : -1;

	return fd >= 0 ? fd : kr_fail(err, errno, "make the directory of %s", path);
}

/* kr_make_file; `path` is changed.  A descriptor, or -1 with errno. */
static int make_file(int root, char *path, mode_t mode, enum kr_links links)
{
	for (int followed = 0; followed < LINKS_FOLLOWED; followed++) {
		char name[NAME_MAX + 1];
		size_t size;
		int fd = open_linked(root, path, O_PATH, links);
		kr_own_fd int parent = -1;
		kr_own_fd int made = -1;
		int replaced;

		if (fd >= 0 || errno != ENOENT) {
			return fd;
		}
		parent = make_parent(root, path, links, name, &size);
		if (parent < 0) {
			return -1;
		}
		replaced = links == KR_LINKS_IN_ROOT ? replace_link(parent, name, path, size, "") : 0;
		if (replaced < 0) {
			return -1;
		}
		if (replaced == 0) {
			made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_RDONLY, mode);
			return made >= 0 || errno == EEXIST ? kr_open_in_root_straight(parent, name, O_PATH, 0)
							    : -1;
		}
	}
	errno = ELOOP;
	return -1;
}

int kr_make_file(int root, const char *path, mode_t mode, enum kr_links links, struct kr_err *err)
{
	char copy[PATH_MAX];
	int fd = copy_path(copy, path) == 0 ? make_file(root, copy, mode, links) : -1;

	return fd >= 0 ? fd : kr_fail(err, errno, "make the file %s", path);
}
