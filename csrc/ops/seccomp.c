/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Seccomp: the filter comes compiled.
 */
#include "ops.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

int kr_op_SECCOMP(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t flags = kr_read_u64(operands);
	struct kr_bytes filter = kr_read_bytes(operands);
	size_t count = filter.size / sizeof(struct sock_filter);
	struct sock_fprog program = {
		.len = (unsigned short)count,
		.filter = (void *)(uintptr_t)filter.data, /* the kernel copies it from any address */
	};

	(void)stage;
	if (filter.size % sizeof(struct sock_filter) != 0 || count == 0 || count > BPF_MAXINSNS) {
		return kr_fail(err, EINVAL, "load the seccomp filter: %u bytes are no filter", filter.size);
	}
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) != 0) {
		return kr_fail(err, errno, "load the seccomp filter");
	}
	return 0;
}
