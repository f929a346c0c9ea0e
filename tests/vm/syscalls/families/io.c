/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading and writing.
 */
#include "suite.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char room[4 * PAGE];

TEST(read01)
{
	int fd = make_file("f", 100);

	say("all", S(read, fd, room, 200));
	say("at the end", S(read, fd, room, 10));
	say("nothing", S(read, fd, NULL, 0));
	lseek(fd, 98, SEEK_SET);
	say("the rest", S(read, fd, room, 10));
	say_bytes("bytes", room, 4);
}

TEST(read02)
{
	int fd = make_file("f", 100);
	int pair[2];

	say("no descriptor", S(read, -1, room, 10));
	say("no descriptor, no buffer", S(read, -1, NULL, 10));
	say("closed", S(read, 1000, room, 10));
	say("directory", S(read, open(".", O_RDONLY), room, 10));
	say("path", S(read, open("f", O_PATH), room, 10));
	say("write only", S(read, open("f", O_WRONLY), room, 10));
	say("write only, bad buffer", S(read, open("f", O_WRONLY), (void *)-1l, 10));
	say("count", S(read, fd, room, -1l));
	say("half of the address space", S(read, open("f", O_RDONLY), room, 0x400000000000l));
	EACH_BAD_OUT("buf", S(read, fd, P, 10));
	(void)!pipe2(pair, O_NONBLOCK);
	say("empty pipe", S(read, pair[0], room, 10));
	say("empty pipe, bad buffer", S(read, pair[0], NULL, 10));
	close(pair[1]);
	say("closed pipe", S(read, pair[0], room, 10));
}

TEST(read03)
{
	int fd = make_file("f", 100);
	char *edge = before_hole(10);

	say("up to the hole", S(read, fd, edge, 10));
	say("into the hole", S(read, fd, edge, 20));
	say("position", lseek(fd, 0, SEEK_CUR));
	say_bytes("bytes", edge, 10);
	say("wrapping", S(read, fd, (void *)-8l, 16));
	say("across the end", S(read, fd, (void *)(ARENA_END - 8), 16));
}

TEST(write01)
{
	int fd = make_file("f", 0);
	char *edge = before_hole(10);

	memset(edge, 'x', 10);
	say("up to the hole", S(write, fd, edge, 10));
	say("into the hole", S(write, fd, edge, 20));
	say("nothing", S(write, fd, NULL, 0));
	say("size", lseek(fd, 0, SEEK_END));
}

TEST(write05)
{
	int fd = make_file("f", 10);
	int pair[2];

	say("no descriptor", S(write, -1, room, 1));
	say("read only", S(write, open("f", O_RDONLY), room, 1));
	say("read only, bad buffer", S(write, open("f", O_RDONLY), NULL, 1));
	EACH_BAD_IN("buf", S(write, fd, P, 10));
	say("readonly page", S(write, fd, bad[bad_count].at, 10));
	say("count", S(write, fd, room, LONG_MIN));
	say("full", S(write, open("/dev/full", O_WRONLY), room, 1));
	(void)!pipe(pair);
	close(pair[0]);
	signal(SIGPIPE, SIG_IGN);
	say("broken pipe", S(write, pair[1], room, 1));
	say("broken pipe, bad buffer", S(write, pair[1], NULL, 1));
}

TEST(pread6403)
{
	int fd = make_file("f", 100);
	int pair[2];

	say("middle", S(pread64, fd, room, 4, 10));
	say_bytes("bytes", room, 4);
	say("beyond", S(pread64, fd, room, 4, 1000));
	say("negative", S(pread64, fd, room, 4, -1l));
	say("negative, bad buffer", S(pread64, fd, NULL, 4, -1l));
	(void)!pipe(pair);
	say("pipe", S(pread64, pair[0], room, 4, 0));
	EACH_BAD_OUT("buf", S(pread64, fd, P, 10, 0));
}

TEST(pwrite6402)
{
	int fd = make_file("f", 10);

	say("gap", S(pwrite64, fd, "xyz", 3, 20));
	say("size", lseek(fd, 0, SEEK_END));
	say("negative", S(pwrite64, fd, "x", 1, -1l));
	say("no descriptor", S(pwrite64, -1, "x", 1, 0));
	say("read only", S(pwrite64, open("f", O_RDONLY), "x", 1, 0));
	EACH_BAD_IN("buf", S(pwrite64, fd, P, 10, 0));
}

TEST(readv02)
{
	int fd = make_file("f", 100);
	struct iovec two[2] = { { room, 3 }, { room + 3, 4 } };
	struct iovec none[2] = { { NULL, 0 }, { room, 5 } };
	struct iovec wrong = { room, (size_t)-1 };
	struct iovec half[2] = { { room, SSIZE_MAX }, { room, SSIZE_MAX } };
	struct iovec partial[2] = { { room, 3 }, { hole, 4 } };

	say("two", S(readv, fd, two, 2));
	say("an empty one", S(readv, fd, none, 2));
	say("no vectors", S(readv, fd, NULL, 0));
	say("negative count", S(readv, fd, two, -1l));
	say("1025 vectors", S(readv, fd, two, 1025));
	say("negative length", S(readv, fd, &wrong, 1));
	say("sum", S(readv, fd, half, 2));
	say("partial", S(readv, fd, partial, 2));
	say("position", lseek(fd, 0, SEEK_CUR));
	say("no descriptor", S(readv, -1, two, 2));
	say("no descriptor, bad vectors", S(readv, -1, NULL, 2));
	say("directory", S(readv, open(".", O_RDONLY), two, 2));
	EACH_BAD_IN("vectors", S(readv, fd, P, 2));
	EACH_BAD_OUT("base", S(readv, fd, (&(struct iovec){ P, 8 }), 1));
	EACH_BAD_OUT("second base", (two[1].iov_base = P, lseek(fd, 0, SEEK_SET), S(readv, fd, two, 2)));
}

TEST(writev01)
{
	int fd = make_file("f", 0);
	struct iovec two[2] = { { "abc", 3 }, { "defg", 4 } };
	struct iovec wrong[2] = { { "abc", 3 }, { "x", (size_t)-1 } };

	say("two", S(writev, fd, two, 2));
	say("negative length", S(writev, fd, wrong, 2));
	say("no vectors", S(writev, fd, NULL, 0));
	say("negative count", S(writev, fd, two, -1l));
	say("1025 vectors", S(writev, fd, two, 1025));
	say("read only", S(writev, open("f", O_RDONLY), two, 2));
	EACH_BAD_IN("vectors", S(writev, fd, P, 2));
	EACH_BAD_IN("base", S(writev, fd, (&(struct iovec){ P, 8 }), 1));
	EACH_BAD_IN("second base", (two[1].iov_base = P, S(writev, fd, two, 2)));
	say("size", lseek(fd, 0, SEEK_END));
}

TEST(preadv02)
{
	int fd = make_file("f", 100);
	struct iovec one = { room, 5 };

	say("middle", S(preadv, fd, &one, 1, 50, 0));
	say_bytes("bytes", room, 5);
	say("negative offset", S(preadv, fd, &one, 1, -1l, 0));
	say("negative count", S(preadv, fd, &one, -1l, 0, 0));
	say("no descriptor", S(preadv, -1, &one, 1, 0, 0));
	EACH_BAD_IN("vectors", S(preadv, fd, P, 1, 0, 0));
	EACH_BAD_OUT("base", S(preadv, fd, (&(struct iovec){ P, 8 }), 1, 0, 0));
}

TEST(pwritev02)
{
	int fd = make_file("f", 10);
	struct iovec one = { "hello", 5 };

	say("at 20", S(pwritev, fd, &one, 1, 20, 0));
	say("size", lseek(fd, 0, SEEK_END));
	say("negative offset", S(pwritev, fd, &one, 1, -1l, 0));
	EACH_BAD_IN("base", S(pwritev, fd, (&(struct iovec){ P, 8 }), 1, 0, 0));
}

TEST(preadv203)
{
	int fd = make_file("f", 100);
	struct iovec one = { room, 5 };

	say("at the position", S(preadv2, fd, &one, 1, -1l, -1l, 0));
	say("position", lseek(fd, 0, SEEK_CUR));
	say("unknown flag", S(preadv2, fd, &one, 1, 0, 0, 0x4000));
	say("RWF_NOWAIT", S(preadv2, fd, &one, 1, 0, 0, RWF_HIPRI));
	say("offset -2", S(preadv2, fd, &one, 1, -2l, -1l, 0));
}

TEST(pwritev202)
{
	int fd = make_file("f", 10);
	struct iovec one = { "hello", 5 };

	say("append", S(pwritev2, fd, &one, 1, 0, 0, RWF_APPEND));
	say("size", lseek(fd, 0, SEEK_END));
	say("unknown flag", S(pwritev2, fd, &one, 1, 0, 0, 0x4000));
	say("dsync", S(pwritev2, fd, &one, 1, 0, 0, RWF_DSYNC));
}

TEST(lseek02)
{
	int fd = make_file("f", 100);
	int pair[2];

	say("end", S(lseek, fd, -10l, SEEK_END));
	say("beyond", S(lseek, fd, 1000, SEEK_SET));
	say("negative", S(lseek, fd, -1l, SEEK_SET));
	say("whence", S(lseek, fd, 0, 7));
	say("data", S(lseek, fd, 0, SEEK_DATA));
	say("hole", S(lseek, fd, 0, SEEK_HOLE));
	say("data beyond", S(lseek, fd, 5000, SEEK_DATA));
	say("no descriptor", S(lseek, -1, 0, SEEK_SET));
	(void)!pipe(pair);
	say("pipe", S(lseek, pair[0], 0, SEEK_SET));
}

TEST(sendfile03)
{
	int in = make_file("in", 100);
	int out = make_file("out", 0);
	off_t offset = 10;
	off_t negative = -1;

	say("from an offset", S(sendfile, out, in, &offset, 20));
	say("offset", offset);
	say("position", lseek(in, 0, SEEK_CUR));
	say("from the position", S(sendfile, out, in, NULL, 30));
	say("position", lseek(in, 0, SEEK_CUR));
	say("negative", S(sendfile, out, in, &negative, 1));
	say("out read only", S(sendfile, open("out", O_RDONLY), in, NULL, 1));
	say("in write only", S(sendfile, out, open("in", O_WRONLY), NULL, 1));
	say("no in", S(sendfile, out, -1, NULL, 1));
	say("no in, bad offset", S(sendfile, out, -1, (void *)-1l, 1));
	EACH_BAD_OUT("offset", S(sendfile, out, in, P, 1));
}

TEST(copy_file_range02)
{
	int in = make_file("in", 100);
	int out = make_file("out", 0);
	long from = 5;
	long to = 50;

	say("with offsets", S(copy_file_range, in, &from, out, &to, 20, 0));
	say("from", from);
	say("to", to);
	say("flags", S(copy_file_range, in, NULL, out, NULL, 20, 1));
	say("directory", S(copy_file_range, open(".", O_RDONLY), NULL, out, NULL, 20, 0));
	say("append", S(copy_file_range, in, NULL, open("out", O_WRONLY | O_APPEND), NULL, 20, 0));
	say("overlapping", S(copy_file_range, in, &(long){ 0 }, in, &(long){ 5 }, 20, 0));
	say("no in", S(copy_file_range, -1, NULL, out, NULL, 20, 0));
	EACH_BAD_OUT("in offset", S(copy_file_range, in, P, out, NULL, 1, 0));
	EACH_BAD_OUT("out offset", S(copy_file_range, in, NULL, out, P, 1, 0));
}

TEST(splice03)
{
	int fd = make_file("f", 100);
	int pair[2];
	int other[2];
	long offset = 7;

	(void)!pipe2(pair, O_NONBLOCK);
	(void)!pipe2(other, O_NONBLOCK);
	say("file to pipe", S(splice, fd, &offset, pair[1], NULL, 10, 0));
	say("offset", offset);
	say("pipe to pipe", S(splice, pair[0], NULL, other[1], NULL, 5, 0));
	say("read", read(other[0], room, 20));
	say_bytes("bytes", room, 5);
	say("no pipe", S(splice, fd, NULL, fd, NULL, 5, 0));
	say("offset of a pipe", S(splice, fd, NULL, pair[1], &offset, 5, 0));
	say("flags", S(splice, fd, NULL, pair[1], NULL, 5, 0x100));
	say("no descriptor", S(splice, -1, NULL, pair[1], NULL, 5, 0));
	say("nothing there", S(splice, other[0], NULL, pair[1], NULL, 5, SPLICE_F_NONBLOCK));
	EACH_BAD_OUT("in offset", S(splice, fd, P, pair[1], NULL, 1, 0));
	EACH_BAD_OUT("out offset", S(splice, pair[0], NULL, fd, P, 1, 0));
}

TEST(tee02)
{
	int pair[2];
	int other[2];

	(void)!pipe2(pair, O_NONBLOCK);
	(void)!pipe2(other, O_NONBLOCK);
	(void)!write(pair[1], "hello", 5);
	say("tee", S(tee, pair[0], other[1], 3, 0));
	say("there still", read(pair[0], room, 10));
	say("copied", read(other[0], room, 10));
	say("same", S(tee, pair[0], pair[1], 3, 0));
	say("no pipe", S(tee, make_file("f", 9), other[1], 3, 0));
	say("flags", S(tee, pair[0], other[1], 3, 0x100));
	say("empty", S(tee, pair[0], other[1], 3, SPLICE_F_NONBLOCK));
}

TEST(vmsplice02)
{
	int pair[2];
	struct iovec one = { "hello", 5 };
	struct iovec into = { room, 10 };

	(void)!pipe2(pair, O_NONBLOCK);
	say("to a pipe", S(vmsplice, pair[1], &one, 1, 0));
	say("from a pipe", S(vmsplice, pair[0], &into, 1, 0));
	say_bytes("bytes", room, 5);
	say("no pipe", S(vmsplice, make_file("f", 9), &one, 1, 0));
	say("1025 vectors", S(vmsplice, pair[1], &one, 1025, 0));
	say("no vectors", S(vmsplice, pair[1], &one, 0, 0));
	EACH_BAD_IN("vectors", S(vmsplice, pair[1], P, 1, 0));
	EACH_BAD_IN("base", S(vmsplice, pair[1], (&(struct iovec){ P, 8 }), 1, 0));
}

TEST(readahead01)
{
	int pair[2];

	(void)!pipe(pair);
	say("no descriptor", S(readahead, -1, 0, 10));
	say("pipe", S(readahead, pair[0], 0, 10));
	say("write only", S(readahead, open("/dev/null", O_WRONLY), 0, 10));
	say("file", S(readahead, make_file("f", 10), 0, 10));
}

TEST(fadvise6401)
{
	int fd = make_file("f", 10);
	int pair[2];

	(void)!pipe(pair);
	say("sequential", S(fadvise64, fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	say("unknown", S(fadvise64, fd, 0, 0, 77));
	say("pipe", S(fadvise64, pair[0], 0, 0, POSIX_FADV_NORMAL));
	say("no descriptor", S(fadvise64, -1, 0, 0, 0));
	say("negative", S(fadvise64, fd, 0, -1l, POSIX_FADV_WILLNEED));
}

TEST(fallocate02)
{
	int fd = make_file("f", 10);
	struct stat status;

	say("allocate", S(fallocate, fd, 0, 0l, 8192l));
	fstat(fd, &status);
	say("size", status.st_size);
	say("keep size", S(fallocate, fd, FALLOC_FL_KEEP_SIZE, 0l, 100000l));
	say("punch", S(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0l, 4096l));
	say("punch and grow", S(fallocate, fd, FALLOC_FL_PUNCH_HOLE, 0l, 4096l));
	say("no length", S(fallocate, fd, 0, 0l, 0l));
	say("negative", S(fallocate, fd, 0, -1l, 10l));
	say("too large", S(fallocate, fd, 0, LONG_MAX, 10l));
	say("read only", S(fallocate, open("f", O_RDONLY), 0, 0l, 10l));
	say("directory", S(fallocate, open(".", O_RDONLY), 0, 0l, 10l));
	say("no descriptor", S(fallocate, -1, 0, 0l, 10l));
}

TEST(truncate03)
{
	int fd = make_file("f", 100);
	char name[PATH_MAX + 10];

	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = 0;
	say("shorter", S(truncate, "f", 10l));
	say("size", lseek(fd, 0, SEEK_END));
	say("negative", S(truncate, "f", -1l));
	say("missing", S(truncate, "g", 0l));
	say("directory", S(truncate, ".", 0l));
	say("below a file", S(truncate, "f/x", 0l));
	say("long", S(truncate, name, 0l));
	name[300] = 0;
	say("long component", S(truncate, name, 0l));
	(void)!symlink("loop", "loop");
	say("loop", S(truncate, "loop", 0l));
	EACH_BAD_IN("path", S(truncate, P, 0l));
}

TEST(ftruncate03)
{
	int fd = make_file("f", 100);
	int pair[2];

	say("longer", S(ftruncate, fd, 200l));
	say("size", lseek(fd, 0, SEEK_END));
	say("negative", S(ftruncate, fd, -1l));
	say("read only", S(ftruncate, open("f", O_RDONLY), 0l));
	say("no descriptor", S(ftruncate, -1, 0l));
	(void)!pipe(pair);
	say("pipe", S(ftruncate, pair[1], 0l));
}

TEST(sync01)
{
	say("sync", S(sync));
}

TEST(syncfs01)
{
	say("syncfs", S(syncfs, make_file("f", 10)));
	say("no descriptor", S(syncfs, -1));
}

TEST(fsync03)
{
	int pair[2];

	(void)!pipe(pair);
	say("file", S(fsync, make_file("f", 10)));
	say("pipe", S(fsync, pair[0]));
	say("no descriptor", S(fsync, -1));
}

TEST(fdatasync02)
{
	say("file", S(fdatasync, make_file("f", 10)));
	say("no descriptor", S(fdatasync, -1));
	say("socket", S(fdatasync, socket(AF_UNIX, SOCK_STREAM, 0)));
}

TEST(sync_file_range01)
{
	int fd = make_file("f", 10);

	say("range", S(sync_file_range, fd, 0l, 10l, SYNC_FILE_RANGE_WRITE));
	say("flags", S(sync_file_range, fd, 0l, 10l, 0x80));
	say("negative", S(sync_file_range, fd, -1l, 10l, 0));
	say("no descriptor", S(sync_file_range, -1, 0l, 10l, 0));
}

TEST(cachestat01)
{
	int fd = make_file("f", 10);
	uint64_t range[2] = { 0, 10 };
	uint64_t stat[5];

	say("range", syscall(NR_cachestat, fd, range, stat, 0));
	say("flags", syscall(NR_cachestat, fd, range, stat, 1));
	say("no descriptor", syscall(NR_cachestat, -1, range, stat, 0));
	EACH_BAD_IN("range", syscall(NR_cachestat, fd, P, stat, 0));
	EACH_BAD_OUT("stat", syscall(NR_cachestat, fd, range, P, 0));
}
