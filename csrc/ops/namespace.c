/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Namespaces: opened by path, joined, made.
 */
#include "ops.h"

#include "../base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* In the order of kr_stage.namespaces. */
static const struct {
	int type;
	const char *name;
} kinds[KR_NAMESPACE_KINDS] = {
	{ CLONE_NEWUSER, "user" },     { CLONE_NEWNS, "mount" },  { CLONE_NEWUTS, "uts" },
	{ CLONE_NEWIPC, "ipc" },       { CLONE_NEWPID, "pid" },   { CLONE_NEWNET, "network" },
	{ CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWTIME, "time" },
};

static int find_kind(uint64_t type, struct kr_err *err)
{
	for (int i = 0; i < KR_NAMESPACE_KINDS; i++) {
		if ((uint64_t)kinds[i].type == type) {
			return i;
		}
	}
	return kr_fail(err, EINVAL, "no namespace has the type %#llx", (unsigned long long)type);
}

int kr_op_OPEN_NAMESPACE(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	int kind = find_kind(kr_read_u64(operands), err);
	const char *path = kr_read_string(operands);
	kr_own_fd int fd = -1;
	int type;

	if (kind < 0) {
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return kr_fail(err, errno, "open the %s namespace %s", kinds[kind].name, path);
	}
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type != kinds[kind].type) {
		return kr_fail(err, EINVAL, "%s is not a %s namespace", path, kinds[kind].name);
	}
	kr_close_fd(&stage->namespaces[kind]);
	stage->namespaces[kind] = kr_steal_fd(&fd);
	return 0;
}

int kr_op_JOIN_NAMESPACE(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	int kind = find_kind(kr_read_u64(operands), err);

	if (kind < 0) {
		return -1;
	}
	if (stage->namespaces[kind] < 0) {
		return kr_fail(err, EBADF, "join a %s namespace: none is open", kinds[kind].name);
	}
	if (setns(stage->namespaces[kind], kinds[kind].type) != 0) {
		return kr_fail(err, errno, "join the %s namespace", kinds[kind].name);
	}
	kr_close_fd(&stage->namespaces[kind]);
	return 0;
}

static int fail_unshare(uint64_t flags, int code, struct kr_err *err)
{
	char names[96] = "";
	size_t size = 0;

	for (int i = 0; i < KR_NAMESPACE_KINDS; i++) {
		if ((flags & (uint64_t)kinds[i].type) != 0) {
			size += (size_t)snprintf(names + size, sizeof names - size, " %s", kinds[i].name);
		}
	}
	return kr_fail(err, code, "make new namespaces:%s", names);
}

int kr_op_UNSHARE(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t flags = kr_read_u64(operands);

	(void)stage;
	return unshare((int)flags) == 0 ? 0 : fail_unshare(flags, errno, err);
}

int kr_op_TIME_OFFSETS(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const char *text = kr_read_string(operands);

	if (write(stage->time_offsets, text, strlen(text)) < 0) {
		return kr_fail(err, errno, "set the offsets of the time namespace");
	}
	kr_close_fd(&stage->time_offsets);
	return 0;
}
