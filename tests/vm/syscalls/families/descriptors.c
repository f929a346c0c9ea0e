/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opening, closing, duplicating and controlling descriptors.
 */
#include "suite.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/epoll.h>

#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>

static char *long_name(size_t size)
{
	static char name[2 * PATH_MAX];

	memset(name, 'n', size);
	name[size] = 0;
	return name;
}

TEST(open02)
{
	(void)make_file("f", 10);
	(void)!symlink("loop", "loop");
	(void)!symlink("f", "link");
	say("missing", S(open, "missing", O_RDONLY));
	say("below a file", S(open, "f/x", O_RDONLY));
	say("slash behind a file", S(open, "f/", O_RDONLY));
	say("empty", S(open, "", O_RDONLY));
	say("directory for writing", S(open, ".", O_WRONLY));
	say("directory created", S(open, ".", O_CREAT | O_RDWR, 0600));
	say("new with a slash", S(open, "new/", O_CREAT | O_RDWR, 0600));
	say("not a directory", S(open, "f", O_DIRECTORY));
	say("exists", S(open, "f", O_CREAT | O_EXCL | O_RDWR, 0600));
	say("link exists", S(open, "loop", O_CREAT | O_EXCL | O_RDWR, 0600));
	say("loop", S(open, "loop", O_RDONLY));
	say("link not followed", S(open, "link", O_RDONLY | O_NOFOLLOW));
	say("path of a link", S(open, "link", O_PATH | O_NOFOLLOW));
	say("long component", S(open, long_name(256), O_RDONLY));
	say("longest component", S(open, long_name(255), O_RDONLY));
	say("long path", S(open, long_name(PATH_MAX), O_RDONLY));
	say("device without a driver", (mknod("dev", S_IFCHR | 0600, 0xfe00), S(open, "dev", O_RDONLY)));
	say("socket", (mknod("sock", S_IFSOCK | 0600, 0), S(open, "sock", O_RDONLY)));
	say("tmpfile read only", S(open, ".", O_TMPFILE | O_RDONLY, 0600));
	say_done("tmpfile", S(open, ".", O_TMPFILE | O_RDWR, 0600));
	say("tmpfile in a file", S(open, "f", O_TMPFILE | O_RDWR, 0600));
	say_done("access mode 3", S(open, "f", 3));
	say_done("unknown flags", S(open, "f", 0x40000000));
	EACH_BAD_IN("path", S(open, P, O_RDONLY));
	EACH_BAD_IN("path created", S(open, P, O_RDWR | O_CREAT, 0600));
}

TEST(open03)
{
	struct stat status;
	int fd = open("f", O_CREAT | O_RDWR | O_APPEND, 0666);

	fstat(fd, &status);
	say("mode", status.st_mode & 07777);
	say("flags", fcntl(fd, F_GETFL));
	say("path flags", fcntl(open("f", O_PATH | O_RDWR | O_NONBLOCK), F_GETFL));
	say("tmpfile flags", fcntl(open(".", O_TMPFILE | O_RDWR, 0600), F_GETFL));
	say("async", fcntl(open("f", O_RDONLY | O_ASYNC | O_NOATIME), F_GETFL));
	say("lowest", (close(fd), open("f", O_RDONLY)) == fd);
	say("sticky", (fd = open("s", O_CREAT | O_RDWR, 07777), fstat(fd, &status), status.st_mode & 07777));
}

TEST(open04)
{
	struct rlimit limit = { 20, 20 };
	int last = -1;

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < 30; i++) {
		int fd = open("/dev/null", O_RDONLY);

		last = fd > last ? fd : last;
	}
	say("highest", last);
	say("one more", S(open, "/dev/null", O_RDONLY));
	say("one more, missing", S(open, "missing", O_RDONLY));
	say("dup", S(dup, 0));
	say("pipe", S(pipe, (int[2]){ 0 }));
	say("socket", S(socket, 1, 1, 0));
	say("epoll", S(epoll_create1, 0));
	close(10);
	say("again", S(open, "/dev/null", O_RDONLY));
}

TEST(openat02)
{
	int directory = open(".", O_RDONLY | O_DIRECTORY);
	int file = make_file("f", 10);

	say_done("below", S(openat, directory, "f", O_RDONLY));
	say("below a file", S(openat, file, "f", O_RDONLY));
	say("no directory", S(openat, -1, "f", O_RDONLY));
	say_done("no directory, absolute", S(openat, -1, "/dev/null", O_RDONLY));
	say("empty", S(openat, directory, "", O_RDONLY));
	EACH_BAD_IN("path", S(openat, directory, P, O_RDONLY));
	EACH_BAD_IN("path, no directory", S(openat, -1, P, O_RDONLY));
}

TEST(openat202)
{
	struct open_how how = { .flags = O_RDONLY };
	struct {
		struct open_how how;
		uint64_t more;
	} longer = { { .flags = O_RDONLY }, 0 };

	(void)make_file("f", 10);
	(void)!symlink("f", "link");
	(void)!symlink("/", "root");
	say_done("plain", S(openat2, AT_FDCWD, "f", &how, sizeof how));
	say("short", S(openat2, AT_FDCWD, "f", &how, sizeof how - 1));
	say("nothing", S(openat2, AT_FDCWD, "f", &how, 0));
	say_done("longer", S(openat2, AT_FDCWD, "f", &longer, sizeof longer));
	longer.more = 1;
	say("unknown there", S(openat2, AT_FDCWD, "f", &longer, sizeof longer));
	say("very long", S(openat2, AT_FDCWD, "f", &how, 1 << 20));
	say("flags", (how.flags = 1ull << 40, S(openat2, AT_FDCWD, "f", &how, sizeof how)));
	say("mode without create",
	    (how = (struct open_how){ .mode = 0600 }, S(openat2, AT_FDCWD, "f", &how, sizeof how)));
	say("mode", (how = (struct open_how){ O_CREAT, 010000, 0 }, S(openat2, AT_FDCWD, "f", &how, sizeof how)));
	say("path and write",
	    (how = (struct open_how){ O_PATH | O_RDWR, 0, 0 }, S(openat2, AT_FDCWD, "f", &how, sizeof how)));
	say("resolve", (how = (struct open_how){ 0, 0, 0x1000 }, S(openat2, AT_FDCWD, "f", &how, sizeof how)));
	say("no links",
	    (how = (struct open_how){ 0, 0, RESOLVE_NO_SYMLINKS }, S(openat2, AT_FDCWD, "link", &how, sizeof how)));
	say("no links, path", (how.flags = O_PATH, S(openat2, AT_FDCWD, "link", &how, sizeof how)));
	say("beneath", (how = (struct open_how){ 0, 0, RESOLVE_BENEATH },
			S(openat2, AT_FDCWD, "/dev/null", &how, sizeof how)));
	say("above", S(openat2, AT_FDCWD, "..", &how, sizeof how));
	say_done("in root", (how.resolve = RESOLVE_IN_ROOT, S(openat2, AT_FDCWD, "/f", &how, sizeof how)));
	say_done("in root, link", S(openat2, AT_FDCWD, "root/f", &how, sizeof how));
	say("other mount",
	    (how.resolve = RESOLVE_NO_XDEV, S(openat2, AT_FDCWD, "/proc/self/stat", &how, sizeof how)));
	say("magic link",
	    (how.resolve = RESOLVE_NO_MAGICLINKS, S(openat2, AT_FDCWD, "/proc/self/cwd", &how, sizeof how)));
	say("both", (how.resolve = RESOLVE_BENEATH | RESOLVE_IN_ROOT, S(openat2, AT_FDCWD, "f", &how, sizeof how)));
	say("cached",
	    (how.resolve = RESOLVE_CACHED, how.flags = O_CREAT, S(openat2, AT_FDCWD, "zzz", &how, sizeof how)));
	EACH_BAD_IN("how", S(openat2, AT_FDCWD, "f", P, sizeof how));
	EACH_BAD_IN("path", S(openat2, AT_FDCWD, P, &longer, sizeof how));
}

TEST(creat05)
{
	say_done("new", S(creat, "f", 0644));
	say_done("again", S(creat, "f", 0644));
	say("directory", S(creat, ".", 0644));
	say("missing directory", S(creat, "d/f", 0644));
	say("read only file", (chmod("f", 0444), become_nobody(), S(creat, "f", 0644)));
	EACH_BAD_IN("path", S(creat, P, 0644));
}

TEST(close02)
{
	int fd = dup(1);

	say("open", S(close, fd));
	say("again", S(close, fd));
	say("negative", S(close, -1));
	say("large", S(close, INT_MAX));
}

TEST(close_range01)
{
	for (int fd = 50; fd < 60; fd++) {
		dup2(1, fd);
	}
	say("cloexec", S(close_range, 50, 52, 4));
	say("flag", fcntl(50, F_GETFD));
	say("beyond", fcntl(53, F_GETFD));
	say("some", S(close_range, 50, 55, 0));
	say("closed", fcntl(55, F_GETFD));
	say("kept", fcntl(56, F_GETFD));
	say("backwards", S(close_range, 60, 50, 0));
	say("flags", S(close_range, 50, 60, 64));
	say("unshare", S(close_range, 50, ~0u, 2));
	say("nothing there", S(close_range, 1000, ~0u, 0));
}

TEST(dup203)
{
	int fd = make_file("f", 10);

	say("number", S(dup2, fd, 100));
	say("same", S(dup2, fd, fd));
	say("same, closed", S(dup2, 99, 99));
	say("closed", S(dup2, 99, 5));
	say("negative", S(dup2, fd, -1));
	say("beyond the limit", S(dup2, fd, 1 << 24));
	say("offset", (lseek(fd, 3, SEEK_SET), lseek(100, 0, SEEK_CUR)));
	say("cloexec", (fcntl(fd, F_SETFD, FD_CLOEXEC), dup2(fd, 101), fcntl(101, F_GETFD)));
}

TEST(dup3_02)
{
	say("cloexec", S(dup3, 1, 90, O_CLOEXEC));
	say("flag", fcntl(90, F_GETFD));
	say("same", S(dup3, 1, 1, 0));
	say("flags", S(dup3, 1, 91, O_NONBLOCK));
	say("closed", S(dup3, 99, 91, 0));
}

TEST(dup03)
{
	say("closed", S(dup, 1000));
	say("negative", S(dup, -1));
	say("lowest", S(dup, 1) == 3);
}

TEST(fcntl13)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = make_file("f", 10);

	say("unknown", S(fcntl, fd, 999, 0));
	say("no descriptor", S(fcntl, -1, F_GETFD, 0));
	say("no descriptor, unknown", S(fcntl, -1, 999, 0));
	say("no descriptor, no lock", S(fcntl, -1, F_GETLK, NULL));
	say("dupfd negative", S(fcntl, fd, F_DUPFD, -1));
	say("dupfd large", S(fcntl, fd, F_DUPFD, 1 << 24));
	say("set lock", S(fcntl, fd, F_SETLK, &lock));
	say("whence", (lock.l_whence = 7, S(fcntl, fd, F_SETLK, &lock)));
	say("type", (lock = (struct flock){ .l_type = 9 }, S(fcntl, fd, F_SETLK, &lock)));
	say("read lock, write only", (lock.l_type = F_RDLCK, S(fcntl, open("f", O_WRONLY), F_SETLK, &lock)));
	say("getlk unlock", (lock.l_type = F_UNLCK, S(fcntl, fd, F_GETLK, &lock)));
	say("ofd with pid",
	    (lock = (struct flock){ .l_type = F_WRLCK, .l_pid = 1 }, S(fcntl, fd, F_OFD_SETLK, &lock)));
	say("path", S(fcntl, open("f", O_PATH), F_GETFL, 0));
	say("path lock", S(fcntl, open("f", O_PATH), F_SETLK, &lock));
	say("pipe size of a file", S(fcntl, fd, F_SETPIPE_SZ, 4096));
	say("signal", S(fcntl, fd, F_SETSIG, 100));
	say("lease on one open for writing", S(fcntl, fd, F_SETLEASE, F_RDLCK));
	say("notify a file", S(fcntl, fd, F_NOTIFY, DN_CREATE));
	say("owner", S(fcntl, fd, F_GETOWN, 0));
	say("seals of a file", S(fcntl, fd, F_GET_SEALS, 0));
	say("set flags", S(fcntl, fd, F_SETFL, O_APPEND | O_CREAT | O_WRONLY));
	say("flags", S(fcntl, fd, F_GETFL, 0));
	say("dupfd cloexec", S(fcntl, fcntl(fd, F_DUPFD_CLOEXEC, 200), F_GETFD, 0));
	EACH_BAD_OUT("F_GETLK", S(fcntl, fd, F_GETLK, P));
	EACH_BAD_IN("F_SETLK", S(fcntl, fd, F_SETLK, P));
	EACH_BAD_IN("F_OFD_SETLK", S(fcntl, fd, F_OFD_SETLK, P));
	EACH_BAD_OUT("F_GETOWN_EX", S(fcntl, fd, F_GETOWN_EX, P));
	EACH_BAD_IN("F_SETOWN_EX", S(fcntl, fd, F_SETOWN_EX, P));
	EACH_BAD_OUT("F_GET_RW_HINT", S(fcntl, fd, F_GET_RW_HINT, P));
}

static int try_lock(void *arg)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 3 };
	int fd = open("f", O_RDWR);

	(void)arg;
	say("child's lock", fcntl(fd, F_SETLK, &lock));
	say("child asks", fcntl(fd, F_GETLK, &lock));
	say("type", lock.l_type);
	say("start", lock.l_start);
	say("length", lock.l_len);
	say("holder is the parent", lock.l_pid == getppid());
	lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 8 };
	say("behind it", fcntl(fd, F_SETLK, &lock));
	return 0;
}

TEST(fcntl14)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -6, .l_len = 4 };
	int fd = make_file("f", 10);

	say("lock", fcntl(fd, F_SETLK, &lock));
	wait_child(start_child(try_lock, NULL));
	say("negative length", (lock = (struct flock){ F_WRLCK, SEEK_SET, 5, -2, 0 }, fcntl(fd, F_SETLK, &lock)));
	say("before the start", (lock = (struct flock){ F_WRLCK, SEEK_SET, 5, -20, 0 }, fcntl(fd, F_SETLK, &lock)));
}

TEST(flock06)
{
	int fd = make_file("f", 10);
	int other = open("f", O_RDWR);

	say("exclusive", S(flock, fd, LOCK_EX));
	say("busy", S(flock, other, LOCK_EX | LOCK_NB));
	say("shared busy", S(flock, other, LOCK_SH | LOCK_NB));
	say("unlock", S(flock, fd, LOCK_UN));
	say("free", S(flock, other, LOCK_SH | LOCK_NB));
	say("both shared", S(flock, fd, LOCK_SH | LOCK_NB));
	say("operation", S(flock, fd, 0));
	say("both", S(flock, fd, LOCK_SH | LOCK_EX));
	say("no descriptor", S(flock, -1, LOCK_SH));
}

TEST(ioctl01)
{
	int fd = make_file("f", 10);
	int pair[2];
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	struct termios settings;
	struct winsize size = { 24, 80, 0, 0 };

	(void)!pipe(pair);
	say("no descriptor", S(ioctl, -1, TCGETS, &settings));
	say("no descriptor, no argument", S(ioctl, -1, TCGETS, NULL));
	say("no terminal", S(ioctl, fd, TCGETS, &settings));
	say("no terminal, no argument", S(ioctl, fd, TCGETS, NULL));
	say("path", S(ioctl, open("f", O_PATH), FIONREAD, &master));
	say("unknown", S(ioctl, fd, 0x12345678, 0));
	say("FIONREAD of a file", S(ioctl, fd, FIONREAD, &pair[1]));
	say("FIONREAD of a directory", S(ioctl, open(".", O_RDONLY), FIONREAD, &size));
	say("window", S(ioctl, master, TIOCSWINSZ, &size));
	say("settings", S(ioctl, master, TCGETS, &settings));
	say("local flags", settings.c_lflag);
	say("exclusive", S(ioctl, master, TIOCEXCL));
	say("FIOCLEX", S(ioctl, fd, FIOCLEX));
	say("flag", fcntl(fd, F_GETFD));
	EACH_BAD_OUT("TCGETS", S(ioctl, master, TCGETS, P));
	EACH_BAD_IN("TIOCSWINSZ", S(ioctl, master, TIOCSWINSZ, P));
	EACH_BAD_OUT("FIONREAD", S(ioctl, pair[0], FIONREAD, P));
	EACH_BAD_IN("FIONBIO", S(ioctl, fd, FIONBIO, P));
	EACH_BAD_OUT("TIOCGPTN", S(ioctl, master, TIOCGPTN, P));
}

/* Where a file lies is its file system's business: that there is a first and a last part. */
TEST(ioctl02)
{
	struct {
		struct fiemap head;
		struct fiemap_extent parts[4];
	} map = { .head = { .fm_length = UINT64_MAX, .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 4 } };
	unsigned char uuid[17] = "";
	char path[129] = "";
	int here = make_file("f", 10);
	int fd = make_file("/with-extents", 3 * PAGE);

	say("of memory", S(ioctl, here, FS_IOC_FIEMAP, &map));
	say("unchanged", map.head.fm_mapped_extents);
	say("map", S(ioctl, fd, FS_IOC_FIEMAP, &map));
	say("some parts", map.head.fm_mapped_extents > 0 && map.head.fm_extent_count == 4);
	say("first", (long)map.parts[0].fe_logical);
	say("last", map.parts[map.head.fm_mapped_extents - 1].fe_flags & FIEMAP_EXTENT_LAST);
	say("length", (long)map.parts[0].fe_length > 0);
	map.head.fm_extent_count = 0;
	say("count", S(ioctl, fd, FS_IOC_FIEMAP, &map));
	say("counted", map.head.fm_mapped_extents > 0);
	map.head.fm_extent_count = UINT32_MAX;
	say("too many", S(ioctl, fd, FS_IOC_FIEMAP, &map));
	map.head.fm_extent_count = 100000;
	map.head.fm_start = 1ul << 40;
	say("many behind the end", S(ioctl, fd, FS_IOC_FIEMAP, &map));
	map.head.fm_extent_count = 4;
	map.head.fm_start = 0;
	say("flags", (map.head.fm_flags = 0x100, S(ioctl, fd, FS_IOC_FIEMAP, &map)));
	say("which", map.head.fm_flags);
	EACH_BAD_OUT("map", S(ioctl, fd, FS_IOC_FIEMAP, P));
	say_done("uuid", S(ioctl, fd, _IOC(_IOC_READ, 0x15, 0, 17), uuid));
	EACH_BAD_OUT("uuid", S(ioctl, fd, _IOC(_IOC_READ, 0x15, 0, 17), P));
	say_done("path", S(ioctl, fd, _IOC(_IOC_READ, 0x15, 1, 129), path));
	EACH_BAD_OUT("path", S(ioctl, fd, _IOC(_IOC_READ, 0x15, 1, 129), P));
	(void)unlink("/with-extents");
}

TEST(kcmp03)
{
	int fd = make_file("f", 1);
	int same = dup(fd);
	int poll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	struct {
		uint32_t poll;
		uint32_t target;
		uint32_t offset;
	} slot = { 0 };
	int pair[2];
	pid_t pid = getpid();

	(void)!pipe(pair);
	slot.poll = (uint32_t)poll;
	slot.target = (uint32_t)pair[0];
	say("duplicate", S(kcmp, pid, pid, 0, fd, same));
	say("other", S(kcmp, pid, pid, 0, fd, open("f", O_RDONLY)) != 0);
	say("closed", S(kcmp, pid, pid, 0, fd, 99));
	for (int type = 1; type < 7; type++) {
		say("resource", S(kcmp, pid, pid, type, 0, 0));
	}
	say("watch", epoll_ctl(poll, EPOLL_CTL_ADD, pair[0], &event));
	say("watched", S(kcmp, pid, pid, 7, pair[0], &slot));
	say("not watched", (slot.target = 99, S(kcmp, pid, pid, 7, pair[0], &slot)));
	EACH_BAD_IN("slot", S(kcmp, pid, pid, 7, pair[0], P));
	say("type", S(kcmp, pid, pid, 8, 0, 0));
	say("nobody", S(kcmp, pid, 0x3fffff, 0, fd, fd));
}
