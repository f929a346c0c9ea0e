/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Messages with headers: sendmsg, recvmsg and their forms for several messages.  A header holds pointers, and
 * control data to send holds descriptors: both are copied and checked in the copy.
 */
#include "hypercall.h"
#include "rights.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

kr_handler kr_call_sendmsg;
kr_handler kr_call_recvmsg;
kr_handler kr_call_sendmmsg;
kr_handler kr_call_recvmmsg;

/* More control data to send than this gets the errno of a socket whose option memory is used up. */
#define MAX_CONTROL  16384u
#define LONGEST_NAME 128u /* struct sockaddr_storage; the kernel takes no more */

struct headers {
	struct kr_header header;
	uint32_t length;
};

/* What is not the guest's becomes nobody's. */
static void stand_in(void **pointer, uint64_t size)
{
	*pointer = (void *)(uintptr_t)kr_stand_in((uint64_t)(uintptr_t)*pointer, size);
}

static void check_pointer(void **pointer, uint64_t size)
{
	if (*pointer != NULL && !kr_guest_has((uint64_t)(uintptr_t)*pointer, size)) {
		stand_in(pointer, size);
	}
}

static int copy_control(struct kr_scratch *scratch, struct kr_header *header)
{
	void *copy;

	if (header->control_size == 0) {
		header->control = NULL;
		return 0;
	}
	if (header->control_size > MAX_CONTROL) {
		return -ENOBUFS;
	}
	copy = kr_scratch_take(scratch, header->control_size);
	if (copy == NULL) {
		return -ENOBUFS;
	}
	if (kr_copy_from_guest(copy, (uint64_t)(uintptr_t)header->control, header->control_size) < 0) {
		stand_in(&header->control, header->control_size);
		return 0;
	}
	header->control = copy;
	return 0;
}

/* Copy the header at `from` and check all that it points to.  What else is wrong, the kernel says. */
static int copy_header(struct kr_scratch *scratch, uint64_t from, bool is_sent, struct kr_header *header)
{
	uint64_t vector;
	uint64_t name_size;
	int failed;

	if (kr_copy_from_guest(header, from, sizeof *header) < 0) {
		return -EFAULT;
	}
	name_size = header->name_size < LONGEST_NAME ? header->name_size : LONGEST_NAME;
	check_pointer(&header->name, name_size);
	failed = kr_copy_iovec(scratch, (uint64_t)(uintptr_t)header->vector, header->vector_count, &vector);
	if (failed == -ENOMEM) {
		return failed;
	}
	if (failed != 0) {
		vector = kr_stand_in((uint64_t)(uintptr_t)header->vector, sizeof(struct iovec));
	}
	header->vector = (struct iovec *)(uintptr_t)vector;
	if (is_sent) {
		return copy_control(scratch, header);
	}
	check_pointer(&header->control, header->control_size);
	return 0;
}

/* The header cannot be read: the kernel finds that out too, after it has looked at the descriptor. */
static int64_t pass_nothing(struct kr_thread *thread, int64_t nr, uint64_t fd, uint64_t from, uint64_t flags)
{
	const uint64_t nobodys = kr_stand_in(from, sizeof(struct kr_header));

	return kr_host_call(thread, nr, (const uint64_t[6]){ fd, nobodys, flags, 0, 0, 0 });
}

/* Control data that cannot be read is nobody's, and stays where it is. */
static bool has_copied_control(const struct kr_scratch *scratch, const struct kr_header *header)
{
	const unsigned char *control = header->control;

	return control >= scratch->bytes && control < scratch->bytes + sizeof scratch->bytes;
}

static int64_t send_message(struct kr_thread *thread, uint64_t fd, uint64_t from, uint64_t flags)
{
	struct kr_scratch scratch;
	struct kr_header header;
	int failed;

	KR_SCRATCH_INIT(&scratch);
	failed = copy_header(&scratch, from, true, &header);
	if (failed == -EFAULT) {
		return pass_nothing(thread, SYS_sendmsg, fd, from, flags);
	}
	if (failed != 0) {
		return failed;
	}
	return kr_rights_send(thread, fd, &header, flags, has_copied_control(&scratch, &header));
}

/* The kernel writes three fields of the header back. */
static int return_header(uint64_t to, const struct kr_header *header)
{
	if (kr_copy_to_guest(to + offsetof(struct kr_header, name_size), &header->name_size,
			     sizeof header->name_size) < 0 ||
	    kr_copy_to_guest(to + offsetof(struct kr_header, control_size), &header->control_size,
			     sizeof header->control_size) < 0 ||
	    kr_copy_to_guest(to + offsetof(struct kr_header, flags), &header->flags, sizeof header->flags) < 0) {
		return -EFAULT;
	}
	return 0;
}

static int64_t receive_message(struct kr_thread *thread, uint64_t fd, uint64_t to, uint64_t flags)
{
	struct kr_scratch scratch;
	struct kr_header header;
	int64_t got;
	int failed;

	KR_SCRATCH_INIT(&scratch);
	failed = copy_header(&scratch, to, false, &header);
	if (failed == -EFAULT) {
		return pass_nothing(thread, SYS_recvmsg, fd, to, flags);
	}
	if (failed != 0) {
		return failed;
	}
	got = kr_host_call(thread, SYS_recvmsg,
			   (const uint64_t[6]){ fd, (uint64_t)(uintptr_t)&header, flags, 0, 0, 0 });
	if (got < 0) {
		return got;
	}
	failed = return_header(to, &header);
	return failed != 0 ? failed : got;
}

int64_t kr_call_sendmsg(struct kr_thread *thread, const struct kr_call *call)
{
	return send_message(thread, call->arg[0], call->arg[1], call->arg[2]);
}

int64_t kr_call_recvmsg(struct kr_thread *thread, const struct kr_call *call)
{
	return receive_message(thread, call->arg[0], call->arg[1], call->arg[2]);
}

/* The number of messages of one call is bounded as the kernel bounds it. */
static uint32_t message_count(const struct kr_call *call)
{
	uint32_t count = (uint32_t)call->arg[2];

	return count < IOV_MAX ? count : IOV_MAX;
}

/* Store what the message at `to` came to. */
static int return_length(uint64_t to, int64_t length)
{
	uint32_t stored = (uint32_t)length;

	return kr_copy_to_guest(to + offsetof(struct headers, length), &stored, sizeof stored);
}

int64_t kr_call_sendmmsg(struct kr_thread *thread, const struct kr_call *call)
{
	uint32_t count = message_count(call);
	uint32_t done = 0;

	for (; done < count; done++) {
		uint64_t at = call->arg[1] + done * sizeof(struct headers);
		int64_t sent = send_message(thread, call->arg[0], at, call->arg[3]);

		if (sent >= 0) {
			sent = return_length(at, sent) < 0 ? -EFAULT : 0;
		}
		if (sent < 0) {
			/* What has been sent counts; the error comes again with the next call. */
			return done > 0 ? (int64_t)done : sent;
		}
	}
	return (int64_t)done;
}

static int64_t nanoseconds_until(const struct timespec *end)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (end->tv_sec - now.tv_sec) * 1000000000 + (end->tv_nsec - now.tv_nsec);
}

/* The moment at which `timeout` is over. */
static void set_end(struct timespec *end, const struct timespec *timeout)
{
	(void)clock_gettime(CLOCK_MONOTONIC, end);
	end->tv_nsec += timeout->tv_nsec;
	end->tv_sec += timeout->tv_sec + end->tv_nsec / 1000000000;
	end->tv_nsec %= 1000000000;
}

static int64_t receive_messages(struct kr_thread *thread, const struct kr_call *call, const struct timespec *end)
{
	uint32_t count = message_count(call);
	uint64_t flags = call->arg[3] & ~(uint64_t)MSG_WAITFORONE;
	uint32_t done = 0;

	while (done < count) {
		uint64_t at = call->arg[1] + done * sizeof(struct headers);
		int64_t got = receive_message(thread, call->arg[0], at, flags);

		if (got >= 0) {
			got = return_length(at, got) < 0 ? -EFAULT : 0;
		}
		if (got < 0) {
			return done > 0 ? (int64_t)done : got;
		}
		done++;
		if ((call->arg[3] & MSG_WAITFORONE) != 0) {
			flags |= MSG_DONTWAIT;
		}
		/* The timeout is looked at after each message and ends no wait: so it is in the kernel. */
		if (end != NULL && nanoseconds_until(end) <= 0) {
			break;
		}
	}
	return (int64_t)done;
}

int64_t kr_call_recvmmsg(struct kr_thread *thread, const struct kr_call *call)
{
	struct timespec timeout;
	struct timespec end;
	int64_t done;
	int64_t left;

	if (call->arg[4] == 0) {
		return receive_messages(thread, call, NULL);
	}
	if (kr_copy_from_guest(&timeout, call->arg[4], sizeof timeout) < 0) {
		return -EFAULT;
	}
	if (timeout.tv_sec < 0 || timeout.tv_sec > INT32_MAX || timeout.tv_nsec < 0 ||
	    timeout.tv_nsec >= 1000000000) {
		return -EINVAL;
	}
	set_end(&end, &timeout);
	done = receive_messages(thread, call, &end);
	if (done > 0) {
		left = nanoseconds_until(&end);
		left = left > 0 ? left : 0;
		timeout = (struct timespec){ .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
		if (kr_copy_to_guest(call->arg[4], &timeout, sizeof timeout) < 0) {
			return -EFAULT;
		}
	}
	return done;
}
