/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Places inside a root: made by walking, never outside of it.  Needs no privileges.
 */
#include "base/fd.h"
#include "base/path.h"
#include "check.h"
#include "ops/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

static bool exists(int at, const char *path)
{
	return faccessat(at, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void missing_parts_are_made(int root)
{
	struct kr_err err;
	struct stat status;
	kr_own_fd int fd = kr_make_directory(root, "//a/./b//c/", 0705, KR_LINKS_IN_ROOT, &err);
	kr_own_fd int again = kr_make_directory(root, "/a/b/c", 0700, KR_LINKS_NONE, &err);

	CHECK(fd >= 0 && again >= 0);
	CHECK(fstatat(root, "a/b/c", &status, 0) == 0 && (status.st_mode & 07777) == 0705);
}

static void dots_cannot_climb_out_of_what_is_missing(int root)
{
	struct kr_err err;

	CHECK(kr_make_directory(root, "/missing/../x", 0755, KR_LINKS_IN_ROOT, &err) < 0);
	CHECK(!exists(root, "missing") && !exists(root, "x"));
}

static void dots_at_the_root_stay_there(int root)
{
	struct kr_err err;
	kr_own_fd int fd = kr_make_directory(root, "/../../../made-here", 0755, KR_LINKS_IN_ROOT, &err);

	CHECK(fd >= 0 && exists(root, "made-here"));
}

static void a_link_is_followed_within_the_root(int root)
{
	struct kr_err err;
	kr_own_fd int fd = -1;

	CHECK(mkdirat(root, "run", 0755) == 0 && symlinkat("/run", root, "link") == 0);
	fd = kr_make_directory(root, "/link/sub", 0755, KR_LINKS_IN_ROOT, &err);
	CHECK(fd >= 0 && exists(root, "run/sub"));
	CHECK(kr_make_directory(root, "/link/sub", 0755, KR_LINKS_NONE, &err) < 0 && err.code == ELOOP);
}

static void a_dangling_link_is_made_true_within_the_root(int root)
{
	struct kr_err err;
	kr_own_fd int absolute = -1;
	kr_own_fd int relative = -1;
	kr_own_fd int file = -1;

	CHECK(symlinkat("/../nothing/at", root, "absolute") == 0);
	absolute = kr_make_directory(root, "/absolute/all", 0755, KR_LINKS_IN_ROOT, &err);
	CHECK(absolute >= 0 && exists(root, "nothing/at/all"));
	CHECK(mkdirat(root, "conf", 0755) == 0 && symlinkat("../../run2/x/stub", root, "conf/resolv") == 0);
	relative = kr_make_directory(root, "/conf/resolv", 0755, KR_LINKS_IN_ROOT, &err);
	CHECK(relative >= 0 && exists(root, "run2/x/stub"));
	CHECK(symlinkat("../run3/stub", root, "conf/file") == 0);
	file = kr_make_file(root, "/conf/file", 0644, KR_LINKS_IN_ROOT, &err);
	CHECK(file >= 0 && exists(root, "run3/stub"));
}

static void links_in_a_circle_are_refused(int root)
{
	struct kr_err err;

	CHECK(symlinkat("two/x", root, "one") == 0 && symlinkat("one/y", root, "two") == 0);
	CHECK(kr_make_directory(root, "/one", 0755, KR_LINKS_IN_ROOT, &err) < 0 && err.code == ELOOP);
	CHECK(kr_make_file(root, "/one/file", 0644, KR_LINKS_IN_ROOT, &err) < 0 && err.code == ELOOP);
	CHECK(kr_make_directory(root, "/absolute2/../one", 0755, KR_LINKS_NONE, &err) < 0);
}

static void a_file_is_made_once(int root)
{
	struct kr_err err;
	struct stat status;
	kr_own_fd int fd = kr_make_file(root, "/etc/deep/file", 0644, KR_LINKS_IN_ROOT, &err);
	kr_own_fd int again = kr_make_file(root, "/etc/deep/file", 0644, KR_LINKS_NONE, &err);

	CHECK(fd >= 0 && again >= 0);
	CHECK(fstat(again, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0);
}

static void a_file_in_the_way_is_an_error(int root)
{
	struct kr_err err;

	CHECK(kr_make_directory(root, "/etc/deep/file/sub", 0755, KR_LINKS_IN_ROOT, &err) < 0);
	CHECK(err.code == ENOTDIR);
}

static void names_that_are_too_long_are_an_error(int root)
{
	struct kr_err err;
	char path[PATH_MAX + 8];

	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = 0;
	CHECK(kr_make_directory(root, path, 0755, KR_LINKS_IN_ROOT, &err) < 0 && err.code == ENAMETOOLONG);
	path[NAME_MAX + 1] = 0;
	CHECK(kr_make_directory(root, path, 0755, KR_LINKS_IN_ROOT, &err) < 0 && err.code == ENAMETOOLONG);
	CHECK(kr_make_file(root, path, 0644, KR_LINKS_IN_ROOT, &err) < 0 && err.code == ENAMETOOLONG);
}

static void a_parent_gives_the_last_component(int root)
{
	struct kr_err err;
	char name[NAME_MAX + 1];
	kr_own_fd int fd = kr_make_parent(root, "/dev/net/tun", KR_LINKS_NONE, name, &err);

	CHECK(fd >= 0 && strcmp(name, "tun") == 0 && exists(root, "dev/net"));
	CHECK(kr_make_parent(root, "/", KR_LINKS_NONE, name, &err) < 0 && err.code == EINVAL);
	CHECK(kr_make_parent(root, "/dev/..", KR_LINKS_NONE, name, &err) < 0 && err.code == EINVAL);
	CHECK(kr_make_parent(root, "", KR_LINKS_NONE, name, &err) < 0 && err.code == EINVAL);
}

static void magic_links_are_refused(void)
{
	kr_own_fd int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK(kr_open_in_root(host, "/proc/self/cwd", O_PATH, 0) < 0 && errno == ELOOP);
}

int main(void)
{
	char path[] = "/tmp/krun-test-XXXXXX";
	kr_own_fd int root = -1;

	CHECK(mkdtemp(path) != NULL);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	missing_parts_are_made(root);
	dots_cannot_climb_out_of_what_is_missing(root);
	dots_at_the_root_stay_there(root);
	a_link_is_followed_within_the_root(root);
	a_dangling_link_is_made_true_within_the_root(root);
	links_in_a_circle_are_refused(root);
	a_file_is_made_once(root);
	a_file_in_the_way_is_an_error(root);
	names_that_are_too_long_are_an_error(root);
	a_parent_gives_the_last_component(root);
	magic_links_are_refused();
	CHECK(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0);
	return 0;
}
