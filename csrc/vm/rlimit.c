/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rlimit.h"

#include "../base/kernel.h"

#include "layout.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* What the kernel counts of a stack that a program has hardly used yet; it grows when it is touched. */
#define STACK_COUNTED (132ull << 10)

bool kr_limits_keep(int resource)
{
	return resource == RLIMIT_AS || resource == RLIMIT_DATA || resource == RLIMIT_STACK ||
	       resource == RLIMIT_NOFILE || resource == RLIMIT_NPROC || resource == RLIMIT_CORE;
}

static int set_host(int resource, uint64_t soft, uint64_t hard)
{
	const struct rlimit limit = { .rlim_cur = soft, .rlim_max = hard };

	return kr_sys_prlimit(resource, &limit, NULL) == 0 ? 0 : -errno;
}

/* The soft limit alone; never above the hard one. */
static void set_host_soft(int resource, uint64_t soft)
{
	struct rlimit limit;

	if (kr_sys_prlimit(resource, NULL, &limit) != 0) {
		return;
	}
	soft = soft < limit.rlim_max ? soft : limit.rlim_max;
	if (soft != limit.rlim_cur) {
		(void)set_host(resource, soft, limit.rlim_max);
	}
}

void kr_limits_lift(struct kr_machine *machine)
{
	(void)machine;
	set_host_soft(RLIMIT_NOFILE, RLIM_INFINITY);
	set_host_soft(RLIMIT_NPROC, RLIM_INFINITY);
}

void kr_limits_restore(struct kr_machine *machine)
{
	const struct kr_limits *limits = &machine->limits;
	uint64_t tasks = limits->kept[RLIMIT_NPROC].soft;

	if (!limits->is_settled) {
		return;
	}
	/* A fork is to find room for all the tasks of one more machine. */
	if (tasks > 0 && tasks <= RLIM_INFINITY / limits->tasks) {
		tasks = tasks * limits->tasks - (limits->tasks - 1);
	}
	set_host_soft(RLIMIT_NOFILE, limits->kept[RLIMIT_NOFILE].soft);
	set_host_soft(RLIMIT_NPROC, tasks);
}

static int read_record(struct kr_bytes record, size_t index, uint32_t *resource, struct kr_limit *limit)
{
	struct kr_reader r = kr_reader(record.data + index * KR_LIMIT_BYTES, KR_LIMIT_BYTES);

	*resource = kr_read_u32(&r);
	limit->soft = kr_read_u64(&r);
	limit->hard = kr_read_u64(&r);
	return *resource < KR_LIMITS ? 0 : -EPROTO;
}

int kr_limits_begin(struct kr_machine *machine, struct kr_bytes record, struct kr_err *err)
{
	struct kr_limits *limits = &machine->limits;

	*limits = (struct kr_limits){ .tasks = 1 };
	for (int resource = 0; resource < (int)KR_LIMITS; resource++) {
		struct rlimit host;

		if (!kr_limits_keep(resource)) {
			continue;
		}
		if (kr_sys_prlimit(resource, NULL, &host) != 0) {
			return kr_fail(err, errno, "read resource limit %d", resource);
		}
		limits->kept[resource] = (struct kr_limit){ .soft = host.rlim_cur, .hard = host.rlim_max };
	}
	if (record.size % KR_LIMIT_BYTES != 0) {
		return kr_fail(err, EPROTO, "the boot record's limits have %u bytes", record.size);
	}
	for (size_t i = 0; i < record.size / KR_LIMIT_BYTES; i++) {
		uint32_t resource;
		struct kr_limit limit;

		if (read_record(record, i, &resource, &limit) < 0) {
			return kr_fail(err, EPROTO, "the boot record has a limit of resource %u", resource);
		}
		limits->kept[resource] = limit;
	}
	/* A core would be of the monitor. */
	set_host_soft(RLIMIT_CORE, 0);
	kr_limits_lift(machine);
	return 0;
}

/* KVM may keep a task of its own for each machine (kvm-nx-lpage-recovery), made with the first run of a processor,
 * and the kernel counts it as the user's.  A procfs directory has two links besides one for each task. */
static uint32_t count_tasks(const struct kr_machine *machine)
{
	struct stat status;
	int failed = machine->proc >= 0 ? fstatat(machine->proc, "self/task", &status, 0)
					: stat("/proc/self/task", &status);

	return failed == 0 && status.st_nlink > 3 ? (uint32_t)status.st_nlink - 2 : 1;
}

int kr_limits_settle(struct kr_machine *machine, struct kr_bytes record, struct kr_err *err)
{
	struct kr_limits *limits = &machine->limits;

	if (limits->kept[RLIMIT_NPROC].soft != RLIM_INFINITY) {
		limits->tasks = count_tasks(machine);
	}
	for (size_t i = 0; i < record.size / KR_LIMIT_BYTES; i++) {
		uint32_t resource;
		struct kr_limit limit;
		int result;

		if (read_record(record, i, &resource, &limit) < 0 || kr_limits_keep((int)resource)) {
			continue;
		}
		result = set_host((int)resource, limit.soft, limit.hard);
		if (result < 0) {
			return kr_fail(err, -result, "set resource limit %u", resource);
		}
	}
	limits->is_settled = true;
	kr_limits_restore(machine);
	return 0;
}

/* How much of the address space is in use. */
static void add_up(const struct kr_arena *arena, uint64_t *all, uint64_t *data)
{
	*all = STACK_COUNTED;
	*data = 0;
	for (size_t i = 0; i < arena->count; i++) {
		const struct kr_region *region = &arena->regions[i];
		uint64_t size = region->end - region->start;

		if (region->start >= arena->stack_start && region->end <= arena->stack_end) {
			continue;
		}
		*all += size;
		*data += kr_region_is_data(region) ? size : 0;
	}
}

bool kr_limits_allow(const struct kr_machine *machine, uint64_t all, uint64_t data)
{
	uint64_t space = machine->limits.kept[RLIMIT_AS].soft;
	uint64_t heap = machine->limits.kept[RLIMIT_DATA].soft;
	uint64_t used;
	uint64_t used_data;

	if (heap == 0) {
		heap = machine->limits.kept[RLIMIT_DATA].hard; /* as in the kernel, for the sake of valgrind */
	}
	if ((all == 0 && data == 0) || (space == RLIM_INFINITY && heap == RLIM_INFINITY)) {
		return true;
	}
	add_up(&machine->arena, &used, &used_data);
	if (all > 0 && (used > space || all > space - used)) {
		return false;
	}
	return data == 0 || (used_data <= heap && data <= heap - used_data);
}

static const int recorded[] = { RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_CORE };

size_t kr_limits_record_size(void)
{
	return sizeof recorded / sizeof recorded[0] * KR_LIMIT_BYTES;
}

void kr_limits_record(const struct kr_machine *machine, uint8_t *bytes)
{
	for (size_t i = 0; i < sizeof recorded / sizeof recorded[0]; i++) {
		const struct kr_limit *limit = &machine->limits.kept[recorded[i]];
		uint32_t resource = (uint32_t)recorded[i];

		memcpy(bytes, &resource, sizeof resource);
		memcpy(bytes + 4, &limit->soft, sizeof limit->soft);
		memcpy(bytes + 12, &limit->hard, sizeof limit->hard);
		bytes += KR_LIMIT_BYTES;
	}
}
