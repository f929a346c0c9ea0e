/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Changing the tree of files.
 */
#include "suite.h"

#include <linux/fs.h>
#include <sys/time.h>
#include <utime.h>

static struct stat status;
static char long_path[PATH_MAX + 1];

static char *too_long(void)
{
	memset(long_path, 'n', PATH_MAX);
	return long_path;
}

TEST(chdir04)
{
	(void)make_file("f", 1);
	mkdir("d", 0700);
	(void)!symlink("l", "l");
	say("missing", S(chdir, "g"));
	say("file", S(chdir, "f"));
	say("loop", S(chdir, "l"));
	say("empty", S(chdir, ""));
	say("long", S(chdir, too_long()));
	EACH_BAD_IN("path", S(chdir, P));
	say("below", S(chdir, "d"));
	say("above", S(chdir, ".."));
	become_nobody();
	say("closed", S(chdir, "d"));
}

TEST(fchdir03)
{
	int fd = make_file("f", 1);

	mkdir("d", 0700);
	say("file", S(fchdir, fd));
	say("no descriptor", S(fchdir, -1));
	say("path", S(fchdir, open("d", O_PATH)));
}

TEST(rename03)
{
	(void)make_file("f", 1);
	(void)make_file("g", 2);
	mkdir("d", 0700);
	mkdir("e", 0700);
	mkdir("e/x", 0700);
	say("over a file", S(rename, "f", "g"));
	say("missing", S(rename, "f", "h"));
	say("file over a directory", S(rename, "g", "d"));
	say("directory over a file", S(rename, "d", "g"));
	say("over a full directory", S(rename, "d", "e"));
	say("below itself", S(rename, "e", "e/x/y"));
	say("another file system", S(rename, "g", "/dev/g"));
	say("dot", S(rename, ".", "d"));
	say("same", S(rename, "g", "g"));
	say("long", S(rename, "g", too_long()));
	EACH_BAD_IN("from", S(rename, P, "x"));
	EACH_BAD_IN("to", S(rename, "g", P));
}

TEST(renameat01)
{
	int fd = make_file("f", 1);

	say("no directory", S(renameat, fd, "f", AT_FDCWD, "g"));
	say("no descriptor", S(renameat, AT_FDCWD, "f", -1, "g"));
	say("rename", S(renameat, AT_FDCWD, "f", AT_FDCWD, "g"));
	EACH_BAD_IN("from", S(renameat, AT_FDCWD, P, AT_FDCWD, "x"));
}

TEST(renameat202)
{
	(void)make_file("f", 1);
	(void)make_file("g", 2);
	say("no replace", S(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE));
	say("exchange", S(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", RENAME_EXCHANGE));
	say("size", (stat("f", &status), status.st_size));
	say("exchange with nothing", S(renameat2, AT_FDCWD, "f", AT_FDCWD, "h", RENAME_EXCHANGE));
	say("both", S(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE | RENAME_EXCHANGE));
	say("flags", S(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 64));
	EACH_BAD_IN("to", S(renameat2, AT_FDCWD, "f", AT_FDCWD, P, 0));
}

TEST(mkdir03)
{
	(void)make_file("f", 1);
	(void)!symlink("l", "l");
	say("new", S(mkdir, "d", 07777));
	say("mode", (stat("d", &status), status.st_mode));
	say("again", S(mkdir, "d", 0700));
	say("below a file", S(mkdir, "f/d", 0700));
	say("below nothing", S(mkdir, "g/d", 0700));
	say("loop", S(mkdir, "l/d", 0700));
	say("empty", S(mkdir, "", 0700));
	say("with a slash", S(mkdir, "s/", 0700));
	EACH_BAD_IN("path", S(mkdir, P, 0700));
	say("read only", S(mkdir, "/sys/x", 0700));
	say("others", (chmod(".", 0755), become_nobody(), S(mkdir, "x", 0700)));
}

TEST(mkdirat02)
{
	say("new", S(mkdirat, AT_FDCWD, "d", 0700));
	say("below", S(mkdirat, open("d", O_RDONLY), "e", 0700));
	say("no descriptor", S(mkdirat, -1, "e", 0700));
	EACH_BAD_IN("path", S(mkdirat, AT_FDCWD, P, 0700));
}

TEST(rmdir02)
{
	(void)make_file("f", 1);
	mkdir("d", 0700);
	mkdir("d/e", 0700);
	say("full", S(rmdir, "d"));
	say("file", S(rmdir, "f"));
	say("dot", S(rmdir, "d/e/."));
	say("dots", S(rmdir, "d/e/.."));
	say("missing", S(rmdir, "g"));
	say("mount", S(rmdir, "/proc"));
	say("empty one", S(rmdir, "d/e"));
	EACH_BAD_IN("path", S(rmdir, P));
}

TEST(link04)
{
	(void)make_file("f", 1);
	mkdir("d", 0700);
	say("link", S(link, "f", "g"));
	say("links", (stat("f", &status), (long)status.st_nlink));
	say("exists", S(link, "f", "g"));
	say("directory", S(link, "d", "e"));
	say("missing", S(link, "x", "y"));
	say("another file system", S(link, "f", "/dev/f"));
	EACH_BAD_IN("from", S(link, P, "y"));
	EACH_BAD_IN("to", S(link, "f", P));
}

TEST(linkat02)
{
	int fd = make_file("f", 1);

	(void)!symlink("f", "l");
	say("link itself", S(linkat, AT_FDCWD, "l", AT_FDCWD, "m", 0));
	say("what it leads to", S(linkat, AT_FDCWD, "l", AT_FDCWD, "n", AT_SYMLINK_FOLLOW));
	say("links", (fstat(fd, &status), (long)status.st_nlink));
	say("by descriptor", S(linkat, fd, "", AT_FDCWD, "o", AT_EMPTY_PATH));
	say("flags", S(linkat, AT_FDCWD, "f", AT_FDCWD, "p", 1));
	EACH_BAD_IN("from", S(linkat, AT_FDCWD, P, AT_FDCWD, "p", 0));
}

TEST(unlink07)
{
	(void)make_file("f", 1);
	mkdir("d", 0700);
	say("file", S(unlink, "f"));
	say("again", S(unlink, "f"));
	say("directory", S(unlink, "d"));
	say("empty", S(unlink, ""));
	say("long", S(unlink, too_long()));
	EACH_BAD_IN("path", S(unlink, P));
}

TEST(unlinkat01)
{
	mkdir("d", 0700);
	say("directory", S(unlinkat, AT_FDCWD, "d", 0));
	say("flag", S(unlinkat, AT_FDCWD, "d", AT_REMOVEDIR));
	say("flags", S(unlinkat, AT_FDCWD, "d", 0x1000));
	say("no descriptor", S(unlinkat, -1, "d", 0));
	EACH_BAD_IN("path", S(unlinkat, AT_FDCWD, P, 0));
}

TEST(symlink03)
{
	(void)make_file("f", 1);
	say("link", S(symlink, "anything at all", "l"));
	say("exists", S(symlink, "x", "f"));
	say("empty", S(symlink, "", "m"));
	say("long", S(symlink, too_long(), "m"));
	say("below a file", S(symlink, "x", "f/l"));
	EACH_BAD_IN("target", S(symlink, P, "m"));
	EACH_BAD_IN("path", S(symlink, "x", P));
}

TEST(symlinkat01)
{
	say("link", S(symlinkat, "x", AT_FDCWD, "l"));
	say("no descriptor", S(symlinkat, "x", -1, "l"));
	EACH_BAD_IN("target", S(symlinkat, P, AT_FDCWD, "m"));
}

TEST(mknod06)
{
	say("fifo", S(mknod, "p", S_IFIFO | 0600, 0));
	say("socket", S(mknod, "s", S_IFSOCK | 0600, 0));
	say("file", S(mknod, "f", S_IFREG | 0600, 0));
	say("no type", S(mknod, "g", 0600, 0));
	say("directory", S(mknod, "d", S_IFDIR | 0700, 0));
	say("link", S(mknod, "l", S_IFLNK | 0700, 0));
	say("exists", S(mknod, "f", S_IFREG | 0600, 0));
	say("below a file", S(mknod, "f/x", S_IFREG | 0600, 0));
	EACH_BAD_IN("path", S(mknod, P, S_IFREG | 0600, 0));
	say("device of nobody", (chmod(".", 0777), become_nobody(), S(mknod, "c", S_IFCHR | 0600, 0x103)));
}

TEST(mknodat02)
{
	say("fifo", S(mknodat, AT_FDCWD, "p", S_IFIFO | 0600, 0));
	say("no descriptor", S(mknodat, -1, "q", S_IFIFO | 0600, 0));
	EACH_BAD_IN("path", S(mknodat, AT_FDCWD, P, S_IFREG | 0600, 0));
}

TEST(chmod06)
{
	(void)make_file("f", 1);
	say("all bits", S(chmod, "f", 07777));
	say("mode", (stat("f", &status), status.st_mode));
	say("missing", S(chmod, "g", 0600));
	say("read only", S(chmod, "/sys/kernel", 0700));
	EACH_BAD_IN("path", S(chmod, P, 0600));
	say("others", (become_nobody(), S(chmod, "f", 0666)));
}

TEST(fchmod06)
{
	int fd = make_file("f", 1);

	say("mode", S(fchmod, fd, 0600));
	say("path", S(fchmod, open("f", O_PATH), 0600));
	say("no descriptor", S(fchmod, -1, 0600));
}

TEST(fchmodat02)
{
	(void)make_file("f", 1);
	say("mode", S(fchmodat, AT_FDCWD, "f", 0600));
	say("no descriptor", S(fchmodat, -1, "f", 0600));
	EACH_BAD_IN("path", S(fchmodat, AT_FDCWD, P, 0600));
}

TEST(fchmodat202)
{
	int fd = make_file("f", 1);

	(void)!symlink("f", "l");
	say("link", syscall(NR_fchmodat2, AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
	say("by descriptor", syscall(NR_fchmodat2, fd, "", 0640, AT_EMPTY_PATH));
	say("flags", syscall(NR_fchmodat2, AT_FDCWD, "f", 0640, 1));
	EACH_BAD_IN("path", syscall(NR_fchmodat2, AT_FDCWD, P, 0600, 0));
}

TEST(chown04)
{
	(void)make_file("f", 1);
	chmod("f", 06755);
	say("owner", S(chown, "f", 5, 6));
	say("mode", (stat("f", &status), status.st_mode));
	say("ids", status.st_uid * 100 + status.st_gid);
	say("nothing", S(chown, "f", -1, -1));
	say("missing", S(chown, "g", 0, 0));
	EACH_BAD_IN("path", S(chown, P, 0, 0));
	say("others", (become_nobody(), S(chown, "f", 0, 0)));
}

TEST(fchown04)
{
	say("owner", S(fchown, make_file("f", 1), 5, 6));
	say("path", S(fchown, open("f", O_PATH), 5, 6));
	say("no descriptor", S(fchown, -1, 5, 6));
}

TEST(lchown02)
{
	(void)!symlink("nowhere", "l");
	say("link", S(lchown, "l", 5, 6));
	say("owner", (lstat("l", &status), status.st_uid));
	EACH_BAD_IN("path", S(lchown, P, 0, 0));
}

TEST(fchownat02)
{
	int fd = make_file("f", 1);

	say("owner", S(fchownat, AT_FDCWD, "f", 5, 6, 0));
	say("by descriptor", S(fchownat, fd, "", 7, 8, AT_EMPTY_PATH));
	say("flags", S(fchownat, AT_FDCWD, "f", 5, 6, 1));
	EACH_BAD_IN("path", S(fchownat, AT_FDCWD, P, 5, 6, 0));
}

TEST(umask01)
{
	say("before", S(umask, 077));
	say("after", S(umask, 07777));
	say("cut", S(umask, 0));
}

TEST(utime04)
{
	struct utimbuf times = { 100, 200 };

	(void)make_file("f", 1);
	say("times", S(utime, "f", &times));
	say("changed", (stat("f", &status), status.st_mtime));
	say("now", S(utime, "f", NULL));
	say("missing", S(utime, "g", &times));
	EACH_BAD_IN("times", S(utime, "f", P));
	EACH_BAD_IN("path", S(utime, P, &times));
	say("others", (become_nobody(), S(utime, "f", &times)));
}

TEST(utimes01)
{
	struct timeval times[2] = { { 100, 0 }, { 200, 5 } };

	(void)make_file("f", 1);
	say("times", S(utimes, "f", times));
	say("changed", (stat("f", &status), status.st_mtim.tv_nsec));
	say("microseconds", (times[0].tv_usec = 1000000, S(utimes, "f", times)));
	EACH_BAD_IN("times", S(utimes, "f", P));
}

TEST(futimesat01)
{
	struct timeval times[2] = { { 100, 0 }, { 200, 5 } };
	int fd = make_file("f", 1);

	say("times", S(futimesat, AT_FDCWD, "f", times));
	say("descriptor", S(futimesat, fd, NULL, times));
	say("no descriptor", S(futimesat, -1, "f", times));
	EACH_BAD_IN("times", S(futimesat, AT_FDCWD, "f", P));
	EACH_BAD_IN("path", S(futimesat, AT_FDCWD, P, times));
}

TEST(utimensat01)
{
	struct timespec times[2] = { { 100, 0 }, { 200, 5 } };
	int fd = make_file("f", 1);

	say("times", S(utimensat, AT_FDCWD, "f", times, 0));
	say("descriptor", S(utimensat, fd, NULL, times, 0));
	say("omit",
	    (times[0].tv_nsec = UTIME_OMIT, times[1].tv_nsec = UTIME_OMIT, S(utimensat, AT_FDCWD, "f", times, 0)));
	say("nanoseconds", (times[0].tv_nsec = 1000000000, S(utimensat, AT_FDCWD, "f", times, 0)));
	say("flags", S(utimensat, AT_FDCWD, "f", NULL, 1));
	say("no path", S(utimensat, AT_FDCWD, NULL, NULL, 0));
	EACH_BAD_IN("times", S(utimensat, AT_FDCWD, "f", P, 0));
}

TEST(file_getattr01)
{
	uint64_t attributes[3];

	(void)make_file("f", 1);
	say("get", syscall(NR_file_getattr, AT_FDCWD, "f", attributes, sizeof attributes, 0));
	say("size", syscall(NR_file_getattr, AT_FDCWD, "f", attributes, 3, 0));
	EACH_BAD_OUT("attributes", syscall(NR_file_getattr, AT_FDCWD, "f", P, sizeof attributes, 0));
}

TEST(file_setattr01)
{
	uint64_t attributes[3] = { 0 };

	(void)make_file("f", 1);
	say("set", syscall(NR_file_setattr, AT_FDCWD, "f", attributes, sizeof attributes, 0));
	say("size", syscall(NR_file_setattr, AT_FDCWD, "f", attributes, 3, 0));
	EACH_BAD_IN("attributes", syscall(NR_file_setattr, AT_FDCWD, "f", P, sizeof attributes, 0));
}
