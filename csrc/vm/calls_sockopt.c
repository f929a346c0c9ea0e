/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Socket options.  Some hold pointers or descriptors: an option's level has to be one whose options are known,
 * and the options with pointers are checked in a copy or refused.
 */
#include "hypercall.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>

kr_handler kr_call_getsockopt;
kr_handler kr_call_setsockopt;

/* The levels whose headers do not go together with the C library's. */
#define LEVEL_TCP     6
#define LEVEL_UDP     17
#define LEVEL_ICMPV6  58
#define LEVEL_UDPLITE 136
#define LEVEL_RAW     255
#define LEVEL_PACKET  263
#define LEVEL_NETLINK 270
#define LEVEL_ALG     279
#define LEVEL_TLS     282
#define LEVEL_MPTCP   284
#define LEVEL_VSOCK   287

#define TCP_ZEROCOPY_RECEIVE 35 /* maps pages at an address, and copies to another */
#define PACKET_FANOUT_DATA   22 /* a program, or a descriptor */
#define MPTCP_FULL_INFO      4  /* says where two arrays are to go */

/* The options of a level hold no pointers, but for those that `has_pointers` knows. */
static bool is_known_level(int level)
{
	switch (level) {
	case SOL_SOCKET:
	case IPPROTO_IP:
	case IPPROTO_IPV6:
	case LEVEL_TCP:
	case LEVEL_UDP:
	case LEVEL_ICMPV6:
	case LEVEL_UDPLITE:
	case LEVEL_RAW:
	case LEVEL_PACKET:
	case LEVEL_NETLINK:
	case LEVEL_ALG:
	case LEVEL_TLS:
	case LEVEL_MPTCP:
	case LEVEL_VSOCK:
		return true;
	default:
		return false;
	}
}

static bool has_pointers(int level, int option)
{
	switch (level) {
	case IPPROTO_IP:
		/* The tables of iptables, arptables and ebtables, which have been netlink's business since
		 * nftables. */
		return (option >= 64 && option <= 67) || (option >= 96 && option <= 99) ||
		       (option >= 128 && option <= 131);
	case IPPROTO_IPV6:
		return option == 64 || option == 65 || option == 68 || option == 69;
	case LEVEL_TCP:
		return option == TCP_ZEROCOPY_RECEIVE;
	case LEVEL_PACKET:
		return option == PACKET_FANOUT_DATA;
	case LEVEL_MPTCP:
		return option == MPTCP_FULL_INFO;
	default:
		return false;
	}
}

static int64_t get_option(struct kr_thread *thread, const struct kr_call *call, uint64_t value, uint64_t size)
{
	return kr_host_call(thread, SYS_getsockopt,
			    (const uint64_t[6]){ call->arg[0], call->arg[1], call->arg[2], value, size, 0 });
}

/* What the kernel says of an option that is not served, without any memory to write to. */
static int64_t refuse(struct kr_thread *thread, const struct kr_call *call)
{
	int64_t result = get_option(thread, call, 0, 0);

	return result == -EFAULT || result >= 0 ? -ENOPROTOOPT : result;
}

int64_t kr_call_getsockopt(struct kr_thread *thread, const struct kr_call *call)
{
	int level = (int)(uint32_t)call->arg[1];
	int option = (int)(uint32_t)call->arg[2];
	uint64_t value = call->arg[3];
	uint64_t bytes;
	int32_t size;
	int64_t result;

	if (!is_known_level(level) || has_pointers(level, option)) {
		return refuse(thread, call);
	}
	if (kr_copy_from_guest(&size, call->arg[4], sizeof size) < 0) {
		return get_option(thread, call, 0, kr_stand_in(call->arg[4], sizeof size));
	}
	/* SO_GET_FILTER counts instructions, not bytes; of a negative size the kernel reads nothing. */
	bytes = (uint64_t)(uint32_t)size *
		(level == SOL_SOCKET && option == SO_GET_FILTER ? sizeof(struct sock_filter) : 1);
	if (!kr_guest_has(value, bytes)) {
		value = kr_stand_in(value, bytes);
	}
	result = get_option(thread, call, value, (uint64_t)(uintptr_t)&size);
	if (result == 0 && kr_copy_to_guest(call->arg[4], &size, sizeof size) < 0) {
		return -EFAULT;
	}
	return result;
}

/* SO_ATTACH_FILTER: a structure with a pointer to the program. */
static int64_t attach_filter(struct kr_thread *thread, const struct kr_call *call)
{
	struct sock_fprog program;

	if ((uint32_t)call->arg[4] != sizeof program) {
		return -EINVAL;
	}
	if (kr_copy_from_guest(&program, call->arg[3], sizeof program) < 0) {
		return -EFAULT;
	}
	if (!kr_guest_has((uint64_t)(uintptr_t)program.filter, program.len * sizeof *program.filter)) {
		program.filter = (struct sock_filter *)(uintptr_t)kr_stand_in((uint64_t)(uintptr_t)program.filter,
									      program.len * sizeof *program.filter);
	}
	return kr_host_call(thread, SYS_setsockopt,
			    (const uint64_t[6]){ call->arg[0], call->arg[1], call->arg[2],
						 (uint64_t)(uintptr_t)&program, sizeof program, 0 });
}

int64_t kr_call_setsockopt(struct kr_thread *thread, const struct kr_call *call)
{
	int level = (int)(uint32_t)call->arg[1];
	int option = (int)(uint32_t)call->arg[2];

	if (!is_known_level(level) || has_pointers(level, option)) {
		int64_t result = get_option(thread, call, 0, 0);

		return result == -EBADF || result == -ENOTSOCK ? result : -ENOPROTOOPT;
	}
	if (level == SOL_SOCKET && (option == SO_ATTACH_FILTER || option == SO_ATTACH_REUSEPORT_CBPF)) {
		return attach_filter(thread, call);
	}
	if (level == SOL_SOCKET && (option == SO_ATTACH_BPF || option == SO_ATTACH_REUSEPORT_EBPF)) {
		/* Takes a descriptor of bpf(2), which no guest has. */
		return -EPERM;
	}
	return kr_host_call(thread, SYS_setsockopt, call->arg);
}
