/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files that the monitor holds while it makes a call, and what must not show of that.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static ssize_t send_parts(int to, struct iovec *parts, size_t count, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {
		.head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }
	};
	const struct msghdr message = { .msg_iov = parts,
					.msg_iovlen = count,
					.msg_control = &control,
					.msg_controllen = sizeof control.bytes };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	return sendmsg(to, &message, 0);
}

static void send_descriptor(int to, int fd)
{
	char byte = 'x';
	struct iovec part = { &byte, 1 };

	EXPECT(send_parts(to, &part, 1, fd) == 1);
}

static int locked_file(void)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	EXPECT(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0);
	return fd;
}

/* A process gives its locks up with any descriptor of the file that it closes. */
static void check_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK };
	int status;
	pid_t child = fork();

	if (child == 0) {
		_exit(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK ? 3 : 4);
	}
	EXPECT(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
}

static int lock_outlives_a_sent_descriptor(void)
{
	int sockets[2];
	int fd = locked_file();

	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	send_descriptor(sockets[0], fd);
	check_lock(fd);
	return 0;
}

static void *stay(void *nothing)
{
	pause();
	return nothing;
}

static int lock_outlives_a_descriptor_that_a_thread_sends(void)
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, stay, NULL) == 0);
	return lock_outlives_a_sent_descriptor();
}

static int sockets[2];
static char data[1 << 20];

/* Everything that was sent, and the number of descriptors that came with it. */
static int receive_all(size_t size)
{
	int descriptors = 0;

	for (ssize_t got; size > 0; size -= (size_t)got) {
		char bytes[4096];
		struct iovec part = { bytes, sizeof bytes };
		_Alignas(struct cmsghdr) char control[256];
		struct msghdr message = {
			.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
		};

		got = recvmsg(sockets[1], &message, 0);
		EXPECT(got > 0 && (size_t)got <= size);
		for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at)) {
			descriptors += (int)((at->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		}
	}
	return descriptors;
}

static void *receive(void *size)
{
	static int descriptors;

	descriptors = receive_all(*(const size_t *)size);
	return &descriptors;
}

static ssize_t send_with(int fd, size_t size)
{
	struct iovec parts[2] = { { data, size / 3 }, { data, size - size / 3 } };

	return send_parts(sockets[0], parts, 2, fd);
}

/* It waits for room, and for more, and all of it arrives once. */
static int long_message_brings_its_descriptor(void)
{
	size_t whole = sizeof data;
	size_t before = 0;
	int fd = locked_file();
	pthread_t thread;
	int *descriptors;

	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	for (ssize_t sent = 1; sent > 0; before += sent > 0 ? (size_t)sent : 0) {
		sent = send(sockets[0], data, sizeof data, MSG_DONTWAIT);
	}
	whole += before;
	EXPECT(pthread_create(&thread, NULL, receive, &whole) == 0);
	EXPECT(send_with(fd, sizeof data) == (ssize_t)sizeof data);
	EXPECT(pthread_join(thread, (void **)&descriptors) == 0 && *descriptors == 1);
	EXPECT(pthread_create(&thread, NULL, stay, NULL) == 0);
	check_lock(fd);
	return 0;
}

/* Where a socket says how long it waits, and where it does not wait. */
static int message_without_room_is_refused(void)
{
	const struct timeval limit = { .tv_usec = 50000 };
	int fd = locked_file();
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, stay, NULL) == 0);
	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	EXPECT(setsockopt(sockets[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0);
	while (send(sockets[0], data, sizeof data, MSG_DONTWAIT) > 0) {
	}
	EXPECT(send_with(fd, 1) == -1 && errno == EAGAIN);
	EXPECT(fcntl(sockets[0], F_SETFL, O_NONBLOCK) == 0 && send_with(fd, 1) == -1 && errno == EAGAIN);
	EXPECT(close(sockets[1]) == 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	EXPECT(send_with(fd, 1) == -1 && errno == EPIPE);
	check_lock(fd);
	return 0;
}

static int full;

static void *replace_full(void *nothing)
{
	EXPECT(dup2(STDIN_FILENO, full) == full);
	return nothing;
}

/* A connection with more underway than its other end takes. */
static int fill_connection(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
	EXPECT(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	full = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(connect(full, (struct sockaddr *)&address, size) == 0);
	while (send(full, data, sizeof data, MSG_DONTWAIT) > 0) {
	}
	return accept(listener, NULL, NULL);
}

/* It is closed only when the other end is, which happens behind the mapping. */
static int memory_is_mapped_beside_a_socket_that_lingers(void)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 600 };
	int other = fill_connection();
	pthread_t thread;

	EXPECT(other >= 0 && setsockopt(full, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
	EXPECT(pthread_create(&thread, NULL, replace_full, NULL) == 0);
	(void)alarm(20);
	for (int i = 0; i < 100; i++) {
		void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		EXPECT(page != MAP_FAILED && munmap(page, 4096) == 0 && usleep(1000) == 0);
	}
	EXPECT(close(other) == 0 && pthread_join(thread, NULL) == 0);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE(lock_outlives_a_sent_descriptor),
		CASE(lock_outlives_a_descriptor_that_a_thread_sends),
		CASE(long_message_brings_its_descriptor),
		CASE(message_without_room_is_refused),
		CASE(memory_is_mapped_beside_a_socket_that_lingers),
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
