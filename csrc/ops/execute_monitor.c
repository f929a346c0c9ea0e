/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * EXECUTE_MONITOR: krun-init becomes the monitor.  specs/monitor.md is the contract of the boot record.
 * Nothing that the image sets is an argument or an environment variable of the monitor.
 */
#include "../base/fd.h"
#include "../base/hidden.h"
#include "../base/kernel.h"
#include "barrier.h"
#include "monitor.h"
#include "ops.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <kr/notify.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define BOOT_MAGIC   "KRBT"
#define BOOT_VERSION 2u
#define FLAG_BARRIER 1u

enum { SYNC, BARRIER, UNUSED, PROC, KVM, IMAGE, DESCRIPTORS };

/* x86-64 only, and so little-endian: the fields are as the record wants them. */
struct __attribute__((packed)) boot_header {
	char magic[4];
	uint32_t version;
	uint32_t size;
	uint32_t flags;
	int32_t fd[DESCRIPTORS];
};

struct __attribute__((packed)) boot_limit {
	uint32_t resource;
	uint64_t soft;
	uint64_t hard;
};

struct boot {
	struct boot_header header;
	const char *program;
	struct kr_strings args;
	struct kr_strings env;
	const char *last; /* one more entry of the environment, behind the list; "" for none */
	struct kr_bytes filter;
	bool has_listener;
	uint32_t limits_size;
	struct boot_limit limit[KR_STAGE_LIMITS];
};

/* Write the record.  Lists stand in the program as they stand in the record: they are passed on as they are. */
static int write_boot(int fd, struct boot *boot, struct kr_err *err)
{
	uint32_t program_size = (uint32_t)strlen(boot->program);
	uint32_t last_size = (uint32_t)strlen(boot->last);
	uint32_t env_count = boot->env.count + (last_size > 0 ? 1 : 0);
	struct sock_filter head = { .code = KR_FILTER_HEAD,
				    .jt = KR_FILTER_LISTENER,
				    .k = (uint32_t)(boot->filter.size / sizeof head) };
	uint32_t head_size = boot->has_listener && boot->filter.size > 0 ? sizeof head : 0;
	uint32_t filter_size = head_size + boot->filter.size;
	struct iovec parts[] = {
		{ &boot->header, sizeof boot->header },
		{ &program_size, sizeof program_size },
		{ (void *)(uintptr_t)boot->program, (size_t)program_size + 1 },
		{ &boot->args.count, sizeof boot->args.count },
		{ (void *)(uintptr_t)boot->args.at, (size_t)(boot->args.end - boot->args.at) },
		{ &env_count, sizeof env_count },
		{ (void *)(uintptr_t)boot->env.at, (size_t)(boot->env.end - boot->env.at) },
		{ &last_size, last_size > 0 ? sizeof last_size : 0 },
		{ (void *)(uintptr_t)boot->last, last_size > 0 ? (size_t)last_size + 1 : 0 },
		{ &filter_size, sizeof filter_size },
		{ &head, head_size },
		{ (void *)(uintptr_t)boot->filter.data, boot->filter.size },
		{ &boot->limits_size, sizeof boot->limits_size },
		{ boot->limit, boot->limits_size },
	};
	size_t size = 0;

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		size += parts[i].iov_len;
	}
	boot->header.size = (uint32_t)size;
	if (writev(fd, parts, (int)(sizeof parts / sizeof parts[0])) != (ssize_t)size) {
		return kr_fail(err, errno, "write the monitor's boot record");
	}
	if (lseek(fd, 0, SEEK_SET) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
		return kr_fail(err, errno, "seal the monitor's boot record");
	}
	return 0;
}

/* The monitor applies the limits when its own things stand. */
static void note_limits(const struct kr_stage *stage, struct boot *boot)
{
	size_t count = 0;

	for (uint32_t resource = 0; resource < KR_STAGE_LIMITS; resource++) {
		const struct kr_stage_limit *limit = &stage->limit[resource];

		if (limit->is_set) {
			boot->limit[count++] = (struct boot_limit){ resource, limit->soft, limit->hard };
		}
	}
	boot->limits_size = (uint32_t)(count * sizeof boot->limit[0]);
}

/* Let the descriptors of the record survive the exec. */
static int hand_over(const struct boot *boot, int record, struct kr_err *err)
{
	for (int i = 0; i < DESCRIPTORS; i++) {
		if (boot->header.fd[i] >= 0 && fcntl(boot->header.fd[i], F_SETFD, 0) != 0) {
			return kr_fail(err, errno, "hand descriptor %d to the monitor", boot->header.fd[i]);
		}
	}
	if (fcntl(record, F_SETFD, 0) != 0) {
		return kr_fail(err, errno, "hand the boot record to the monitor");
	}
	return 0;
}

int kr_monitor_execute(struct kr_stage *stage, int record, struct kr_err *err)
{
	struct sigaction disposition = { .sa_handler = SIG_DFL };
	char number[16];
	char name[] = "krun-vm";
	char option[] = "--boot";
	char *const args[] = { name, option, number, NULL };
	char *const no_environment[] = { NULL };
	int code;

	(void)snprintf(number, sizeof number, "%d", record);
	(void)sigaction(SIGPIPE, &disposition, NULL);
	(void)kr_sys_execveat(stage->fd[KR_FD_MONITOR], "", args, no_environment, AT_EMPTY_PATH);
	code = errno;
	disposition.sa_handler = SIG_IGN; /* the barrier's reader may be gone, as in EXECUTE */
	(void)sigaction(SIGPIPE, &disposition, NULL);
	return kr_fail(err, code, "execute the monitor");
}

int kr_monitor_record(struct kr_stage *stage, const struct kr_monitored *monitored, struct kr_err *err)
{
	struct boot boot = {
		.header = { .magic = BOOT_MAGIC, .version = BOOT_VERSION, .fd = { -1, -1, -1, -1, -1, -1 } },
		.program = monitored->program,
		.args = monitored->args,
		.env = monitored->env,
		.last = monitored->is_payload ? stage->listen_pid : "",
		.filter = monitored->filter,
		.has_listener = stage->has_listener,
	};
	const int barrier[] = { stage->fd[KR_FD_FIFO], stage->fd[KR_FD_STARTED] };
	kr_own_fd int hidden = -1;
	kr_own_fd int record = -1;

	if (kr_proc(stage, err) < 0) {
		return -1;
	}
	if (monitored->has_barrier) {
		/* An exec makes a process one whose descriptors others may look at. */
		hidden = kr_hide_pair(barrier, err);
		if (hidden < 0) {
			return -1;
		}
		boot.header.flags = FLAG_BARRIER;
		boot.header.fd[SYNC] = stage->fd[KR_FD_SYNC];
		boot.header.fd[BARRIER] = hidden;
	}
	if (monitored->is_payload) {
		note_limits(stage, &boot);
	}
	boot.header.fd[PROC] = stage->monitors_proc >= 0 ? stage->monitors_proc : stage->proc;
	boot.header.fd[KVM] = stage->fd[KR_FD_KVM];
	boot.header.fd[IMAGE] = stage->fd[KR_FD_MONITOR];
	record = memfd_create("boot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (record < 0) {
		return kr_fail(err, errno, "make the monitor's boot record");
	}
	if (write_boot(record, &boot, err) != 0 || hand_over(&boot, record, err) != 0) {
		return -1;
	}
	(void)kr_steal_fd(&hidden); /* the next image's */
	return kr_steal_fd(&record);
}

int kr_op_EXECUTE_MONITOR(struct kr_stage *stage, struct kr_reader *operands, struct kr_err *err)
{
	struct kr_monitored monitored = { .program = stage->path, .is_payload = true };
	kr_own_fd int record = -1;

	monitored.args = kr_read_strings(operands);
	monitored.env = kr_read_strings(operands);
	monitored.filter = kr_read_bytes(operands);
	monitored.has_barrier = kr_read_u64(operands) != 0;
	record = kr_monitor_record(stage, &monitored, err);
	if (record < 0 || kr_barrier_release(stage, err) != 0) {
		return -1;
	}
	return kr_monitor_execute(stage, record, err);
}
