/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sockets.
 */
#include "suite.h"

#include <linux/ethtool.h>
#include <linux/mptcp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static char room[PAGE];
static int pair[2];
static struct sockaddr_un name = { AF_UNIX, "s" };

static int listening(int type)
{
	int fd = socket(AF_UNIX, type, 0);

	bind(fd, (struct sockaddr *)&name, sizeof name);
	listen(fd, 5);
	return fd;
}

TEST(socket01)
{
	say("family", S(socket, 77, SOCK_STREAM, 0));
	say("negative family", S(socket, -1, SOCK_STREAM, 0));
	say("type", S(socket, AF_INET, 75, 0));
	say("protocol", S(socket, AF_INET, SOCK_STREAM, IPPROTO_UDP));
	say("unix protocol", S(socket, AF_UNIX, SOCK_STREAM, 7));
	say("flags", S(socket, AF_UNIX, SOCK_STREAM | 0x100, 0));
	say("cloexec", fcntl((int)S(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), F_GETFD));
	say("raw", S(socket, AF_INET, SOCK_RAW, 0));
}

TEST(socketpair01)
{
	say("inet", S(socketpair, AF_INET, SOCK_STREAM, 0, pair));
	say("family", S(socketpair, 77, SOCK_STREAM, 0, pair));
	say("type", S(socketpair, AF_UNIX, 75, 0, pair));
	say("unix", S(socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
	say("flag", fcntl(pair[1], F_GETFD));
	EACH_BAD_OUT("fds", S(socketpair, AF_UNIX, SOCK_STREAM, 0, P));
}

TEST(bind01)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	say("no socket", S(bind, 1, &in, sizeof in));
	say("no descriptor", S(bind, -1, &in, sizeof in));
	say("no descriptor, no name", S(bind, -1, NULL, sizeof in));
	say("short", S(bind, fd, &in, 3));
	say("negative", S(bind, fd, &in, -1));
	say("long", S(bind, fd, room, 129));
	say("another family", (in.sin_family = AF_UNIX, S(bind, fd, &in, sizeof in)));
	say("address", (in.sin_family = AF_INET, in.sin_addr.s_addr = 0x01010101, S(bind, fd, &in, sizeof in)));
	say("unix", S(bind, socket(AF_UNIX, SOCK_STREAM, 0), &name, sizeof name));
	say("in use", S(bind, socket(AF_UNIX, SOCK_STREAM, 0), &name, sizeof name));
	EACH_BAD_IN("address", S(bind, fd, P, 16));
}

TEST(listen01)
{
	say("no descriptor", S(listen, -1, 5));
	say("no socket", S(listen, 1, 5));
	say("datagrams", S(listen, socket(AF_UNIX, SOCK_DGRAM, 0), 5));
	say("unbound", S(listen, socket(AF_UNIX, SOCK_STREAM, 0), 5));
}

TEST(accept01)
{
	struct sockaddr_un peer;
	socklen_t size = sizeof peer;
	int fd = listening(SOCK_STREAM | SOCK_NONBLOCK);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	say("nobody", S(accept, fd, NULL, NULL));
	connect(client, (struct sockaddr *)&name, sizeof name);
	say_done("with an address", S(accept, fd, &peer, &size));
	say("size", size);
	say("no socket", S(accept, 1, NULL, NULL));
	say("no descriptor", S(accept, -1, NULL, NULL));
	say("not listening", S(accept, client, NULL, NULL));
	say("nobody, no size", S(accept, fd, &peer, NULL));
	for (int i = 0; i < 4; i++) {
		connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof name);
	}
	say("no size", S(accept, fd, &peer, NULL));
	say("negative size", (size = (socklen_t)-1, S(accept, fd, &peer, &size)));
	say("bad address", (size = 16, S(accept, fd, hole, &size)));
	say("bad size", S(accept, fd, &peer, hole));
}

TEST(accept4_01)
{
	int fd = listening(SOCK_STREAM | SOCK_NONBLOCK);

	say("flags", S(accept4, fd, NULL, NULL, 0x1234));
	connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof name);
	say("cloexec", fcntl((int)S(accept4, fd, NULL, NULL, SOCK_CLOEXEC), F_GETFD));
}

TEST(connect01)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = 0x0100, .sin_addr.s_addr = 0x0100007f };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	say("no socket", S(connect, 1, &in, sizeof in));
	say("no descriptor", S(connect, -1, &in, sizeof in));
	say("short", S(connect, fd, &in, 1));
	say("negative", S(connect, fd, &in, -1));
	say("missing", S(connect, socket(AF_UNIX, SOCK_STREAM, 0), &name, sizeof name));
	say("no socket there",
	    (close(make_file("s", 1)), S(connect, socket(AF_UNIX, SOCK_STREAM, 0), &name, sizeof name)));
	EACH_BAD_IN("address", S(connect, fd, P, 16));
}

TEST(shutdown02)
{
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	say("how", S(shutdown, pair[0], 7));
	say("no socket", S(shutdown, 1, SHUT_RD));
	say("not connected", S(shutdown, socket(AF_INET, SOCK_STREAM, 0), SHUT_RD));
	say("write", S(shutdown, pair[0], SHUT_WR));
	say("end", read(pair[1], room, 10));
}

TEST(getsockname01)
{
	struct sockaddr_un got;
	socklen_t size = sizeof got;
	int fd = listening(SOCK_STREAM);

	say("name", S(getsockname, fd, &got, &size));
	say_bytes("path", got.sun_path, 2);
	say("size", size);
	say("cut", (size = 3, got.sun_path[0] = 'z', S(getsockname, fd, &got, &size)));
	say_bytes("path", got.sun_path, 2);
	say("size", size);
	say("negative", (size = (socklen_t)-1, S(getsockname, fd, &got, &size)));
	say("no socket", S(getsockname, 1, &got, &size));
	say("no descriptor, no room", S(getsockname, -1, NULL, NULL));
	size = sizeof got;
	EACH_BAD_OUT("address", (size = 16, S(getsockname, fd, P, &size)));
	EACH_BAD_OUT("size", S(getsockname, fd, &got, P));
}

TEST(getpeername01)
{
	struct sockaddr_un got;
	socklen_t size = sizeof got;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	say("pair", S(getpeername, pair[0], &got, &size));
	say("size", size);
	say("not connected", S(getpeername, socket(AF_INET, SOCK_STREAM, 0), &got, &size));
	say("no socket", S(getpeername, 1, &got, &size));
	EACH_BAD_OUT("size", S(getpeername, pair[0], &got, P));
}

TEST(getsockopt01)
{
	int value;
	socklen_t size = sizeof value;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	say("type", S(getsockopt, fd, SOL_SOCKET, SO_TYPE, &value, &size));
	say("value", value);
	say("no socket", S(getsockopt, 1, SOL_SOCKET, SO_TYPE, &value, &size));
	say("no descriptor", S(getsockopt, -1, SOL_SOCKET, SO_TYPE, &value, &size));
	say("no descriptor, no room", S(getsockopt, -1, SOL_SOCKET, SO_TYPE, NULL, NULL));
	say("level", S(getsockopt, fd, 500, SO_TYPE, &value, &size));
	say("option", S(getsockopt, fd, SOL_SOCKET, 5000, &value, &size));
	say("udp option of tcp", S(getsockopt, fd, IPPROTO_UDP, 100, &value, &size));
	say("tcp option", S(getsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &value, &size));
	say("negative", (size = (socklen_t)-1, S(getsockopt, fd, SOL_SOCKET, SO_TYPE, &value, &size)));
	say("cut", (size = 2, S(getsockopt, fd, SOL_SOCKET, SO_TYPE, &value, &size)));
	say("size", size);
	EACH_BAD_OUT("value", (size = 4, S(getsockopt, fd, SOL_SOCKET, SO_TYPE, P, &size)));
	EACH_BAD_OUT("size", S(getsockopt, fd, SOL_SOCKET, SO_TYPE, &value, P));
}

/* What is asked to find out whether the other end speaks MPTCP too. */
TEST(getsockopt02)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct mptcp_subflow_data flows[2] = { { .size_subflow_data = sizeof flows[0] } };
	struct mptcp_info info = { .mptcpi_flags = 0 };
	socklen_t size = sizeof address;
	int server = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	int client = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);

	bind(server, (struct sockaddr *)&address, size);
	listen(server, 1);
	getsockname(server, (struct sockaddr *)&address, &size);
	say("connect", S(connect, client, &address, size));
	size = sizeof info;
	say("MPTCP_INFO", S(getsockopt, client, SOL_MPTCP, MPTCP_INFO, &info, &size));
	say("fell back", info.mptcpi_flags & MPTCP_INFO_FLAG_FALLBACK);
	size = sizeof flows;
	say("MPTCP_TCPINFO", S(getsockopt, client, SOL_MPTCP, MPTCP_TCPINFO, flows, &size));
	say("flows", flows[0].num_subflows);
	say("of TCP", S(getsockopt, socket(AF_INET, SOCK_STREAM, 0), SOL_MPTCP, MPTCP_INFO, &info, &size));
	EACH_BAD_OUT("info", (size = sizeof info, S(getsockopt, client, SOL_MPTCP, MPTCP_INFO, P, &size)));
}

TEST(setsockopt01)
{
	int value = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	say("reuse", S(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value));
	say("short", S(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &value, 2));
	say("negative", S(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &value, -1));
	say("level", S(setsockopt, fd, 500, SO_REUSEADDR, &value, sizeof value));
	say("option", S(setsockopt, fd, SOL_SOCKET, 5000, &value, sizeof value));
	say("no socket", S(setsockopt, 1, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value));
	say("no descriptor, no value", S(setsockopt, -1, SOL_SOCKET, SO_REUSEADDR, NULL, sizeof value));
	say("read only option", S(setsockopt, fd, SOL_SOCKET, SO_TYPE, &value, sizeof value));
	EACH_BAD_IN("value", S(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, P, 4));
	EACH_BAD_IN("tcp value", S(setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, P, 4));
}

TEST(sendto02)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	signal(SIGPIPE, SIG_IGN);
	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
	say("send", S(sendto, pair[0], "hello", 5, 0, NULL, 0));
	say("empty", S(sendto, pair[0], NULL, 0, 0, NULL, 0));
	say("no socket", S(sendto, 1, "x", 1, 0, NULL, 0));
	say("no descriptor, no buffer", S(sendto, -1, NULL, 1, 0, NULL, 0));
	say("too large", S(sendto, pair[0], room, 1ul << 30, 0, NULL, 0));
	say("not connected", S(sendto, socket(AF_INET, SOCK_STREAM, 0), "x", 1, 0, NULL, 0));
	say("no port", S(sendto, socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, &in, sizeof in));
	say("negative size", S(sendto, socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, &in, -1));
	say("out of band", S(sendto, pair[0], "x", 1, MSG_OOB, NULL, 0));
	EACH_BAD_IN("buf", S(sendto, pair[0], P, 10, 0, NULL, 0));
	EACH_BAD_IN("address", S(sendto, socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, P, 16));
}

TEST(recvfrom01)
{
	struct sockaddr_un from;
	socklen_t size = sizeof from;

	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
	say("nothing", S(recvfrom, pair[1], room, 10, 0, NULL, NULL));
	say("nothing, no room", S(recvfrom, pair[1], NULL, 10, 0, NULL, NULL));
	(void)!write(pair[0], "hello", 5);
	say("peek", S(recvfrom, pair[1], room, 10, MSG_PEEK, &from, &size));
	say("size", size);
	say("cut", S(recvfrom, pair[1], room, 2, MSG_TRUNC, NULL, NULL));
	say("no socket", S(recvfrom, 1, room, 2, 0, NULL, NULL));
	for (int i = 0; i < 30; i++) {
		(void)!write(pair[0], "hello", 5);
	}
	EACH_BAD_OUT("buf", S(recvfrom, pair[1], P, 10, MSG_PEEK, NULL, NULL));
	say("negative size", (size = (socklen_t)-1, S(recvfrom, pair[1], room, 10, MSG_PEEK, &from, &size)));
}

TEST(sendmsg01)
{
	struct iovec part = { "hello", 5 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union {
		struct cmsghdr header;
		char bytes[64];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };

	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
	say("send", S(sendmsg, pair[0], &message, 0));
	say("no socket", S(sendmsg, 1, &message, 0));
	say("no descriptor", S(sendmsg, -1, &message, 0));
	say("no descriptor, no message", S(sendmsg, -1, NULL, 0));
	say("too many parts", (message.msg_iovlen = 1025, S(sendmsg, pair[0], &message, 0)));
	message.msg_iovlen = 1;
	say("name size",
	    (message.msg_name = room, message.msg_namelen = (socklen_t)-1, S(sendmsg, pair[0], &message, 0)));
	message.msg_name = NULL;
	message.msg_namelen = 0;
	message.msg_control = &control;
	message.msg_controllen = CMSG_LEN(sizeof(int));
	say("rights", (memcpy(CMSG_DATA(&control.header), &(int){ 1 }, 4), S(sendmsg, pair[0], &message, 0)));
	say("closed rights",
	    (memcpy(CMSG_DATA(&control.header), &(int){ 99 }, 4), S(sendmsg, pair[0], &message, 0)));
	say("short control", (control.header.cmsg_len = 3, S(sendmsg, pair[0], &message, 0)));
	say("long control", (control.header.cmsg_len = 300, S(sendmsg, pair[0], &message, 0)));
	say("endless control", (control.header.cmsg_len = (size_t)-1, S(sendmsg, pair[0], &message, 0)));
	say("large control", (message.msg_controllen = 1 << 30, S(sendmsg, pair[0], &message, 0)));
	message.msg_controllen = 0;
	EACH_BAD_IN("message", S(sendmsg, pair[0], P, 0));
	EACH_BAD_IN("parts", (message.msg_iov = P, S(sendmsg, pair[0], &message, 0)));
	message.msg_iov = &part;
	EACH_BAD_IN("base", (part.iov_base = P, S(sendmsg, pair[0], &message, 0)));
	part.iov_base = room;
	EACH_BAD_IN("name", (message.msg_name = P, message.msg_namelen = 16, S(sendmsg, pair[0], &message, 0)));
	message.msg_name = NULL;
	EACH_BAD_IN("control",
		    (message.msg_control = P, message.msg_controllen = 20, S(sendmsg, pair[0], &message, 0)));
}

TEST(recvmsg01)
{
	struct iovec part = { room, 10 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_namelen = 7 };

	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
	say("nothing", S(recvmsg, pair[1], &message, 0));
	for (int i = 0; i < 100; i++) {
		(void)!write(pair[0], "hello", 5);
	}
	say("receive", S(recvmsg, pair[1], &message, 0));
	say("name", message.msg_namelen);
	say("flags", (part.iov_len = 2, S(recvmsg, pair[1], &message, 0), message.msg_flags));
	say("no socket", S(recvmsg, 1, &message, 0));
	say("no descriptor, no message", S(recvmsg, -1, NULL, 0));
	say("too many parts", (message.msg_iovlen = 1025, S(recvmsg, pair[1], &message, 0)));
	message.msg_iovlen = 1;
	say("negative name",
	    (message.msg_name = room, message.msg_namelen = (socklen_t)-1, S(recvmsg, pair[1], &message, 0)));
	message.msg_name = NULL;
	EACH_BAD_OUT("message", S(recvmsg, pair[1], P, MSG_PEEK));
	EACH_BAD_OUT("base", (part.iov_base = P, S(recvmsg, pair[1], &message, MSG_PEEK)));
	part.iov_base = room;
	EACH_BAD_OUT("name",
		     (message.msg_name = P, message.msg_namelen = 16, S(recvmsg, pair[1], &message, MSG_PEEK)));
	message.msg_name = NULL;
	EACH_BAD_OUT("control", (message.msg_control = P, message.msg_controllen = 20,
				 S(recvmsg, pair[1], &message, MSG_PEEK)));
	say("controllen", (long)message.msg_controllen);
}

TEST(sendmmsg02)
{
	struct iovec part = { "hello", 5 };
	struct mmsghdr messages[2] = { { { .msg_iov = &part, .msg_iovlen = 1 }, 0 },
				       { { .msg_iov = &part, .msg_iovlen = 1 }, 0 } };

	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
	say("two", S(sendmmsg, pair[0], messages, 2, 0));
	say("length", messages[1].msg_len);
	say("none", S(sendmmsg, pair[0], messages, 0, 0));
	say("no descriptor", S(sendmmsg, -1, messages, 2, 0));
	say("second bad", (messages[1].msg_hdr.msg_iov = (void *)hole, S(sendmmsg, pair[0], messages, 2, 0)));
	EACH_BAD_IN("messages", S(sendmmsg, pair[0], P, 2, 0));
}

TEST(recvmmsg01)
{
	struct iovec part = { room, 10 };
	struct mmsghdr messages[3] = { { { .msg_iov = &part, .msg_iovlen = 1 }, 0 },
				       { { .msg_iov = &part, .msg_iovlen = 1 }, 0 },
				       { { .msg_iov = &part, .msg_iovlen = 1 }, 0 } };
	struct timespec wrong = { -1, 0 };
	struct timespec soon = { 1, 0 };

	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
	say("nothing", S(recvmmsg, pair[1], messages, 3, 0, NULL));
	for (int i = 0; i < 50; i++) {
		(void)!write(pair[0], "hello", 5);
	}
	say("two", S(recvmmsg, pair[1], messages, 2, 0, &soon));
	say("time", S(recvmmsg, pair[1], messages, 2, 0, &wrong));
	say("no descriptor", S(recvmmsg, -1, messages, 2, 0, NULL));
	say("no descriptor, time", S(recvmmsg, -1, messages, 2, 0, &wrong));
	EACH_BAD_IN("messages", S(recvmmsg, pair[1], P, 1, MSG_PEEK, NULL));
	EACH_BAD_IN("timeout", S(recvmmsg, pair[1], messages, 1, MSG_PEEK, P != NULL ? P : hole));
}

static long ethtool(int fd, const char *interface, void *data)
{
	struct ifreq request = { .ifr_data = data };

	strcpy(request.ifr_name, interface);
	return S(ioctl, fd, SIOCETHTOOL, &request);
}

TEST(ioctl04)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int space = (int)S(ioctl, fd, SIOCGSKNS, 0);
	struct ifreq request = { .ifr_name = "lo" };

	say_done("namespace", space);
	say("which", S(ioctl, space, 0xb703 /* NS_GET_NSTYPE */));
	say("of a file", S(ioctl, make_file("f", 1), SIOCGSKNS, 0));
	say("registers", S(ioctl, fd, SIOCGMIIPHY, &request));
	say("no such bridge", S(ioctl, fd, SIOCBRDELBR, "no-bridge"));
	EACH_BAD_IN("bridge", S(ioctl, fd, SIOCBRDELBR, P));
	say("no port", S(ioctl, fd, SIOCBRDELIF, &request));
	EACH_BAD_IN("port", S(ioctl, fd, SIOCBRDELIF, P));
}

TEST(ioctl06)
{
	int mounts = open("/proc/self/ns/mnt", O_RDONLY);
	int pids = open("/proc/self/ns/pid", O_RDONLY);
	uint64_t info[8] = { 0 };

	say("mounts", S(ioctl, mounts, _IOC(_IOC_READ, 0xb7, 5, 8), info));
	say("a number", info[0] != 0);
	EACH_BAD_OUT("mounts", S(ioctl, mounts, _IOC(_IOC_READ, 0xb7, 5, 8), P));
	say("about", S(ioctl, mounts, _IOC(_IOC_READ, 0xb7, 10, 16), info));
	EACH_BAD_OUT("about", S(ioctl, mounts, _IOC(_IOC_READ, 0xb7, 10, 16), P));
	say("same process", S(ioctl, pids, _IOC(_IOC_READ, 0xb7, 9, 4), getpid()) == getpid());
	say("nobody", S(ioctl, pids, _IOC(_IOC_READ, 0xb7, 9, 4), 0x3fffff));
	say_done("id", S(ioctl, pids, _IOC(_IOC_READ, 0xb7, 13, 8), info));
	say("unknown", S(ioctl, pids, _IOC(_IOC_READ, 0xb7, 99, 8), info));
}

TEST(ioctl05)
{
	int fd = (int)S(pidfd_open, getpid(), 0);
	uint64_t info[16] = { 1 };

	for (unsigned long number = 1; number < 11; number++) {
		say_done("namespace", S(ioctl, fd, 0xff00 | number, 0));
		say_done("with an argument", S(ioctl, fd, 0xff00 | number, 1));
	}
	say("process", S(ioctl, fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 64), info));
	say("number", (uint32_t)(info[2]) == (uint32_t)getpid() || (uint32_t)(info[2] >> 32) == (uint32_t)getpid());
	say("short", S(ioctl, fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 8), info));
	say("unknown", S(ioctl, fd, 0xff0c, 0));
	EACH_BAD_OUT("process", S(ioctl, fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 64), P));
}

TEST(ioctl03)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ethtool_ts_info stamps = { .cmd = ETHTOOL_GET_TS_INFO };
	struct ethtool_value value = { .cmd = ETHTOOL_GLINK };
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	uint32_t unknown = 0x7777;

	say("time stamps", ethtool(fd, "lo", &stamps));
	say("of software", stamps.so_timestamping);
	say("clock", stamps.phc_index);
	say("link", ethtool(fd, "lo", &value));
	say("driver", ethtool(fd, "lo", &driver));
	say("unknown", ethtool(fd, "lo", &unknown));
	say("no interface", ethtool(fd, "missing", &value));
	say("no interface, unknown", ethtool(fd, "missing", &unknown));
	say("no socket", ethtool(make_file("f", 1), "lo", &value));
	say("no descriptor", ethtool(-1, "lo", &value));
	EACH_BAD_IN("request", S(ioctl, fd, SIOCETHTOOL, P));
	EACH_BAD_OUT("data", ethtool(fd, "lo", P));
}
