/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A path is no proof of what it leads to: links, mounts and other threads can change that at any moment.  So a
 * file is first taken hold of with O_PATH, which gives no access to it, then looked at, and what was looked at
 * is opened through the descriptor's entry in a procfs of the monitor's own.
 */
#include "guard.h"

#include "../base/fd.h"
#include "../base/kernel.h"
#include "machine.h"
#include "own_proc.h"
#include "rlimit.h"
#include "running.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>

/* "/proc/thread-self/fd/" and a number. */
/* As many symbolic links as the kernel follows in one path. */
#define MAX_LINKS 40

/* What the guest may do with a file. */
enum verdict { OPEN_IT, OPEN_PROGRAM, OPEN_OWN, REFUSE_ACCESS, REFUSE_ENTRY };

bool kr_is_on_procfs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static bool is_same_file(int fd, const struct stat *file)
{
	struct stat other;

	return fd >= 0 && fstat(fd, &other) == 0 && other.st_dev == file->st_dev && other.st_ino == file->st_ino;
}

bool kr_is_link_to_image(struct kr_thread *thread, int directory, const char *path)
{
	struct stat file;
	kr_own_fd int link = -1;

	if (fstatat(directory, path, &file, 0) != 0 || !is_same_file(kr_image_fd(thread), &file)) {
		return false;
	}
	link = openat(directory, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return link >= 0 && kr_is_on_procfs(link);
}

void kr_write_descriptor_link(int proc, int fd, char name[KR_DESCRIPTOR_LINK])
{
	(void)snprintf(name, KR_DESCRIPTOR_LINK, "%sthread-self/fd/%d", proc < 0 ? "/proc/" : "", fd);
}

/* Whether a regular file on a procfs may be a process's memory.  Its mode, 0600, cannot be changed; its name
 * can only be hidden by a mount on top of that very file. */
static bool may_be_memory(struct kr_thread *thread, int fd, const struct stat *file)
{
	char name[KR_DESCRIPTOR_LINK];
	char path[PATH_MAX];
	struct statx mount;
	ssize_t length;

	if (!S_ISREG(file->st_mode) || (file->st_mode & 0777) != 0600) {
		return false;
	}
	if (kr_sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &mount) < 0 ||
	    (mount.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
		return true;
	}
	(void)snprintf(name, sizeof name, "thread-self/fd/%d", fd);
	length = readlinkat(kr_proc_fd(thread), name, path, sizeof path);
	return length < 4 || length == sizeof path || memcmp(&path[length - 4], "/mem", 4) == 0;
}

/* Of a file on a procfs: whether it tells of this process what the monitor tells otherwise. */
static enum kr_own_file own_file(struct kr_thread *thread, int fd)
{
	char name[KR_DESCRIPTOR_LINK];
	char path[PATH_MAX];
	struct stat file;
	ssize_t length;

	if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || (file.st_mode & 0333) != 0) {
		return KR_OWN_NONE;
	}
	kr_write_descriptor_link(kr_proc_fd(thread), fd, name);
	length = readlinkat(kr_proc_fd(thread), name, path, sizeof path - 1);
	if (length < 0) {
		return KR_OWN_NONE;
	}
	path[length] = 0;
	return kr_own_file_named(path);
}

/* Whether a file is on the procfs that is the monitor's alone.  By hand, it shares the guest's. */
static bool is_private(struct kr_thread *thread, const struct stat *file)
{
	struct stat proc;
	struct stat guests;

	return fstat(kr_proc_fd(thread), &proc) == 0 && proc.st_dev == file->st_dev &&
	       (stat("/proc", &guests) != 0 || guests.st_dev != proc.st_dev);
}

static enum verdict judge(struct kr_thread *thread, int fd)
{
	struct stat file;
	struct stat kvm;

	if (fstat(fd, &file) < 0) {
		return REFUSE_ACCESS;
	}
	if (is_same_file(kr_image_fd(thread), &file)) {
		return OPEN_PROGRAM;
	}
	if (S_ISCHR(file.st_mode)) {
		bool is_kvm = fstat(kr_kvm_fd(thread), &kvm) == 0 && kvm.st_rdev == file.st_rdev;

		return is_kvm ? REFUSE_ACCESS : OPEN_IT;
	}
	if (!kr_is_on_procfs(fd)) {
		return OPEN_IT;
	}
	if (is_private(thread, &file)) {
		return REFUSE_ENTRY;
	}
	if (may_be_memory(thread, fd, &file)) {
		return REFUSE_ACCESS;
	}
	return own_file(thread, fd) != KR_OWN_NONE ? OPEN_OWN : OPEN_IT;
}

static int64_t host_open(struct kr_thread *thread, int directory, const char *path, const struct open_how *how)
{
	const uint64_t arg[6] = {
		(uint64_t)directory, (uint64_t)(uintptr_t)path, (uint64_t)(uintptr_t)how, sizeof *how, 0, 0,
	};

	return kr_host_call(thread, SYS_openat2, arg);
}

/* Whoever looks at what is held and then opens it must find the same file: it stands where no other thread of the
 * guest can put another. */
static int64_t keep_held(struct kr_thread *thread, int64_t held)
{
	return held >= 0 ? kr_descriptors_hold(thread, (int)held) : held;
}

static void let_go(struct kr_thread *thread, int held)
{
	if (held >= 0) {
		kr_descriptors_close(thread->descriptors, held);
	}
}

/* Take hold of a file without access to it.  A descriptor of the monitor's or -errno. */
static int64_t hold(struct kr_thread *thread, int directory, const char *path, const struct open_how *how)
{
	struct open_how holding = {
		.flags = O_PATH | O_CLOEXEC | (how->flags & (O_NOFOLLOW | O_DIRECTORY)),
		.resolve = how->resolve,
	};

	return keep_held(thread, host_open(thread, directory, path, &holding));
}

/* Open what is held.  Letting go of an O_PATH descriptor drops no record locks, closing another of the same file
 * would. */
static int64_t reopen(struct kr_thread *thread, int held, const struct open_how *how)
{
	struct open_how opening = { .flags = how->flags & ~(uint64_t)(O_CREAT | O_EXCL | O_NOFOLLOW) };
	char name[KR_DESCRIPTOR_LINK];

	kr_write_descriptor_link(kr_proc_fd(thread), held, name);
	return host_open(thread, kr_proc_fd(thread), name, &opening);
}

/* Open what the payload is to find in its own file, which `held` holds. */
static int64_t reopen_own(struct kr_thread *thread, int held, const struct open_how *how)
{
	int made = kr_own_file_snapshot(thread, own_file(thread, held), held);
	int64_t fd = made;

	if (made >= 0) {
		/* Until it was kept, another thread could put a file in its place. */
		fd = judge(thread, made) == OPEN_IT ? reopen(thread, made, how) : -EACCES;
		let_go(thread, made);
	}
	return fd;
}

/* Without a procfs of its own, the monitor opens by path and looks at the result.  The guest has no procfs
 * either then, unless it mounts one. */
static int64_t open_and_judge(struct kr_thread *thread, int directory, const char *path, const struct open_how *how)
{
	int64_t fd = host_open(thread, directory, path, how);
	enum verdict verdict = fd >= 0 ? judge(thread, (int)fd) : OPEN_IT;

	if (verdict == OPEN_IT) {
		return fd;
	}
	if (verdict == OPEN_OWN) {
		int held = (int)keep_held(thread, fd);

		fd = held >= 0 ? reopen_own(thread, held, how) : held;
		let_go(thread, held);
		return fd;
	}
	(void)close((int)fd);
	if (verdict != OPEN_PROGRAM) {
		return -EACCES;
	}
	fd = host_open(thread, AT_FDCWD, kr_program_path(thread), how);
	if (fd >= 0 && judge(thread, (int)fd) != OPEN_IT) {
		(void)close((int)fd);
		return -EACCES;
	}
	return fd;
}

/* The path may lead anywhere by now: what it holds is judged again, and a program that has become the image is
 * refused. */
static int64_t open_own_program(struct kr_thread *thread, const struct open_how *how)
{
	struct open_how program = *how;
	int64_t fd;
	int held;

	program.resolve = 0;
	held = (int)hold(thread, AT_FDCWD, kr_program_path(thread), &program);
	if (held < 0) {
		return held;
	}
	fd = judge(thread, held) == OPEN_IT ? reopen(thread, held, how) : -EACCES;
	let_go(thread, held);
	return fd;
}

static int64_t open_judged(struct kr_thread *thread, int held, const struct open_how *how)
{
	struct stat file;

	if ((how->flags & O_CREAT) != 0 && fstat(held, &file) == 0 && S_ISDIR(file.st_mode)) {
		return -EISDIR;
	}
	switch (judge(thread, held)) {
	case OPEN_IT:
		return reopen(thread, held, how);
	case OPEN_PROGRAM:
		return open_own_program(thread, how);
	case OPEN_OWN:
		return reopen_own(thread, held, how);
	case REFUSE_ENTRY:
		return -ENOENT;
	case REFUSE_ACCESS:
		break;
	}
	return -EACCES;
}

/* Open what is held, and let go of it. */
static int64_t open_held(struct kr_thread *thread, int held, const struct open_how *how)
{
	int64_t fd = open_judged(thread, held, how);

	let_go(thread, held);
	return fd;
}

/* Replace the last component of `path`, a symbolic link, by what it says.  0 or -errno. */
static int follow_link(int directory, char path[PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(directory, path, target, sizeof target);
	const char *slash = strrchr(path, '/');
	size_t kept = slash != NULL ? (size_t)(slash - path) + 1 : 0;

	if (length < 0) {
		return -errno;
	}
	if (length > 0 && target[0] == '/') {
		kept = 0;
	}
	if (kept + (size_t)length >= PATH_MAX) {
		return -ENAMETOOLONG;
	}
	memcpy(&path[kept], target, (size_t)length);
	path[kept + (size_t)length] = 0;
	return 0;
}

/* Open with O_CREAT a file that is not there.  O_EXCL keeps the kernel from following a link that another
 * thread puts there; a link that leads nowhere is followed here. */
static int64_t create(struct kr_thread *thread, int directory, const char *path, const struct open_how *how)
{
	struct open_how creating = *how;
	char name[PATH_MAX];
	size_t size = strlen(path) + 1;

	if (size > sizeof name) {
		return -ENAMETOOLONG;
	}
	memcpy(name, path, size);
	creating.flags |= O_EXCL;
	for (int links = 0; links < MAX_LINKS; links++) {
		int64_t fd = host_open(thread, directory, name, &creating);
		int held;

		if (fd != -EEXIST) {
			return fd;
		}
		held = (int)hold(thread, directory, name, how);
		if (held >= 0) {
			return open_held(thread, held, how);
		}
		if (held != -ENOENT || (how->flags & O_NOFOLLOW) != 0) {
			return held;
		}
		fd = follow_link(directory, name);
		/* EINVAL: the file has come and gone meanwhile. */
		if (fd < 0 && fd != -EINVAL) {
			return fd;
		}
	}
	return -ELOOP;
}

int64_t kr_guarded_open(struct kr_thread *thread, int directory, const char *path, const struct open_how *how)
{
	int held = -1;
	bool is_new =
		(how->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) || (how->flags & O_TMPFILE) == O_TMPFILE;

	/* What does not exist yet is nobody's, and O_PATH gives no access. */
	if (is_new || (how->flags & O_PATH) != 0) {
		return host_open(thread, directory, path, how);
	}
	if (kr_proc_fd(thread) < 0) {
		return open_and_judge(thread, directory, path, how);
	}
	if ((how->flags & O_NOFOLLOW) == 0 && how->resolve == 0) {
		held = kr_running_hold(thread->machine, directory, path);
	}
	held = (int)(held >= 0 ? keep_held(thread, held) : hold(thread, directory, path, how));
	if (held >= 0) {
		return open_held(thread, held, how);
	}
	if (held == -ENOENT && (how->flags & O_CREAT) != 0) {
		return create(thread, directory, path, how);
	}
	return held;
}
