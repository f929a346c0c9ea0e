/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How the kernel treats the process among the others: scheduling, priorities, CPUs, memory nodes, and the
 * execution domain.  All of it is inherited by fork, as far as its owner wants that, and kept by exec: so it is
 * the payload's, and in a VM the monitor's with all its threads.
 */
#include "ops.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct sched_attr of the kernel, whose header collides with libc's <sched.h>. */
struct scheduling {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns;
	uint64_t deadline_ns;
	uint64_t period_ns;
	uint32_t util_min;
	uint32_t util_max;
};

/* sched_setattr(2), by their numbers. */
static const char *const policy_names[] = { "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR",      "SCHED_BATCH",
					    "SCHED_ISO",   "SCHED_IDLE", "SCHED_DEADLINE" };

int kr_op_SCHEDULER(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	struct scheduling wanted = { .size = sizeof wanted };

	(void)stage;
	wanted.policy = (uint32_t)kr_read_u64(operands);
	wanted.flags = kr_read_u64(operands);
	wanted.nice = (int32_t)kr_read_u64(operands);
	wanted.priority = (uint32_t)kr_read_u64(operands);
	wanted.runtime_ns = kr_read_u64(operands);
	wanted.deadline_ns = kr_read_u64(operands);
	wanted.period_ns = kr_read_u64(operands);
	if (wanted.policy >= sizeof policy_names / sizeof policy_names[0]) {
		return kr_fail(err, EINVAL, "there is no scheduling policy %u", wanted.policy);
	}
	if (syscall(SYS_sched_setattr, 0, &wanted, 0) != 0) {
		return kr_fail(err, errno, "set the scheduling policy %s", policy_names[wanted.policy]);
	}
	return 0;
}

int kr_op_IO_PRIORITY(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t kind = kr_read_u64(operands);
	uint64_t level = kr_read_u64(operands);

	(void)stage;
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, kind << IOPRIO_CLASS_SHIFT | level) != 0) {
		return kr_fail(err, errno, "set the I/O priority to class %u level %u", (unsigned)kind,
			       (unsigned)level);
	}
	return 0;
}

int kr_op_CPU_AFFINITY(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	struct kr_bytes cpus = kr_read_bytes(operands);

	(void)stage;
	/* The bare call: the kernel takes a mask of any size from any address. */
	if (syscall(SYS_sched_setaffinity, 0, cpus.size, cpus.data) != 0) {
		return kr_fail(err, errno, "set the CPU affinity");
	}
	return 0;
}

int kr_op_MEMORY_POLICY(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t mode = kr_read_u64(operands);
	struct kr_bytes nodes = kr_read_bytes(operands);
	/* The kernel counts one more than there are bits. */
	unsigned long bits = nodes.size > 0 ? nodes.size * 8ul + 1 : 0;

	(void)stage;
	if (syscall(SYS_set_mempolicy, mode, nodes.size > 0 ? nodes.data : NULL, bits) != 0) {
		return kr_fail(err, errno, "set the memory policy %#llx", (unsigned long long)mode);
	}
	return 0;
}

int kr_op_PERSONALITY(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	uint64_t persona = kr_read_u64(operands);

	(void)stage;
	if (personality((unsigned long)persona) < 0) {
		return kr_fail(err, errno, "set the personality %#llx", (unsigned long long)persona);
	}
	return 0;
}
