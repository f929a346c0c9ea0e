/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hidden.h"

#include "fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PAIR_BYTES (2 * sizeof(int))

union control {
	char space[CMSG_SPACE(PAIR_BYTES)];
	struct cmsghdr aligned;
};

/* A message of one byte with the pair beside it. */
static struct msghdr message_of(struct iovec *byte, union control *control)
{
	return (struct msghdr){
		.msg_iov = byte,
		.msg_iovlen = 1,
		.msg_control = control->space,
		.msg_controllen = sizeof control->space,
	};
}

int kr_hide_pair(const int pair[2], struct kr_err *err)
{
	union control control = { .space = { 0 } };
	struct cmsghdr *rights = &control.aligned;
	char byte = 0;
	struct iovec part = { &byte, sizeof byte };
	struct msghdr message = message_of(&part, &control);
	int ends[2];
	kr_own_fd int holding = -1;
	kr_own_fd int sending = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		return kr_fail(err, errno, "make a socket to hide descriptors in");
	}
	holding = ends[0];
	sending = ends[1];
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(PAIR_BYTES);
	memcpy(CMSG_DATA(rights), pair, PAIR_BYTES);
	if (sendmsg(sending, &message, MSG_NOSIGNAL) < 0) {
		return kr_fail(err, errno, "hide descriptors");
	}
	return kr_steal_fd(&holding);
}

int kr_take_hidden_pair(int socket, int pair[2], struct kr_err *err)
{
	union control control = { .space = { 0 } };
	const struct cmsghdr *rights = &control.aligned;
	char byte;
	struct iovec part = { &byte, sizeof byte };
	struct msghdr message = message_of(&part, &control);

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0) {
		return kr_fail(err, errno, "take hidden descriptors");
	}
	if (message.msg_controllen < CMSG_LEN(PAIR_BYTES) || rights->cmsg_len != CMSG_LEN(PAIR_BYTES) ||
	    rights->cmsg_type != SCM_RIGHTS) {
		return kr_fail(err, EPROTO, "no descriptors are hidden here");
	}
	memcpy(pair, CMSG_DATA(rights), PAIR_BYTES);
	return 0;
}
