/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The monitor's own seccomp filter, loaded for real in children that then make one call.
 */
#include "check.h"
#include "vm/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LOAD(field)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define FAILED       100

/* Confine a child by `profile` and let it make one call without arguments.  -1 when the filter killed it, else the
 * call's errno, 0 for success. */
static int call_confined(const struct sock_filter *profile, size_t size, long nr)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		struct kr_err err;

		if (kr_confine(profile, size, &err) < 0) {
			_exit(FAILED);
		}
		_exit(syscall(nr, -1, 0, 0, 0, 0, 0) < 0 ? errno : 0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	if (WIFSIGNALED(status)) {
		CHECK(WTERMSIG(status) == SIGSYS);
		return -1;
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != FAILED);
	return WEXITSTATUS(status);
}

static void what_the_table_forwards_is_allowed(void)
{
	CHECK(call_confined(NULL, 0, SYS_getuid) == 0);
	CHECK(call_confined(NULL, 0, SYS_fsync) == EBADF);
	CHECK(call_confined(NULL, 0, SYS_mount) == EFAULT);
}

static void what_the_table_refuses_or_lacks_kills(void)
{
	CHECK(call_confined(NULL, 0, SYS_ptrace) == -1);
	CHECK(call_confined(NULL, 0, SYS_init_module) == -1);
	CHECK(call_confined(NULL, 0, SYS_io_uring_setup) == -1);
	CHECK(call_confined(NULL, 0, SYS_uselib) == -1);
	CHECK(call_confined(NULL, 0, 0x40000000 | SYS_getuid) == -1);
	CHECK(call_confined(NULL, 0, 511) == -1);
	CHECK(call_confined(NULL, 0, 512) == -1);
	CHECK(call_confined(NULL, 0, -1) == -1);
}

static void what_the_profile_denies_for_every_argument_kills(void)
{
	const struct sock_filter profile[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mount, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		/* fsync is denied for one descriptor, and allowed for others. */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsync, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};

	CHECK(call_confined(profile, COUNT(profile), SYS_mount) == -1);
	CHECK(call_confined(profile, COUNT(profile), SYS_fsync) == EBADF);
	CHECK(call_confined(profile, COUNT(profile), SYS_getuid) == 0);
}

static void a_profile_that_denies_all_leaves_what_the_monitor_needs(void)
{
	const struct sock_filter profile[] = { RETURN(SECCOMP_RET_ERRNO | EPERM) };

	CHECK(call_confined(profile, COUNT(profile), SYS_ioctl) == EBADF);
	CHECK(call_confined(profile, COUNT(profile), SYS_getuid) == -1);
}

static void a_verdict_that_is_computed_counts_as_allowed(void)
{
	const struct sock_filter profile[] = {
		BPF_STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	CHECK(call_confined(profile, COUNT(profile), SYS_getuid) == 0);
}

static void each_program_of_the_profile_narrows(void)
{
	const struct sock_filter profile[] = {
		{ .code = 0xffff, .k = 4 },
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
		{ .code = 0xffff, .k = 4 },
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getgid, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};

	CHECK(call_confined(profile, COUNT(profile), SYS_getuid) == -1);
	CHECK(call_confined(profile, COUNT(profile), SYS_getgid) == -1);
	CHECK(call_confined(profile, COUNT(profile), SYS_geteuid) == 0);
}

static void what_an_agent_may_let_go_on_is_allowed(void)
{
	const struct sock_filter profile[] = {
		{ .code = 0xffff, .jt = 1, .k = 1 },
		RETURN(SECCOMP_RET_USER_NOTIF),
	};

	CHECK(call_confined(profile, COUNT(profile), SYS_getuid) == 0);
	/* Nobody can be asked about it. */
	CHECK(call_confined(profile, COUNT(profile), SYS_readv) == -1);
	/* Nobody listens. */
	CHECK(call_confined(profile + 1, 1, SYS_getuid) == -1);
}

static void a_bad_profile_is_refused(void)
{
	const struct sock_filter profile[] = { LOAD(nr) };
	struct kr_err err = { 0 };

	CHECK(kr_confine(profile, COUNT(profile), &err) == -1 && err.code == EINVAL);
}

int main(void)
{
	what_the_table_forwards_is_allowed();
	what_the_table_refuses_or_lacks_kills();
	what_the_profile_denies_for_every_argument_kills();
	a_profile_that_denies_all_leaves_what_the_monitor_needs();
	a_verdict_that_is_computed_counts_as_allowed();
	each_program_of_the_profile_narrows();
	what_an_agent_may_let_go_on_is_allowed();
	a_bad_profile_is_refused();
	return 0;
}
