/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "destination.h"

#include "../base/fd.h"
#include "../base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static int open_linked(int root, const char *path, uint64_t flags, enum kr_links links)
{
	return links == KR_LINKS_NONE ? kr_open_in_root_straight(root, path, flags, 0)
				      : kr_open_in_root(root, path, flags, 0);
}

/* Cut the last component off: its text is stored, and *size, the length of what remains, is lowered.
 * False when there is none, or when it is "..": what is missing cannot be climbed out of. */
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

/* Make one directory, or accept one that is there; a link is not followed, for it would be a dangling one. */
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

int kr_make_directory(int root, const char *path, mode_t mode, enum kr_links links, struct kr_err *err)
{
	char prefix[PATH_MAX];
	char name[NAME_MAX + 1];
	size_t size = strlen(path);
	const char *rest;
	kr_own_fd int at = -1;

	if (size >= sizeof prefix) {
		return kr_fail(err, ENAMETOOLONG, "make the directory %.64s…", path);
	}
	/* The longest part that exists, the root itself in the end; the rest is made below it. */
	memcpy(prefix, path, size + 1);
	while ((at = open_linked(root, size > 0 ? prefix : "/", O_PATH | O_DIRECTORY, links)) < 0) {
		if (errno != ENOENT || !cut_last(path, &size, name)) {
			return kr_fail(err, errno, "open the directory %s", path);
		}
		prefix[size] = 0;
	}
	rest = path + size;
	while (*(rest += strspn(rest, "/")) != 0) {
		size_t length = strcspn(rest, "/");
		int next;

		memcpy(name, rest, length); /* cut_last has seen each: short enough */
		name[length] = 0;
		next = make_step(at, name, mode);
		if (next < 0) {
			return kr_fail(err, errno, "make the directory %s", path);
		}
		(void)close(at);
		at = next;
		rest += length;
	}
	return kr_steal_fd(&at);
}

int kr_make_parent(int root, const char *path, enum kr_links links, char *name, struct kr_err *err)
{
	char parent[PATH_MAX];
	size_t size = strlen(path);

	if (size >= sizeof parent || !cut_last(path, &size, name) || strcmp(name, ".") == 0) {
		return kr_fail(err, EINVAL, "%s does not name a file", path);
	}
	memcpy(parent, path, size);
	parent[size] = 0;
	return kr_make_directory(root, size > 0 ? parent : "/", 0755, links, err);
}

int kr_make_file(int root, const char *path, mode_t mode, enum kr_links links, struct kr_err *err)
{
	char name[NAME_MAX + 1];
	kr_own_fd int parent = -1;
	kr_own_fd int made = -1;
	int fd = open_linked(root, path, O_PATH, links);

	if (fd >= 0 || errno != ENOENT) {
		return fd >= 0 ? fd : kr_fail(err, errno, "open %s", path);
	}
	parent = kr_make_parent(root, path, links, name, err);
	if (parent < 0) {
		return -1;
	}
	made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_RDONLY, mode);
	fd = made >= 0 || errno == EEXIST ? kr_open_in_root_straight(parent, name, O_PATH, 0) : -1;
	return fd >= 0 ? fd : kr_fail(err, errno, "make the file %s", path);
}
