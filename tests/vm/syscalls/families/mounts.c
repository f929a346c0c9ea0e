/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Mounts, roots and namespaces.
 */
#include "suite.h"

#include <linux/mount.h>
#include <sys/mount.h>

static char room[2 * PAGE];

TEST(mount02)
{
	mkdir("m", 0700);
	make_file("f", 1);
	say("tmpfs", S(mount, "x", "m", "tmpfs", 0, "size=4096k"));
	say("type", S(mount, "x", "m", "nofs", 0, NULL));
	say("no type", S(mount, "x", "m", NULL, 0, NULL));
	say("missing", S(mount, "x", "n", "tmpfs", 0, NULL));
	say("file", S(mount, "x", "f", "tmpfs", 0, NULL));
	say("option", S(mount, "x", "m", "tmpfs", 0, "nonsense=1"));
	say("bind", S(mount, "f", "f", NULL, MS_BIND, NULL));
	say("bind missing", S(mount, "g", "f", NULL, MS_BIND, NULL));
	say("remount of no mount", S(mount, "x", ".", NULL, MS_REMOUNT, NULL));
	say("two propagations", S(mount, NULL, "m", NULL, MS_SHARED | MS_PRIVATE, NULL));
	say("private", S(mount, NULL, "m", NULL, MS_PRIVATE, NULL));
	EACH_BAD_IN("target", S(mount, "x", P, "tmpfs", 0, NULL));
	EACH_BAD_IN("type", S(mount, "x", "m", P != NULL ? P : hole, 0, NULL));
	EACH_BAD_IN("source", S(mount, P != NULL ? P : hole, "m", "tmpfs", 0, NULL));
	say("unmount", S(umount2, "m", 0));
}

TEST(umount202)
{
	mkdir("m", 0700);
	S(mount, "x", "m", "tmpfs", 0, NULL);
	say("flags", S(umount2, "m", 0x100));
	say("expire and force", S(umount2, "m", MNT_EXPIRE | MNT_FORCE));
	say("expire", S(umount2, "m", MNT_EXPIRE));
	say("expire again", S(umount2, "m", MNT_EXPIRE));
	say("no mount", S(umount2, "m", 0));
	say("missing", S(umount2, "n", 0));
	EACH_BAD_IN("target", S(umount2, P, 0));
	say("others", (become_nobody(), S(umount2, "m", 0)));
}

TEST(pivot_root01)
{
	mkdir("new", 0700);
	say("no mount", S(pivot_root, "new", "new"));
	say("missing", S(pivot_root, "nothing", "new"));
	EACH_BAD_IN("new", S(pivot_root, P, "new"));
	EACH_BAD_IN("old", S(pivot_root, "new", P));
}

TEST(chroot03)
{
	make_file("f", 1);
	say("file", S(chroot, "f"));
	say("missing", S(chroot, "g"));
	EACH_BAD_IN("path", S(chroot, P));
	say("here", S(chroot, "."));
	say("then", S(open, "/f", O_RDONLY) >= 0);
	say("gone", S(open, "/proc", O_RDONLY));
}

TEST(open_tree01)
{
	say_done("path", S(open_tree, AT_FDCWD, ".", 0));
	say_done("copy", S(open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
	say("flags", S(open_tree, AT_FDCWD, ".", 0x10000000));
	say("recursive alone", S(open_tree, AT_FDCWD, ".", AT_RECURSIVE));
	say("missing", S(open_tree, AT_FDCWD, "g", 0));
	EACH_BAD_IN("path", S(open_tree, AT_FDCWD, P, 0));
}

TEST(open_tree_attr01)
{
	struct {
		uint64_t set;
		uint64_t clear;
		uint64_t propagation;
		uint64_t namespace;
	} attributes = { .set = 1 /* read only */ };
	int fd = (int)syscall(NR_open_tree_attr, AT_FDCWD, ".", OPEN_TREE_CLONE, &attributes, sizeof attributes);

	say_done("copy", fd);
	say_done("write in it", openat(fd, "new", O_CREAT | O_WRONLY, 0644));
	say_done("none", syscall(NR_open_tree_attr, AT_FDCWD, ".", OPEN_TREE_CLONE, NULL, 0ul));
	say_done("of no copy", syscall(NR_open_tree_attr, AT_FDCWD, ".", 0, &attributes, sizeof attributes));
	say("short", syscall(NR_open_tree_attr, AT_FDCWD, ".", OPEN_TREE_CLONE, &attributes, 8ul));
	say("unknown", (attributes.set = 1ul << 40, syscall(NR_open_tree_attr, AT_FDCWD, ".", OPEN_TREE_CLONE,
							    &attributes, sizeof attributes)));
	EACH_BAD_IN("attributes", syscall(NR_open_tree_attr, AT_FDCWD, ".", OPEN_TREE_CLONE, P, 32ul));
}

TEST(move_mount02)
{
	mkdir("m", 0700);
	say("flags", S(move_mount, AT_FDCWD, ".", AT_FDCWD, "m", 0x10000000));
	say("no mount", S(move_mount, AT_FDCWD, ".", AT_FDCWD, "m", 0));
	say("copy", S(move_mount, (int)syscall(SYS_open_tree, AT_FDCWD, "/tmp", 1), "", AT_FDCWD, "m", 4));
	EACH_BAD_IN("from", S(move_mount, AT_FDCWD, P, AT_FDCWD, "m", 0));
}

TEST(fsopen02)
{
	say_done("tmpfs", S(fsopen, "tmpfs", 1));
	say("type", S(fsopen, "nofs", 0));
	say("flags", S(fsopen, "tmpfs", 77));
	EACH_BAD_IN("type", S(fsopen, P, 0));
}

TEST(fsconfig03)
{
	int fd = (int)S(fsopen, "tmpfs", 0);

	say("string", S(fsconfig, fd, FSCONFIG_SET_STRING, "size", "4096k", 0));
	say("no value", S(fsconfig, fd, FSCONFIG_SET_STRING, "size", NULL, 0));
	say("no key", S(fsconfig, fd, FSCONFIG_SET_STRING, NULL, "4096k", 0));
	say("extra", S(fsconfig, fd, FSCONFIG_SET_STRING, "size", "4096k", 1));
	say("option", S(fsconfig, fd, FSCONFIG_SET_STRING, "nonsense", "1", 0));
	say("flag", S(fsconfig, fd, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	say("flag with a value", S(fsconfig, fd, FSCONFIG_SET_FLAG, "ro", "1", 0));
	say("binary", S(fsconfig, fd, FSCONFIG_SET_BINARY, "size", "1", 1));
	say("binary of nothing", S(fsconfig, fd, FSCONFIG_SET_BINARY, "size", "1", 0));
	say("path", S(fsconfig, fd, FSCONFIG_SET_PATH, "size", ".", AT_FDCWD));
	say("descriptor", S(fsconfig, fd, FSCONFIG_SET_FD, "size", NULL, 1));
	say("no descriptor there", S(fsconfig, fd, FSCONFIG_SET_FD, "size", NULL, 99));
	say("command", S(fsconfig, fd, 77, NULL, NULL, 0));
	say("no context", S(fsconfig, 1, FSCONFIG_SET_STRING, "size", "4096k", 0));
	say("no descriptor", S(fsconfig, -1, FSCONFIG_SET_STRING, "size", "4096k", 0));
	EACH_BAD_IN("key", S(fsconfig, fd, FSCONFIG_SET_STRING, P != NULL ? P : hole, "4096k", 0));
	EACH_BAD_IN("value", S(fsconfig, fd, FSCONFIG_SET_STRING, "size", P != NULL ? P : hole, 0));
	EACH_BAD_IN("binary", S(fsconfig, fd, FSCONFIG_SET_BINARY, "size", P != NULL ? P : hole, 10));
	fd = (int)S(fsopen, "tmpfs", 0);
	say("create", S(fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	say("again", S(fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

TEST(fsmount02)
{
	int fd = (int)S(fsopen, "tmpfs", 0);

	say("not created", S(fsmount, fd, 0, 0));
	S(fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	say("flags", S(fsmount, fd, 77, 0));
	say("attributes", S(fsmount, fd, 0, 0x10000000));
	say("no context", S(fsmount, 1, 0, 0));
	say_done("mount", S(fsmount, fd, 1, 1));
}

TEST(fspick02)
{
	say_done("pick", S(fspick, AT_FDCWD, "/tmp", 0));
	say("flags", S(fspick, AT_FDCWD, "/tmp", 77 << 8));
	say("no mount", S(fspick, AT_FDCWD, ".", 0));
	EACH_BAD_IN("path", S(fspick, AT_FDCWD, P, 0));
}

TEST(mount_setattr01)
{
	uint64_t attributes[4] = { 1, 0, 0, 0 };
	uint64_t longer[6] = { 1, 0, 0, 0, 0, 1 };

	say("no mount", S(mount_setattr, AT_FDCWD, ".", 0, attributes, sizeof attributes));
	say("flags", S(mount_setattr, AT_FDCWD, "/tmp", 77 << 20, attributes, sizeof attributes));
	say("short", S(mount_setattr, AT_FDCWD, "/tmp", 0, attributes, 3));
	say("longer", S(mount_setattr, AT_FDCWD, "/tmp", 0, longer, sizeof longer));
	EACH_BAD_IN("attributes", S(mount_setattr, AT_FDCWD, "/tmp", 0, P, sizeof attributes));
}

TEST(statmount01)
{
	uint64_t request[4] = { 32, 1, 1, 0 };

	say("missing", syscall(NR_statmount, request, room, sizeof room, 0));
	say("flags", syscall(NR_statmount, request, room, sizeof room, 77));
	say("size", (request[0] = 3, syscall(NR_statmount, request, room, sizeof room, 0)));
	EACH_BAD_IN("request", syscall(NR_statmount, P, room, sizeof room, 0));
}

TEST(listmount01)
{
	uint64_t request[4] = { 32, ~0ull, 0, 0 };

	say_done("list", syscall(NR_listmount, request, room, 10, 0));
	say("flags", syscall(NR_listmount, request, room, 10, 77));
	say("missing", (request[1] = 1, syscall(NR_listmount, request, room, 10, 0)));
	EACH_BAD_IN("request", syscall(NR_listmount, P, room, 10, 0));
	request[1] = ~0ull;
	EACH_BAD_OUT("ids", syscall(NR_listmount, request, P, 10, 0));
}

TEST(unshare02)
{
	say("nothing", S(unshare, 0));
	say("flags", S(unshare, 0x1000));
	say("fs", S(unshare, CLONE_FS));
	say("mounts", S(unshare, CLONE_NEWNS));
	say("names", S(unshare, CLONE_NEWUTS));
	say("others", (become_nobody(), S(unshare, CLONE_NEWIPC)));
}

TEST(setns02)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	say("same", S(setns, fd, CLONE_NEWUTS));
	say("another type", S(setns, fd, CLONE_NEWIPC));
	say("no namespace", S(setns, 1, 0));
	say("no descriptor", S(setns, -1, 0));
	say("others", (become_nobody(), S(setns, fd, 0)));
}

TEST(acct01)
{
	say("off", S(acct, NULL));
	EACH_BAD_IN("path", S(acct, P != NULL ? P : hole));
}
