/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kr_bpf.h"

#include "base/fd.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

/* glibc has no wrapper.  The kernel wants what a command does not use to be zero. */
static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof *attr);

	return result < 0 ? -errno : (int)result;
}

int kr_bpf_load_device(const void *code, size_t size)
{
	/* The program calls no helper of the kernel's, so its licence does not matter to the verifier. */
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uintptr_t)code,
		.insn_cnt = (uint32_t)(size / sizeof(struct bpf_insn)),
		.license = (uintptr_t) "GPL",
		.prog_name = "krun_devices",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

int kr_bpf_attach_device(int cgroup, int program)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)cgroup,
		.attach_bpf_fd = (uint32_t)program,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	return bpf(BPF_PROG_ATTACH, &attr);
}

int kr_bpf_query_device(int cgroup, uint32_t *ids, uint32_t room)
{
	union bpf_attr attr = {
		.query.target_fd = (uint32_t)cgroup,
		.query.attach_type = BPF_CGROUP_DEVICE,
		.query.prog_ids = (uintptr_t)ids,
		.query.prog_cnt = room,
	};
	int result = bpf(BPF_PROG_QUERY, &attr);

	return result < 0 ? result : (int)attr.query.prog_cnt;
}

int kr_bpf_detach_device(int cgroup, uint32_t id)
{
	union bpf_attr by_id = { .prog_id = id };
	kr_own_fd int program = bpf(BPF_PROG_GET_FD_BY_ID, &by_id);
	union bpf_attr attr = {
		.target_fd = (uint32_t)cgroup,
		.attach_bpf_fd = (uint32_t)program,
		.attach_type = BPF_CGROUP_DEVICE,
	};

	return program < 0 ? program : bpf(BPF_PROG_DETACH, &attr);
}
