/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What files are, and extended attributes.
 */
#include "suite.h"

#include <dirent.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

static char room[4 * PAGE];
static struct stat status;

static char *too_long(void)
{
	memset(room, 'n', PATH_MAX);
	room[PATH_MAX] = 0;
	return room;
}

TEST(stat02)
{
	(void)make_file("f", 10);
	say("file", S(stat, "f", &status));
	say("size", status.st_size);
	say("mode", status.st_mode);
	say("links", (long)status.st_nlink);
	say("missing", S(stat, "g", &status));
	say("below a file", S(stat, "f/x", &status));
	say("empty", S(stat, "", &status));
	say("long", S(stat, too_long(), &status));
	say("long component", (room[300] = 0, S(stat, room, &status)));
	say("loop", ((void)!symlink("l", "l"), S(stat, "l", &status)));
	say("missing, no room", S(stat, "g", NULL));
	EACH_BAD_IN("path", S(stat, P, &status));
	EACH_BAD_OUT("stat", S(stat, "f", P));
	say("closed directory", (mkdir("d", 0700), mkdir("d/e", 0700), become_nobody(), S(stat, "d/e", &status)));
}

TEST(fstat03)
{
	say("file", S(fstat, make_file("f", 10), &status));
	say("path", S(fstat, open("f", O_PATH), &status));
	say("no descriptor", S(fstat, -1, &status));
	say("no descriptor, no room", S(fstat, -1, NULL));
	EACH_BAD_OUT("stat", S(fstat, 0, P));
	say("at the hole", S(fstat, 0, before_hole(sizeof status)));
}

TEST(lstat02)
{
	(void)!symlink("nowhere", "l");
	say("link", S(lstat, "l", &status));
	say("mode", status.st_mode);
	say("size", status.st_size);
	EACH_BAD_IN("path", S(lstat, P, &status));
	EACH_BAD_OUT("stat", S(lstat, "l", P));
}

TEST(fstatat01)
{
	int fd = make_file("f", 10);

	say("below", S(newfstatat, AT_FDCWD, "f", &status, 0));
	say("empty path", S(newfstatat, fd, "", &status, AT_EMPTY_PATH));
	say("empty", S(newfstatat, fd, "", &status, 0));
	say("no directory", S(newfstatat, fd, "x", &status, 0));
	say("no descriptor", S(newfstatat, -1, "x", &status, 0));
	say("flags", S(newfstatat, AT_FDCWD, "f", &status, 0x40000));
	say("NULL and empty path", S(newfstatat, fd, NULL, &status, AT_EMPTY_PATH));
	EACH_BAD_IN("path", S(newfstatat, AT_FDCWD, P, &status, 0));
	EACH_BAD_OUT("stat", S(newfstatat, AT_FDCWD, "f", P, 0));
}

TEST(statx03)
{
	struct statx info;
	int fd = make_file("f", 10);

	say("file", S(statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &info));
	say("size", (long)info.stx_size);
	say("descriptor", S(statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &info));
	say("NULL and empty path", S(statx, fd, NULL, AT_EMPTY_PATH, STATX_SIZE, &info));
	say("no descriptor", S(statx, -1, "x", 0, STATX_SIZE, &info));
	say("flags", S(statx, AT_FDCWD, "f", 0x10000000, STATX_SIZE, &info));
	say("sync flags", S(statx, AT_FDCWD, "f", AT_STATX_SYNC_TYPE, STATX_SIZE, &info));
	say("reserved", S(statx, AT_FDCWD, "f", 0, 0x80000000u, &info));
	say("missing", S(statx, AT_FDCWD, "g", 0, STATX_SIZE, &info));
	say("empty", S(statx, AT_FDCWD, "", 0, STATX_SIZE, &info));
	EACH_BAD_IN("path", S(statx, AT_FDCWD, P, 0, STATX_SIZE, &info));
	EACH_BAD_OUT("statx", S(statx, AT_FDCWD, "f", 0, STATX_SIZE, P));
}

TEST(access02)
{
	(void)make_file("f", 10);
	say("read", S(access, "f", R_OK | W_OK));
	say("execute", S(access, "f", X_OK));
	say("missing", S(access, "g", F_OK));
	say("mode", S(access, "f", 077));
	EACH_BAD_IN("path", S(access, P, F_OK));
	chmod("f", 0400);
	become_nobody();
	say("others", S(access, "f", R_OK));
}

TEST(faccessat02)
{
	int fd = make_file("f", 10);

	say("below", S(faccessat, AT_FDCWD, "f", R_OK));
	say("no directory", S(faccessat, fd, "f", R_OK));
	say("no descriptor", S(faccessat, -1, "f", R_OK));
	EACH_BAD_IN("path", S(faccessat, AT_FDCWD, P, R_OK));
}

TEST(faccessat202)
{
	int fd = make_file("f", 10);

	say("effective", S(faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
	say("empty path", S(faccessat2, fd, "", R_OK, AT_EMPTY_PATH));
	say("flags", S(faccessat2, AT_FDCWD, "f", R_OK, 1));
	say("mode", S(faccessat2, AT_FDCWD, "f", 0100, 0));
	EACH_BAD_IN("path", S(faccessat2, AT_FDCWD, P, R_OK, 0));
}

TEST(statfs02)
{
	struct statfs fs;

	(void)make_file("f", 10);
	say("here", S(statfs, ".", &fs));
	say("type", fs.f_type);
	say("proc", (S(statfs, "/proc", &fs), fs.f_type));
	say("below a file", S(statfs, "f/x", &fs));
	say("missing", S(statfs, "g", &fs));
	say("long", S(statfs, too_long(), &fs));
	EACH_BAD_IN("path", S(statfs, P, &fs));
	EACH_BAD_OUT("statfs", S(statfs, ".", P));
}

TEST(fstatfs02)
{
	struct statfs fs;

	say("here", S(fstatfs, make_file("f", 1), &fs));
	say("pipe", (S(fstatfs, memfd_create("m", 0), &fs), fs.f_type));
	say("no descriptor", S(fstatfs, -1, &fs));
	EACH_BAD_OUT("statfs", S(fstatfs, 1, P));
}

TEST(ustat02)
{
	char buffer[64];

	stat(".", &status);
	say("here", S(ustat, (unsigned)status.st_dev, buffer));
	say("no device", S(ustat, 0xffffu, buffer));
	EACH_BAD_OUT("ustat", S(ustat, (unsigned)status.st_dev, P));
}

/* Entries are unordered: their number, and the sum of what their names say. */
static void count_entries(const char *what, const char *buffer, long size, bool is_old)
{
	long count = 0;
	long names = 0;

	for (long at = 0; at < size;) {
		unsigned short length;
		const char *name = buffer + at + (is_old ? 18 : 19);

		memcpy(&length, buffer + at + 16, sizeof length);
		for (size_t i = 0; name[i] != 0; i++) {
			names += name[i];
		}
		count++;
		at += length;
	}
	say(what, count);
	say("names", names);
}

TEST(getdents02)
{
	int fd = open(".", O_RDONLY);
	int file = make_file("f", 10);

	count_entries("entries", room, S(getdents, fd, room, sizeof room), true);
	say("end", S(getdents, fd, room, sizeof room));
	lseek(fd, 0, SEEK_SET);
	say("small", S(getdents, fd, room, 1));
	say("file", S(getdents, file, room, sizeof room));
	say("no descriptor", S(getdents, -1, room, sizeof room));
	say("no descriptor, no room", S(getdents, -1, NULL, sizeof room));
	EACH_BAD_OUT("entries", S(getdents, fd, P, 200));
}

TEST(getdents6402)
{
	int fd = open(".", O_RDONLY);
	int proc = open("/proc/self/fdinfo", O_RDONLY);

	(void)make_file("f", 10);
	mkdir("d", 0700);
	count_entries("entries", room, S(getdents64, fd, room, sizeof room), false);
	lseek(fd, 0, SEEK_SET);
	say("small", S(getdents64, fd, room, 20));
	say("proc small", S(getdents64, proc, room, 1));
	say("removed", (mkdir("r", 0700), proc = open("r", O_RDONLY), rmdir("r"), S(getdents64, proc, room, 100)));
	say("no descriptor, no room", S(getdents64, -1, NULL, sizeof room));
	say("write only", S(getdents64, open("/dev/null", O_WRONLY), room, 100));
	EACH_BAD_OUT("entries", S(getdents64, fd, P, 200));
	proc = open("/proc/self/fdinfo", O_RDONLY);
	EACH_BAD_OUT("proc entries", S(getdents64, proc, P, 200));
}

TEST(getcwd01)
{
	say("size", S(getcwd, room, sizeof room));
	say_bytes("path", room, strlen(room));
	say("small", S(getcwd, room, 3));
	say("exact", S(getcwd, room, 14));
	say("nothing", S(getcwd, room, 0));
	say("no room", S(getcwd, NULL, 0));
	EACH_BAD_OUT("buf", S(getcwd, P, 100));
	mkdir("gone", 0700);
	say("removed", (chdir("gone") == 0 && rmdir("../gone") == 0) ? S(getcwd, room, 100) : 0);
}

TEST(readlink03)
{
	(void)make_file("f", 10);
	(void)!symlink("nowhere", "l");
	say("link", S(readlink, "l", room, 100));
	say_bytes("target", room, 7);
	say("cut", S(readlink, "l", room, 3));
	say("file", S(readlink, "f", room, 100));
	say("missing", S(readlink, "g", room, 100));
	say("below a file", S(readlink, "f/x", room, 100));
	say("empty", S(readlink, "", room, 100));
	say("nothing", S(readlink, "l", room, 0));
	say("negative", S(readlink, "l", room, -1));
	say("missing, nothing", S(readlink, "g", room, 0));
	say("missing, no room", S(readlink, "g", NULL, 10));
	say("file, no room", S(readlink, "f", NULL, 10));
	say("exe is absolute", S(readlink, "/proc/self/exe", room, 100));
	EACH_BAD_IN("path", S(readlink, P, room, 100));
	EACH_BAD_OUT("buf", S(readlink, "l", P, 100));
	say("readonly edge", S(readlink, "l", before_hole(3), 3));
}

TEST(readlinkat02)
{
	int fd = make_file("f", 10);

	(void)!symlink("nowhere", "l");
	say("link", S(readlinkat, AT_FDCWD, "l", room, 100));
	say("by descriptor", S(readlinkat, open("l", O_PATH | O_NOFOLLOW), "", room, 100));
	say("descriptor of a file", S(readlinkat, fd, "", room, 100));
	say("no directory", S(readlinkat, fd, "l", room, 100));
	say("no descriptor", S(readlinkat, -1, "l", room, 100));
	EACH_BAD_IN("path", S(readlinkat, AT_FDCWD, P, room, 100));
	EACH_BAD_OUT("buf", S(readlinkat, AT_FDCWD, "l", P, 100));
}

TEST(name_to_handle_at02)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} room_of = { .handle = { .handle_bytes = 0 } };
	int mount;

	(void)make_file("f", 10);
	say("size", S(name_to_handle_at, AT_FDCWD, "f", &room_of, &mount, 0));
	say_done("bytes", (long)room_of.handle.handle_bytes);
	say_done("handle", S(name_to_handle_at, AT_FDCWD, "f", &room_of, &mount, 0));
	say("too large",
	    (room_of.handle.handle_bytes = 1000, S(name_to_handle_at, AT_FDCWD, "f", &room_of, &mount, 0)));
	say("flags", S(name_to_handle_at, AT_FDCWD, "f", &room_of, &mount, 1));
	say("missing", S(name_to_handle_at, AT_FDCWD, "g", &room_of, &mount, 0));
	EACH_BAD_IN("path", S(name_to_handle_at, AT_FDCWD, P, &room_of, &mount, 0));
	EACH_BAD_IN("handle", S(name_to_handle_at, AT_FDCWD, "f", P, &mount, 0));
}

TEST(open_by_handle_at02)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} room_of = { .handle = { .handle_bytes = 8 } };

	say("no right", S(open_by_handle_at, AT_FDCWD, &room_of, O_RDONLY));
	EACH_BAD_IN("handle", S(open_by_handle_at, AT_FDCWD, P, O_RDONLY));
}

TEST(setxattr01)
{
	(void)make_file("f", 10);
	say("set", S(setxattr, "f", "trusted.a", "value", 5, 0));
	say("create again", S(setxattr, "f", "trusted.a", "value", 5, XATTR_CREATE));
	say("replace nothing", S(setxattr, "f", "trusted.b", "value", 5, XATTR_REPLACE));
	say("flags", S(setxattr, "f", "trusted.b", "value", 5, 77));
	say("no prefix", S(setxattr, "f", "name", "value", 5, 0));
	say("empty name", S(setxattr, "f", "", "value", 5, 0));
	say("too large", S(setxattr, "f", "trusted.b", room, 65537ul, 0));
	say("huge", S(setxattr, "f", "trusted.b", room, -1l, 0));
	say("no value", S(setxattr, "f", "trusted.c", NULL, 0, 0));
	say("missing", S(setxattr, "g", "trusted.a", "value", 5, 0));
	say("long name", (memset(room, 'x', 300), memcpy(room, "trusted.", 8), room[300] = 0,
			  S(setxattr, "f", room, "value", 5, 0)));
	EACH_BAD_IN("path", S(setxattr, P, "trusted.a", "value", 5, 0));
	EACH_BAD_IN("name", S(setxattr, "f", P, "value", 5, 0));
	EACH_BAD_IN("value", S(setxattr, "f", "trusted.a", P, 5, 0));
}

TEST(lsetxattr01)
{
	(void)!symlink("nowhere", "l");
	say("link", S(lsetxattr, "l", "trusted.a", "value", 5, 0));
	say("user on a link", S(lsetxattr, "l", "user.a", "value", 5, 0));
	EACH_BAD_IN("value", S(lsetxattr, "l", "trusted.a", P, 5, 0));
}

TEST(fsetxattr01)
{
	int fd = make_file("f", 10);

	say("set", S(fsetxattr, fd, "trusted.a", "value", 5, 0));
	say("no descriptor", S(fsetxattr, -1, "trusted.a", "value", 5, 0));
	say("no descriptor, no name", S(fsetxattr, -1, NULL, "value", 5, 0));
	EACH_BAD_IN("name", S(fsetxattr, fd, P, "value", 5, 0));
}

TEST(getxattr02)
{
	(void)make_file("f", 10);
	setxattr("f", "trusted.a", "value", 5, 0);
	say("get", S(getxattr, "f", "trusted.a", room, 100));
	say("size", S(getxattr, "f", "trusted.a", NULL, 0));
	say("small", S(getxattr, "f", "trusted.a", room, 2));
	say("none", S(getxattr, "f", "trusted.b", room, 100));
	say("missing", S(getxattr, "g", "trusted.a", room, 100));
	EACH_BAD_IN("path", S(getxattr, P, "trusted.a", room, 100));
	EACH_BAD_IN("name", S(getxattr, "f", P, room, 100));
	EACH_BAD_OUT("value", S(getxattr, "f", "trusted.a", P, 100));
}

TEST(lgetxattr01)
{
	(void)!symlink("nowhere", "l");
	lsetxattr("l", "trusted.a", "value", 5, 0);
	say("get", S(lgetxattr, "l", "trusted.a", room, 100));
	EACH_BAD_OUT("value", S(lgetxattr, "l", "trusted.a", P, 100));
}

TEST(fgetxattr03)
{
	int fd = make_file("f", 10);

	fsetxattr(fd, "trusted.a", "value", 5, 0);
	say("get", S(fgetxattr, fd, "trusted.a", room, 100));
	say("no descriptor", S(fgetxattr, -1, "trusted.a", room, 100));
	EACH_BAD_OUT("value", S(fgetxattr, fd, "trusted.a", P, 100));
}

TEST(listxattr02)
{
	(void)make_file("f", 10);
	setxattr("f", "trusted.a", "value", 5, 0);
	say("list", S(listxattr, "f", room, 100));
	say_bytes("names", room, 10);
	say("size", S(listxattr, "f", NULL, 0));
	say("small", S(listxattr, "f", room, 3));
	say("missing", S(listxattr, "g", room, 100));
	EACH_BAD_IN("path", S(listxattr, P, room, 100));
	EACH_BAD_OUT("list", S(listxattr, "f", P, 100));
}

TEST(llistxattr02)
{
	(void)!symlink("nowhere", "l");
	say("none", S(llistxattr, "l", room, 100));
	EACH_BAD_IN("path", S(llistxattr, P, room, 100));
}

TEST(flistxattr02)
{
	say("none", S(flistxattr, make_file("f", 10), room, 100));
	say("no descriptor", S(flistxattr, -1, room, 100));
	EACH_BAD_OUT("list", S(flistxattr, 1, P, 100));
}

TEST(removexattr02)
{
	(void)make_file("f", 10);
	setxattr("f", "trusted.a", "value", 5, 0);
	say("remove", S(removexattr, "f", "trusted.a"));
	say("again", S(removexattr, "f", "trusted.a"));
	EACH_BAD_IN("path", S(removexattr, P, "trusted.a"));
	EACH_BAD_IN("name", S(removexattr, "f", P));
}

TEST(lremovexattr01)
{
	(void)!symlink("nowhere", "l");
	say("none", S(lremovexattr, "l", "trusted.a"));
	EACH_BAD_IN("name", S(lremovexattr, "l", P));
}

TEST(fremovexattr02)
{
	say("none", S(fremovexattr, make_file("f", 10), "trusted.a"));
	say("no descriptor", S(fremovexattr, -1, "trusted.a"));
	EACH_BAD_IN("name", S(fremovexattr, 1, P));
}

TEST(listxattrat01)
{
	(void)make_file("f", 10);
	setxattr("f", "trusted.a", "value", 5, 0);
	say("list", syscall(NR_listxattrat, AT_FDCWD, "f", 0, room, 100));
	say("flags", syscall(NR_listxattrat, AT_FDCWD, "f", 0x10000000, room, 100));
	EACH_BAD_IN("path", syscall(NR_listxattrat, AT_FDCWD, P, 0, room, 100));
	EACH_BAD_OUT("list", syscall(NR_listxattrat, AT_FDCWD, "f", 0, P, 100));
}

TEST(removexattrat01)
{
	(void)make_file("f", 10);
	say("none", syscall(NR_removexattrat, AT_FDCWD, "f", 0, "trusted.a"));
	EACH_BAD_IN("name", syscall(NR_removexattrat, AT_FDCWD, "f", 0, P));
}

struct attribute {
	uint64_t value;
	uint32_t size;
	uint32_t flags;
	uint64_t newer;
};

TEST(setxattrat01)
{
	int fd = make_file("f", 10);
	struct attribute value = { .value = (uintptr_t) "value", .size = 5 };

#define SET(directory, path, flags, name, size) \
	syscall(NR_setxattrat, directory, path, flags, name, &value, (size_t)(size))
	say("set", SET(AT_FDCWD, "f", 0, "trusted.a", 16));
	say("by descriptor", SET(fd, "", AT_EMPTY_PATH, "trusted.b", 16));
	say("no path", SET(fd, NULL, AT_EMPTY_PATH, "trusted.b", 16));
	say("flags", SET(AT_FDCWD, "f", 1, "trusted.b", 16));
	say("missing", SET(AT_FDCWD, "g", 0, "trusted.b", 16));
	say("closed", SET(99, "f", 0, "trusted.b", 16));
	say("short", SET(AT_FDCWD, "f", 0, "trusted.b", 15));
	say("longer", SET(AT_FDCWD, "f", 0, "trusted.b", 24));
	say("too long", SET(AT_FDCWD, "f", 0, "trusted.b", 4097));
	value.newer = 1;
	say("newer", SET(AT_FDCWD, "f", 0, "trusted.b", 24));
	value.flags = XATTR_CREATE;
	say("create again", SET(AT_FDCWD, "f", 0, "trusted.a", 16));
	value.flags = 77;
	say("value flags", SET(AT_FDCWD, "f", 0, "trusted.a", 16));
	value.flags = 0;
	EACH_BAD_IN("value", (value.value = (uintptr_t)P, SET(AT_FDCWD, "f", 0, "trusted.a", 16)));
	value.value = (uintptr_t) "value";
	EACH_BAD_IN("path", SET(AT_FDCWD, P, 0, "trusted.a", 16));
	EACH_BAD_IN("name", SET(AT_FDCWD, "f", 0, P, 16));
	EACH_BAD_IN("structure", syscall(NR_setxattrat, AT_FDCWD, "f", 0, "trusted.a", P, 16ul));
}

TEST(getxattrat01)
{
	char got[16] = "";
	struct attribute value = { .value = (uintptr_t)got, .size = sizeof got };

#define GET(directory, path, flags, name, size) \
	syscall(NR_getxattrat, directory, path, flags, name, &value, (size_t)(size))
	make_file("f", 10);
	say("set", S(setxattr, "f", "trusted.a", "value", 5, 0));
	say("get", GET(AT_FDCWD, "f", 0, "trusted.a", 16));
	say_bytes("value", got, 8);
	say("none", GET(AT_FDCWD, "f", 0, "trusted.b", 16));
	say("flags", (value.flags = 1, GET(AT_FDCWD, "f", 0, "trusted.a", 16)));
	value.flags = 0;
	say("small", (value.size = 4, GET(AT_FDCWD, "f", 0, "trusted.a", 16)));
	say("size", (value.size = 0, GET(AT_FDCWD, "f", 0, "trusted.a", 16)));
	value.size = 16;
	EACH_BAD_OUT("value", (value.value = (uintptr_t)P, GET(AT_FDCWD, "f", 0, "trusted.a", 16)));
	EACH_BAD_IN("structure", syscall(NR_getxattrat, AT_FDCWD, "f", 0, "trusted.a", P, 16ul));
}
