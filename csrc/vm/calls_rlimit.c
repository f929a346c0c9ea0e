/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * getrlimit, setrlimit and prlimit64.  What the monitor keeps (rlimit.h) is answered and changed here; anything
 * else is the host's kernel's.
 */
#include "../base/kernel.h"
#include "hypercall.h"
#include "rlimit.h"
#include "machine.h"
#include "stack.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

kr_handler kr_call_getrlimit;
kr_handler kr_call_setrlimit;
kr_handler kr_call_prlimit64;

#define FIRST_USERS 0xeffffffdu /* USER_NS_INIT_INO of newer headers */

/* The kernel asks for CAP_SYS_RESOURCE in the first user namespace, whose inode has the same number on each.  By
 * its name, because another thread could put a file of its own at the number of a descriptor. */
static bool may_raise(const struct kr_machine *machine)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];
	struct stat users;

	if (fstatat(machine->proc, machine->proc >= 0 ? "self/ns/user" : "/proc/self/ns/user", &users, 0) != 0 ||
	    users.st_ino != FIRST_USERS) {
		return false;
	}
	return syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective >> CAP_SYS_RESOURCE & 1) != 0;
}

/* The host's hard limit has to be as high at least; fs.nr_open has its say there. */
static int raise_host(int resource, uint64_t hard)
{
	struct rlimit host;

	if (kr_sys_prlimit(resource, NULL, &host) != 0) {
		return -errno;
	}
	if (hard <= host.rlim_max) {
		return 0;
	}
	host.rlim_max = hard;
	return kr_sys_prlimit(resource, &host, NULL) == 0 ? 0 : -errno;
}

static int change(struct kr_machine *machine, int resource, const struct rlimit *wanted)
{
	struct kr_limit *limit = &machine->limits.kept[resource];
	int result = 0;

	if (wanted->rlim_cur > wanted->rlim_max) {
		return -EINVAL;
	}
	if (wanted->rlim_max > limit->hard) {
		result = may_raise(machine) ? raise_host(resource, wanted->rlim_max) : -EPERM;
	}
	if (result == 0) {
		*limit = (struct kr_limit){ .soft = wanted->rlim_cur, .hard = wanted->rlim_max };
		kr_limits_restore(machine);
	}
	if (result == 0 && resource == RLIMIT_STACK) {
		kr_stack_extend(machine);
	}
	return result;
}

static int64_t serve_kept(struct kr_thread *thread, int resource, uint64_t new, uint64_t old)
{
	struct kr_machine *machine = thread->machine;
	struct rlimit wanted;
	struct rlimit before;
	int result = 0;

	if (new != 0 && thread->is_borrower) {
		return -EPERM; /* the machine, and what it keeps, is the parent's */
	}
	if (new != 0 && kr_copy_from_guest(&wanted, new, sizeof wanted) < 0) {
		return -EFAULT;
	}
	kr_machine_lock_memory(machine);
	before = (struct rlimit){ .rlim_cur = machine->limits.kept[resource].soft,
				  .rlim_max = machine->limits.kept[resource].hard };
	if (new != 0) {
		result = change(machine, resource, &wanted);
	}
	kr_machine_unlock_memory(machine);
	if (result == 0 && old != 0) {
		result = kr_copy_to_guest(old, &before, sizeof before);
	}
	return result;
}

int64_t kr_call_getrlimit(struct kr_thread *thread, const struct kr_call *call)
{
	int resource = (int)call->arg[0];

	if (kr_limits_keep(resource) && call->arg[1] != 0) {
		return serve_kept(thread, resource, 0, call->arg[1]);
	}
	return kr_forward(thread, call);
}

int64_t kr_call_setrlimit(struct kr_thread *thread, const struct kr_call *call)
{
	int resource = (int)call->arg[0];

	if (kr_limits_keep(resource) && call->arg[1] != 0) {
		return serve_kept(thread, resource, call->arg[1], 0);
	}
	return kr_forward(thread, call);
}

int64_t kr_call_prlimit64(struct kr_thread *thread, const struct kr_call *call)
{
	pid_t pid = (pid_t)call->arg[0];
	int resource = (int)call->arg[1];

	if (!kr_limits_keep(resource)) {
		return kr_forward(thread, call);
	}
	if (pid == 0 || pid == getpid()) {
		return serve_kept(thread, resource, call->arg[2], call->arg[3]);
	}
	/* Another process's monitor keeps its own, and cannot be told. */
	return call->arg[2] != 0 ? -EPERM : kr_forward(thread, call);
}
