/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files that the monitor holds while it makes a call, and what must not show of that.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void send_descriptor(int to, int fd)
{
	char byte = 'x';
	struct iovec part = { &byte, 1 };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {
		.head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }
	};
	const struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes
	};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	EXPECT(sendmsg(to, &message, 0) == 1);
}

/* A process gives its locks up with any descriptor of the file that it closes. */
static int lock_outlives_a_sent_descriptor(void)
{
	struct flock lock = { .l_type = F_WRLCK };
	int sockets[2];
	int status;
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	pid_t child;

	EXPECT(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	send_descriptor(sockets[0], fd);
	child = fork();
	if (child == 0) {
		_exit(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK ? 3 : 4);
	}
	EXPECT(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
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
	static char data[1 << 20];
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
		CASE(memory_is_mapped_beside_a_socket_that_lingers),
		{ NULL, NULL },
	};

	return run_case(cases, argc, argv);
}
