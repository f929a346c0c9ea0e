/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The configured mounts: new file systems, binds, changes to what is mounted.
 */
#include "../base/fd.h"
#include "../base/path.h"
#include "copy.h"
#include "destination.h"
#include "mount.h"
#include "ops.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files below /proc that may be covered: what lxcfs and its like replace, as in runc. */
static const char *const proc_covers[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/meminfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/loadavg",
	"/proc/slabinfo",
	"/proc/net/dev",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/sys/crypto/fips_enabled",
};

/* The path without doubled and trailing slashes and "."; false when it has "..", or is too long. */
static bool clean_path(const char *path, char *clean, size_t size)
{
	size_t used = 0;

	while (*(path += strspn(path, "/")) != 0) {
		size_t length = strcspn(path, "/");

		if ((length == 2 && memcmp(path, "..", 2) == 0) || used + length + 2 > size) {
			return false;
		}
		if (length != 1 || *path != '.') {
			clean[used++] = '/';
			memcpy(clean + used, path, length);
			used += length;
		}
		path += length;
	}
	clean[used] = 0;
	return true;
}

/* Refuse what would let a container fake its /proc: a mount of something else on it, or on what is below.
 * `place` is the destination, open; `is_proc` says whether the new mount is a procfs. */
static int check_proc_cover(const char *destination, int place, bool is_proc, struct kr_err *err)
{
	char clean[PATH_MAX];
	bool named = !clean_path(destination, clean, sizeof clean) || strcmp(clean, "/proc") == 0 ||
		     strncmp(clean, "/proc/", strlen("/proc/")) == 0;

	if (!named && !kr_is_proc(place)) {
		return 0;
	}
	if (is_proc && strcmp(clean, "/proc") == 0) {
		return 0;
	}
	for (size_t i = 0; i < sizeof proc_covers / sizeof proc_covers[0]; i++) {
		if (strcmp(clean, proc_covers[i]) == 0) {
			return 0;
		}
	}
	return kr_fail(err, EINVAL, "mount on %s: /proc must not be covered", destination);
}

static bool has_key(struct kr_strings parameters, const char *key)
{
	const char *parameter;

	while ((parameter = kr_next_string(&parameters)) != NULL) {
		if (strncmp(parameter, key, strlen(key)) == 0) {
			return true;
		}
	}
	return false;
}

/* A tmpfs gets the mode of the directory that it covers, unless the configuration has one: /tmp stays 1777.
 * Where there is none yet the file system's default, 1777 as well, is left, so that any user can write there.
 * Stores the parameter; returns it, or NULL where none is wanted. */
static const char *tmpfs_mode(int root, const char *destination, struct kr_strings parameters, char *text,
			      size_t size)
{
	kr_own_fd int there = kr_open_in_root(root, destination, O_PATH | O_DIRECTORY, 0);
	struct stat status;

	if (there < 0 || has_key(parameters, "mode=") || fstat(there, &status) != 0) {
		return NULL;
	}
	(void)snprintf(text, size, "mode=%o", status.st_mode & 07777);
	return text;
}

/* Fill a new file system with what it is going to cover, the directory's own owner and times included. */
static int copy_covered(int place, int mount, struct kr_strings parameters, struct kr_err *err)
{
	kr_own_fd int target = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat covered;

	if (target < 0 || fstat(place, &covered) != 0) {
		return kr_fail(err, errno, "open what it covers");
	}
	if (kr_copy_contents(place, target, err) != 0) {
		return -1;
	}
	if (!has_key(parameters, "uid=") && fchown(target, covered.st_uid, (gid_t)-1) != 0) {
		return kr_fail(err, errno, "set the owner");
	}
	if (!has_key(parameters, "gid=") && fchown(target, (uid_t)-1, covered.st_gid) != 0) {
		return kr_fail(err, errno, "set the group");
	}
	return futimens(target, (const struct timespec[]){ covered.st_atim, covered.st_mtim }) == 0
		       ? 0
		       : kr_fail(err, errno, "set the times");
}

/* Attach a mount, and set its propagation there. */
static int attach(int mount, int place, const char *what, const char *destination, uint64_t propagation,
		  struct kr_err *err)
{
	if (kr_mount_attach(mount, place) != 0) {
		return kr_fail(err, errno, "mount %s on %s", what, destination);
	}
	if (kr_mount_propagate(mount, propagation) != 0) {
		return kr_fail(err, errno, "set the propagation of %s", destination);
	}
	return 0;
}

int kr_op_MOUNT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *fstype = kr_read_string(operands);
	const char *source = kr_read_string(operands);
	struct kr_strings parameters = kr_read_strings(operands);
	const char *destination = kr_read_string(operands);
	uint64_t set = kr_read_u64(operands);
	uint64_t unused = kr_read_u64(operands); /* a new mount has no attribute that could be cleared */
	uint64_t propagation = kr_read_u64(operands);
	bool copies = kr_read_u64(operands) != 0;
	bool is_proc = strcmp(fstype, "proc") == 0;
	/* The kernel's own files stand where the image cannot redirect them (CVE-2019-19921). */
	enum kr_links links = is_proc || strcmp(fstype, "sysfs") == 0 ? KR_LINKS_NONE : KR_LINKS_IN_ROOT;
	const char *extra = NULL;
	char mode[16];
	kr_own_fd int place = -1;
	kr_own_fd int mount = -1;

	(void)unused;
	if (strcmp(fstype, "tmpfs") == 0) {
		extra = tmpfs_mode(stage->root, destination, parameters, mode, sizeof mode);
	}
	place = kr_make_directory(stage->root, destination, 0755, links, err);
	if (place < 0 || check_proc_cover(destination, place, is_proc, err) != 0) {
		return -1;
	}
	mount = kr_mount_new(fstype, source, parameters, extra, set, err);
	if (mount < 0) {
		return kr_fail_for(err, "mount %s on %s", fstype, destination);
	}
	/* Where nobody can reach it yet. */
	if (copies && copy_covered(place, mount, parameters, err) != 0) {
		return kr_fail_for(err, "mount %s on %s", fstype, destination);
	}
	return attach(mount, place, fstype, destination, propagation, err);
}

/* The place of a bind: a directory for a directory, else a file. */
static int make_bind_place(int root, int mount, const char *destination, struct kr_err *err)
{
	struct stat status;

	if (fstat(mount, &status) != 0) {
		return kr_fail(err, errno, "look at the source of %s", destination);
	}
	if (S_ISDIR(status.st_mode)) {
		return kr_make_directory(root, destination, 0755, KR_LINKS_IN_ROOT, err);
	}
	return kr_make_file(root, destination, 0755, KR_LINKS_IN_ROOT, err);
}

/* What is to become of a bind's mount. */
struct binding {
	const char *source;
	const char *destination;
	uint64_t set;
	uint64_t clear;
	bool set_below;
	uint64_t propagation;
};

static struct binding read_binding(struct kr_reader *operands)
{
	struct binding binding;

	binding.set = kr_read_u64(operands);
	binding.clear = kr_read_u64(operands);
	binding.set_below = kr_read_u64(operands) != 0;
	binding.propagation = kr_read_u64(operands);
	return binding;
}

static int attach_binding(const struct kr_stage *stage, int mount, const struct binding *binding,
			  struct kr_err *err)
{
	kr_own_fd int place = -1;

	if (kr_mount_set(mount, binding->set, binding->clear, binding->set_below) != 0) {
		return kr_fail(err, errno, "set the attributes of %s", binding->destination);
	}
	place = make_bind_place(stage->root, mount, binding->destination, err);
	if (place < 0 || check_proc_cover(binding->destination, place, kr_is_proc(mount), err) != 0) {
		return -1;
	}
	return attach(mount, place, binding->source, binding->destination, binding->propagation, err);
}

int kr_op_BIND(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *source = kr_read_string(operands);
	const char *destination = kr_read_string(operands);
	bool recursive = kr_read_u64(operands) != 0;
	struct binding binding = read_binding(operands);
	kr_own_fd int mount = kr_mount_clone(AT_FDCWD, source, recursive);

	if (mount < 0) {
		return kr_fail(err, errno, "bind %s on %s", source, destination);
	}
	binding.source = source;
	binding.destination = destination;
	return attach_binding(stage, mount, &binding, err);
}

int kr_op_BIND_IDMAPPED(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t index = kr_read_u64(operands);
	const char *source = kr_read_string(operands);
	const char *destination = kr_read_string(operands);
	struct binding binding = read_binding(operands);
	kr_own_fd int mount = -1;

	if (index >= stage->mount_count) {
		return kr_fail(err, EBADF, "bind %s on %s: it is not open", source, destination);
	}
	mount = kr_steal_fd(&stage->mounts[index]);
	binding.source = source;
	binding.destination = destination;
	return attach_binding(stage, mount, &binding, err);
}

int kr_op_SET_MOUNT(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *destination = kr_read_string(operands);
	bool recursive = kr_read_u64(operands) != 0;
	uint64_t set = kr_read_u64(operands);
	uint64_t clear = kr_read_u64(operands);
	uint64_t propagation = kr_read_u64(operands);
	kr_own_fd int mount = kr_open_in_root(stage->root, destination, O_PATH, 0);

	if (mount < 0) {
		return kr_fail(err, errno, "open %s", destination);
	}
	if (kr_mount_set(mount, set, clear, recursive) != 0) {
		return kr_fail(err, errno, "set the attributes of %s", destination);
	}
	if (kr_mount_propagate(mount, propagation) != 0) {
		return kr_fail(err, errno, "set the propagation of %s", destination);
	}
	return 0;
}
