/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "msg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int kr_msg_send(int fd, enum kr_msg_type type, uint32_t value, const char *text, struct kr_err *err)
{
	uint32_t head[2] = { (uint32_t)type, value };
	size_t size = text != NULL ? strnlen(text, KR_MSG_TEXT) : 0;
	struct iovec parts[2] = { { head, sizeof head }, { (void *)(uintptr_t)text, size } };
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = 2 };

	for (;;) {
		if (sendmsg(fd, &packet, MSG_NOSIGNAL) >= 0) {
			return 0;
		}
		if (errno == EINTR) {
			continue;
		}
		/* By write(2) where the container's filter is loaded and forbids the other: a filter that forbids
		 * both leaves nobody to tell. */
		if (errno == EPIPE || errno == ECONNRESET || writev(fd, parts, 2) < 0) {
			return kr_fail(err, errno, "send message %u to the runtime", (unsigned)type);
		}
		return 0;
	}
}

int kr_msg_receive(int fd, struct kr_msg *msg, struct kr_err *err)
{
	uint32_t head[2];
	struct iovec parts[2] = { { head, sizeof head }, { msg->text, KR_MSG_TEXT } };
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t got;

	do {
		got = recvmsg(fd, &packet, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		return kr_fail(err, errno, "receive a message from the runtime");
	}
	if (got == 0) {
		return kr_fail(err, ECONNRESET, "the runtime is gone");
	}
	if ((size_t)got < sizeof head || (packet.msg_flags & MSG_TRUNC) != 0) {
		return kr_fail(err, EPROTO, "received a packet of %zd bytes, expected a message", got);
	}
	msg->type = head[0];
	msg->value = head[1];
	msg->size = (uint32_t)((size_t)got - sizeof head);
	msg->text[msg->size] = 0;
	return 0;
}

int kr_msg_commit(int fd, struct kr_err *err)
{
	uint32_t head[2] = { 0, 0 };
	ssize_t got;

	if (kr_msg_send(fd, KR_MSG_READY, 0, NULL, err) != 0) {
		return -1;
	}
	do {
		got = read(fd, head, sizeof head);
	} while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof head || head[0] != KR_MSG_CONTINUE) {
		return kr_fail(err, got < 0 ? errno : ECONNRESET, "the runtime is gone");
	}
	return 0;
}
