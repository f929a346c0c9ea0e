/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rights.h"

#include "alone.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

struct part {
	uint64_t size; /* with this head */
	int32_t level;
	int32_t type;
};

static int64_t pass(struct kr_thread *thread, uint64_t fd, struct kr_header *header, uint64_t flags)
{
	const uint64_t arg[6] = { fd, (uint64_t)(uintptr_t)header, flags };

	return kr_host_call(thread, SYS_sendmsg, arg);
}

/* The next of the descriptors that the control data hold, behind `*at`.  Walks as the kernel does.  1, 0 when there
 * is none, -EINVAL for a part that is longer than what is left, of which the kernel says the same. */
struct walk {
	uint64_t at;  /* of the next part */
	uint64_t fd;  /* of the next descriptor in this one */
	uint64_t end; /* of its descriptors */
};

static int next_right(const struct kr_header *header, struct walk *walk, char **found)
{
	struct part part;

	while (walk->fd + sizeof(int) > walk->end) {
		char *head = (char *)header->control + walk->at;

		if (walk->at + sizeof part > header->control_size) {
			return 0;
		}
		memcpy(&part, head, sizeof part);
		if (part.size < sizeof part || part.size > header->control_size - walk->at) {
			return -EINVAL;
		}
		walk->fd = walk->at + sizeof part;
		walk->end = part.level == SOL_SOCKET && part.type == SCM_RIGHTS ? walk->at + part.size : walk->fd;
		walk->at += (part.size + 7) & ~7ull;
	}
	*found = (char *)header->control + walk->fd;
	walk->fd += sizeof(int);
	return 1;
}

/* What is the monitor's is no descriptor of the guest's, for the kernel to find.  1 when there are descriptors, 0
 * or -EINVAL. */
static int check(const struct kr_header *header)
{
	struct walk walk = { .at = 0 };
	bool has_any = false;
	char *right;
	int more;

	while ((more = next_right(header, &walk, &right)) == 1) {
		int fd;

		memcpy(&fd, right, sizeof fd);
		fd = kr_is_monitor_fd(fd) ? -1 : fd;
		memcpy(right, &fd, sizeof fd);
		has_any = true;
	}
	return more < 0 ? more : has_any;
}

static int64_t pass_in_turn(struct kr_thread *thread, uint64_t fd, struct kr_header *header, uint64_t flags)
{
	int64_t result;

	kr_begin_turn(thread);
	result = check(header);
	if (result >= 0) {
		result = pass(thread, fd, header, flags | MSG_DONTWAIT);
	}
	kr_end_turn(thread);
	return result;
}

static bool may_wait(uint64_t fd, uint64_t flags)
{
	int status = (flags & MSG_DONTWAIT) == 0 ? fcntl((int)fd, F_GETFL) : -1;

	return status >= 0 && (status & O_NONBLOCK) == 0;
}

/* As the socket says how long a send may take.  1, or -EINTR or -EAGAIN. */
static int64_t wait_for_room(struct kr_thread *thread, uint64_t fd, struct timespec *left)
{
	struct pollfd socket = { .fd = (int)fd, .events = POLLOUT };
	const bool is_limited = left->tv_sec != 0 || left->tv_nsec != 0;
	const uint64_t arg[6] = { (uint64_t)(uintptr_t)&socket, 1, is_limited ? (uint64_t)(uintptr_t)left : 0 };
	int64_t result = kr_host_call(thread, SYS_ppoll, arg);

	return result == 0 ? -EAGAIN : result;
}

static void read_time_limit(uint64_t fd, struct timespec *left)
{
	struct timeval limit = { .tv_sec = 0 };
	socklen_t size = sizeof limit;

	(void)getsockopt((int)fd, SOL_SOCKET, SO_SNDTIMEO, &limit, &size);
	*left = (struct timespec){ .tv_sec = limit.tv_sec, .tv_nsec = limit.tv_usec * 1000 };
}

static void skip(struct kr_header *header, uint64_t done)
{
	while (header->vector_count > 0 && done >= header->vector->iov_len) {
		done -= header->vector->iov_len;
		header->vector++;
		header->vector_count--;
	}
	if (header->vector_count > 0) {
		header->vector->iov_base = (char *)header->vector->iov_base + done;
		header->vector->iov_len -= done;
	}
}

/* The files went with the first byte. */
static int64_t send_rest(struct kr_thread *thread, uint64_t fd, struct kr_header *header, uint64_t flags,
			 int64_t done)
{
	int64_t rest;

	skip(header, (uint64_t)done);
	if (header->vector_count == 0) {
		return done;
	}
	header->control = NULL;
	header->control_size = 0;
	rest = pass(thread, fd, header, flags | MSG_NOSIGNAL);
	return rest > 0 ? done + rest : done;
}

/* Nobody can wait for room at the other end of a socket that is not connected to it.  Files that are held are the
 * same whatever becomes of their numbers; locks on one of them are lost. */
static int64_t send_held(struct kr_thread *thread, uint64_t fd, struct kr_header *header, uint64_t flags)
{
	struct walk walk = { .at = 0 };
	int64_t result = 0;
	char *right;

	while (result == 0 && next_right(header, &walk, &right) == 1) {
		int held;

		memcpy(&held, right, sizeof held);
		held = kr_hold_file(thread, held);
		result = held < 0 && held != -EBADF ? held : 0;
		memcpy(right, &held, sizeof held);
	}
	if (result == 0) {
		result = pass(thread, fd, header, flags);
	}
	for (struct walk again = { .at = 0 }; next_right(header, &again, &right) == 1 && again.fd <= walk.fd;) {
		int held;

		memcpy(&held, right, sizeof held);
		if (held >= 0) {
			kr_release_file(thread, held);
		}
	}
	return result;
}

static int64_t send_among_threads(struct kr_thread *thread, uint64_t fd, struct kr_header *header, uint64_t flags)
{
	struct timespec left;
	int64_t result = pass_in_turn(thread, fd, header, flags);

	if (result < 0 && result != -EAGAIN) {
		return result;
	}
	if (!may_wait(fd, flags)) {
		return result;
	}
	if (result == -EAGAIN && header->name != NULL) {
		return send_held(thread, fd, header, flags);
	}
	read_time_limit(fd, &left);
	while (result == -EAGAIN) {
		result = wait_for_room(thread, fd, &left);
		if (result < 0) {
			return result;
		}
		result = pass_in_turn(thread, fd, header, flags);
	}
	return result < 0 ? result : send_rest(thread, fd, header, flags, result);
}

int64_t kr_rights_send(struct kr_thread *thread, uint64_t fd, struct kr_header *header, uint64_t flags,
		       bool has_control)
{
	int found = has_control ? check(header) : 0;

	if (found < 0) {
		return found;
	}
	/* Where nobody else can make them another's, they stay what they are. */
	return found == 0 || kr_is_only_thread(thread) ? pass(thread, fd, header, flags)
						       : send_among_threads(thread, fd, header, flags);
}
