/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Seccomp: the filter comes compiled.  Where calls are to be answered by somebody else, the listener is sent to
 * them by init itself, over a connection that the runtime has made: the filter may well be loaded when the
 * runtime is gone.  Between the two, init makes no other call, because each one might wait for that somebody.
 *
 * With the monitor, which evaluates the filter itself, the kernel's is one that has it ask about single calls.
 */
#include "../base/fd.h"
#include "ops.h"

#include <errno.h>
#include <kr/notify.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_PARTS 3 /* of the state that goes with a listener */

/* Returns what the kernel does: 0, or a listener; -1 with an error. */
static int load(uint64_t flags, struct kr_bytes filter, struct kr_err *err)
{
	size_t count = filter.size / sizeof(struct sock_filter);
	struct sock_fprog program = {
		.len = (unsigned short)count,
		.filter = (void *)(uintptr_t)filter.data, /* the kernel copies it from any address */
	};
	long result;

	if (filter.size % sizeof(struct sock_filter) != 0 || count == 0 || count > BPF_MAXINSNS) {
		return kr_fail(err, EINVAL, "load the seccomp filter: %u bytes are no filter", filter.size);
	}
	result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	return result >= 0 ? (int)result : kr_fail(err, errno, "load the seccomp filter");
}

int kr_op_SECCOMP(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t flags = kr_read_u64(operands);

	(void)stage;
	return load(flags, kr_read_bytes(operands), err);
}

/* Send a descriptor with the first byte of a text.  -1 with errno. */
static int send_with(int socket, int descriptor, struct msghdr *message)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr aligned;
	} control = { .space = { 0 } };
	struct cmsghdr *rights = &control.aligned;

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof descriptor);
	memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
	message->msg_control = control.space;
	message->msg_controllen = sizeof control.space;
	while (message->msg_iovlen > 0) {
		ssize_t sent = sendmsg(socket, message, MSG_NOSIGNAL);

		if (sent < 0) {
			return -1;
		}
		message->msg_control = NULL;
		message->msg_controllen = 0;
		while (message->msg_iovlen > 0 && (size_t)sent >= message->msg_iov->iov_len) {
			sent -= (ssize_t)message->msg_iov->iov_len;
			message->msg_iov++;
			message->msg_iovlen--;
		}
		if (message->msg_iovlen > 0) {
			message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + sent;
			message->msg_iov->iov_len -= (size_t)sent;
		}
	}
	return 0;
}

static int load_and_send(struct kr_stage *stage, uint64_t flags, struct kr_bytes filter, struct kr_strings state,
			 struct kr_err *err)
{
	struct iovec parts[2 * MOST_PARTS];
	struct msghdr message = { .msg_iov = parts };
	const char *part;
	char pid[16];
	int listener;

	if (state.count > MOST_PARTS) {
		return kr_fail(err, EINVAL, "send the seccomp listener: a state of %u parts", state.count);
	}
	(void)snprintf(pid, sizeof pid, "%d", stage->host_pid);
	while ((part = kr_next_string(&state)) != NULL) {
		if (message.msg_iovlen > 0) {
			parts[message.msg_iovlen++] = (struct iovec){ pid, strlen(pid) };
		}
		parts[message.msg_iovlen++] = (struct iovec){ (void *)(uintptr_t)part, strlen(part) };
	}
	listener = load(flags | SECCOMP_FILTER_FLAG_NEW_LISTENER, filter, err);
	if (listener < 0) {
		return -1;
	}
	if (send_with(stage->fd[KR_FD_LISTENER], listener, &message) != 0) {
		return kr_fail(err, errno, "send the seccomp listener");
	}
	(void)close(listener);
	kr_close_fd(&stage->fd[KR_FD_LISTENER]);
	return 0;
}

int kr_op_SECCOMP_NOTIFY(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t flags = kr_read_u64(operands);
	struct kr_bytes filter = kr_read_bytes(operands);

	return load_and_send(stage, flags, filter, kr_read_strings(operands), err);
}

int kr_op_SECCOMP_MONITOR(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	const struct sock_filter code[] = KR_NOTIFY_FILTER;
	const struct kr_bytes filter = { .data = (const uint8_t *)code, .size = sizeof code };
	uint64_t flags = kr_read_u64(operands);

	stage->has_listener = true;
	return load_and_send(stage, flags, filter, kr_read_strings(operands), err);
}
