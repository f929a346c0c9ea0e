/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The container's terminal: made in the container's own devpts, its master handed to whoever asked for it.
 */
#include "../base/fd.h"
#include "../base/path.h"
#include "destination.h"
#include "mount.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define MASTER_NAME "/dev/ptmx"

static int check_devpts(int fd, const char *what, struct kr_err *err)
{
	struct statfs status;

	if (fstatfs(fd, &status) != 0) {
		return kr_fail(err, errno, "look at %s", what);
	}
	if (status.f_type != DEVPTS_SUPER_MAGIC) {
		return kr_fail(err, ENODEV, "%s is not on a devpts", what);
	}
	return 0;
}

static int open_master(struct kr_stage *stage, struct kr_err *err)
{
	kr_own_fd int place = kr_open_in_root_straight(stage->root, "/dev/pts/ptmx", O_PATH, 0);
	kr_own_fd int master = -1;
	int locked = 0;

	/* Looked at before it is opened: opening what an image has put there could do anything. */
	if (place < 0) {
		return kr_fail(err, errno, "open /dev/pts/ptmx for the terminal");
	}
	if (check_devpts(place, "/dev/pts/ptmx", err) != 0) {
		return -1;
	}
	master = kr_open_in_root_straight(stage->root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &locked) != 0) {
		return kr_fail(err, errno, "open /dev/pts/ptmx for the terminal");
	}
	return check_devpts(master, "/dev/pts/ptmx", err) == 0 ? kr_steal_fd(&master) : -1;
}

/* By the master's descriptor and not by the name /dev/pts/N, which can be replaced (CVE-2025-52565). */
static int open_slave(int master, uint64_t rows, uint64_t columns, struct kr_err *err)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };
	kr_own_fd int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (slave < 0) {
		return kr_fail(err, errno, "open the terminal");
	}
	if (check_devpts(slave, "the terminal", err) != 0) {
		return -1;
	}
	if (rows != 0 && columns != 0 && ioctl(slave, TIOCSWINSZ, &size) != 0) {
		return kr_fail(err, errno, "set the size of the terminal");
	}
	return kr_steal_fd(&slave);
}

static int send_master(int socket, int master, struct kr_err *err)
{
	char name[] = MASTER_NAME;
	struct iovec part = { name, strlen(name) };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof control.space,
	};
	struct cmsghdr *rights;

	memset(&control, 0, sizeof control);
	rights = CMSG_FIRSTHDR(&message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof master);
	memcpy(CMSG_DATA(rights), &master, sizeof master);
	if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
		return kr_fail(err, errno, "send the terminal to the console socket");
	}
	return 0;
}

static int bind_console(struct kr_stage *stage, int slave, struct kr_err *err)
{
	kr_own_fd int mount = kr_mount_clone(slave, "", false);
	kr_own_fd int place = -1;

	if (mount < 0) {
		return kr_fail(err, errno, "bind the terminal on /dev/console");
	}
	place = kr_make_file(stage->root, "/dev/console", 0666, KR_LINKS_NONE, err);
	if (place < 0) {
		return -1;
	}
	if (kr_mount_attach(mount, place) != 0) {
		return kr_fail(err, errno, "bind the terminal on /dev/console");
	}
	return 0;
}

int kr_op_TERMINAL(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t rows = kr_read_u64(operands);
	uint64_t columns = kr_read_u64(operands);
	bool is_console = kr_read_u64(operands) != 0;
	kr_own_fd int master = open_master(stage, err);
	kr_own_fd int slave = -1;

	if (master < 0) {
		return -1;
	}
	slave = open_slave(master, rows, columns, err);
	if (slave < 0 || (is_console && bind_console(stage, slave, err) != 0) ||
	    send_master(stage->fd[KR_FD_CONSOLE], master, err) != 0) {
		return -1;
	}
	kr_close_fd(&stage->fd[KR_FD_CONSOLE]);
	if (ioctl(slave, TIOCSCTTY, 0) != 0) {
		return kr_fail(err, errno, "make the terminal the controlling one");
	}
	for (int fd = 0; fd < 3; fd++) {
		if (dup2(slave, fd) < 0) {
			return kr_fail(err, errno, "put the terminal on descriptor %d", fd);
		}
	}
	return 0;
}
