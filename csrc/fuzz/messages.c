/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fuzzes the calls whose argument is a message header: what reaches the kernel is a copy whose pointers are the
 * guest's, copies themselves, or nobody's, and which hands none of the monitor's descriptors over.  Input: a byte
 * that chooses the call, one for its flags, the offset of its header in the arena, then the arena's first bytes.
 */
#include "tests/check.h"
#include "tests/guest_double.h"
#include "vm/hypercall.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

kr_handler kr_call_sendmsg;
kr_handler kr_call_recvmsg;
kr_handler kr_call_sendmmsg;
kr_handler kr_call_recvmmsg;

/* The longest name that the kernel takes, and the most that it transfers. */
#define LONGEST_NAME 128u
#define MOST_MOVED   0x80000000ull

static bool is_nobodys(uint64_t address, uint64_t size)
{
	return address > INT64_MAX || (address <= 0x10000 && size <= 0x10000 - address);
}

static bool is_good(const void *pointer, uint64_t size)
{
	uint64_t address = (uint64_t)(uintptr_t)pointer;

	return address == 0 || kr_guest_has(address, size) || is_nobodys(address, size);
}

static void judge_parts(const struct msghdr *header)
{
	if (header->msg_iovlen == 0 || header->msg_iovlen > IOV_MAX ||
	    is_nobodys((uint64_t)(uintptr_t)header->msg_iov, 16)) {
		return;
	}
	/* The vector is a copy: the kernel reads no vector that the guest can change. */
	CHECK(!kr_guest_has((uint64_t)(uintptr_t)header->msg_iov, 1));
	for (size_t i = 0; i < header->msg_iovlen; i++) {
		const struct iovec *part = &header->msg_iov[i];

		CHECK(part->iov_len > INT64_MAX || is_good(part->iov_base, part->iov_len) ||
		      (is_nobodys((uint64_t)(uintptr_t)part->iov_base, 1) && part->iov_len <= MOST_MOVED));
	}
}

static void judge_rights(struct msghdr *header)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL; part = CMSG_NXTHDR(header, part)) {
		if (part->cmsg_len < sizeof *part) {
			return;
		}
		for (size_t at = 0; part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
				    at + sizeof(int) <= part->cmsg_len - CMSG_LEN(0);
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + at, sizeof fd);
			CHECK(!kr_is_monitor_fd(fd));
		}
	}
}

static void judge(int64_t nr, const uint64_t arg[6])
{
	struct msghdr header;

	CHECK(nr == SYS_sendmsg || nr == SYS_recvmsg);
	if (is_nobodys(arg[1], sizeof header)) {
		return;
	}
	CHECK(!kr_guest_has(arg[1], 1));
	memcpy(&header, (const void *)(uintptr_t)arg[1], sizeof header);
	CHECK(is_good(header.msg_name, header.msg_namelen < LONGEST_NAME ? header.msg_namelen : LONGEST_NAME));
	judge_parts(&header);
	if (nr == SYS_recvmsg) {
		CHECK(is_good(header.msg_control, header.msg_controllen));
	} else if (header.msg_control != NULL &&
		   !is_nobodys((uint64_t)(uintptr_t)header.msg_control, header.msg_controllen)) {
		CHECK(!kr_guest_has((uint64_t)(uintptr_t)header.msg_control, 1));
		judge_rights(&header);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	double_map_arena();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static kr_handler *const handlers[] = { kr_call_sendmsg, kr_call_recvmsg, kr_call_sendmmsg,
						kr_call_recvmmsg };
	struct kr_thread thread = { .host_result = 1, .on_host_call = judge };
	struct kr_call call = { .arg = { 3, DOUBLE_ARENA, 0, 0, 0, 0 } };
	uint16_t offset;

	if (size < 4) {
		return 0;
	}
	memcpy(&offset, data + 2, sizeof offset);
	size = size - 4 < DOUBLE_ARENA_BYTES ? size - 4 : DOUBLE_ARENA_BYTES;
	memcpy((void *)(uintptr_t)DOUBLE_ARENA, data + 4, size);
	call.arg[1] += offset % (2 * DOUBLE_ARENA_BYTES);
	call.arg[2] = data[1];
	thread.is_only = (data[0] & 4) != 0;
	(void)handlers[data[0] % 4](&thread, &call);
	return 0;
}
