/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What becomes of a hypercall, with a table of a few calls.
 */
#include "check.h"
#include "guest_double.h"
#include "vm/hypercall.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <string.h>

enum { FORWARDED = 1, EMULATED = 2, REFUSED = 3, NOTIFIED = 4 };

static int64_t add_arguments(struct kr_thread *thread, const struct kr_call *call)
{
	(void)thread;
	return (int64_t)(call->arg[0] + call->arg[1]);
}

const struct kr_entry kr_call_table[] = {
	{ "forwarded",
	  NULL,
	  FORWARDED,
	  KR_SERVE_FORWARD,
	  KR_RESTART_SA,
	  0,
	  { { KR_ARG_FD, KR_NO_COUNT, false, 4 },
	    { KR_ARG_SPAN, 2, false, 1 },
	    { KR_ARG_VALUE, KR_NO_COUNT, false, 8 } },
	  false },
	{ "emulated",
	  add_arguments,
	  EMULATED,
	  KR_SERVE_EMULATE,
	  KR_RESTART_NOHAND,
	  0,
	  { { KR_ARG_FD, KR_NO_COUNT, false, 4 }, { KR_ARG_VALUE, KR_NO_COUNT, false, 8 } },
	  false },
	{ "refused",
	  NULL,
	  REFUSED,
	  KR_SERVE_REFUSE,
	  KR_RESTART_NEVER,
	  EPERM,
	  { { KR_ARG_NONE, KR_NO_COUNT, false, 0 } },
	  false },
	{ "notified",
	  NULL,
	  NOTIFIED,
	  KR_SERVE_FORWARD,
	  KR_RESTART_SA,
	  0,
	  { { KR_ARG_FD, KR_NO_COUNT, false, 4 } },
	  true },
};
const size_t kr_call_table_size = sizeof kr_call_table / sizeof kr_call_table[0];

static int64_t call(struct kr_thread *thread, int64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	const struct kr_call made = { .nr = nr, .arg = { a, b, c, 0, 0, 0 }, .ip = 0x401000 };

	return kr_dispatch(thread, &made);
}

static void what_is_forwarded_reaches_the_kernel_once_and_checked(void)
{
	struct kr_thread thread = { .host_result = 7 };

	CHECK(call(&thread, FORWARDED, 3, DOUBLE_ARENA, 5) == 7);
	CHECK(thread.host_calls == 1 && thread.host_nr == FORWARDED);
	CHECK(thread.host_arg[0] == 3 && thread.host_arg[1] == DOUBLE_ARENA && thread.host_arg[2] == 5);
	CHECK(call(&thread, FORWARDED, 3, DOUBLE_ARENA_END, 5) == 7);
	CHECK(thread.host_calls == 2 && thread.host_arg[1] == kr_stand_in(DOUBLE_ARENA_END, 5));
}

static void what_is_emulated_reaches_its_handler_checked(void)
{
	struct kr_thread thread = { .host_result = 7 };

	CHECK(call(&thread, EMULATED, 3, 4, 0) == 7);
	CHECK(call(&thread, EMULATED, DOUBLE_FIRST_FD, 4, 0) == -EBADF);
	CHECK(thread.host_calls == 0);
}

static void what_is_refused_or_unknown_fails_by_name(void)
{
	struct kr_thread thread = { .host_result = 7 };

	CHECK(call(&thread, REFUSED, 0, 0, 0) == -EPERM);
	CHECK(call(&thread, 5, 0, 0, 0) == -ENOSYS);
	CHECK(call(&thread, -1, 0, 0, 0) == -ENOSYS);
	CHECK(call(&thread, 0x40000000 + FORWARDED, 3, DOUBLE_ARENA, 5) == -ENOSYS);
	CHECK(thread.host_calls == 0);
}

static void a_call_says_how_it_is_restarted(void)
{
	CHECK(kr_call_restart(FORWARDED) == KR_RESTART_SA);
	CHECK(kr_call_restart(EMULATED) == KR_RESTART_NOHAND);
	CHECK(kr_call_restart(REFUSED) == KR_RESTART_NEVER);
	CHECK(kr_call_restart(77) == KR_RESTART_NEVER);
}

/* The result of FORWARDED under a filter that returns `verdict` for it. */
static int64_t under(struct kr_thread *thread, uint32_t verdict)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FORWARDED, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, verdict),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	*thread = (struct kr_thread){ .host_result = 7 };
	CHECK(kr_seccomp_add(&thread->seccomp, code, sizeof code / sizeof code[0], false) == 0);
	return call(thread, FORWARDED, 3, DOUBLE_ARENA, 5);
}

static void a_filter_decides_before_anything_else(void)
{
	struct kr_thread thread;

	CHECK(under(&thread, SECCOMP_RET_ALLOW) == 7);
	kr_seccomp_drop(&thread.seccomp);
	CHECK(under(&thread, SECCOMP_RET_LOG) == 7);
	kr_seccomp_drop(&thread.seccomp);
	CHECK(under(&thread, SECCOMP_RET_ERRNO | 38) == -38 && thread.host_calls == 0);
	kr_seccomp_drop(&thread.seccomp);
	CHECK(under(&thread, SECCOMP_RET_ERRNO | 0xffff) == -4095);
	kr_seccomp_drop(&thread.seccomp);
	CHECK(under(&thread, SECCOMP_RET_ERRNO) == 0 && thread.host_calls == 0);
	kr_seccomp_drop(&thread.seccomp);
	CHECK(under(&thread, SECCOMP_RET_TRACE | 1) == -ENOSYS && thread.host_calls == 0);
	kr_seccomp_drop(&thread.seccomp);
	CHECK(under(&thread, SECCOMP_RET_USER_NOTIF) == -ENOSYS && thread.host_calls == 0);
	kr_seccomp_drop(&thread.seccomp);
	CHECK(under(&thread, SECCOMP_RET_TRAP | 42) == FORWARDED && thread.traps == 1 && thread.trap_data == 42);
	CHECK(thread.host_calls == 0);
	kr_seccomp_drop(&thread.seccomp);
	CHECK(under(&thread, SECCOMP_RET_KILL_THREAD) < 0 && thread.kills == 1 && !thread.killed_process);
	CHECK(thread.host_calls == 0);
	kr_seccomp_drop(&thread.seccomp);
	CHECK(under(&thread, SECCOMP_RET_KILL_PROCESS) < 0 && thread.kills == 1 && thread.killed_process);
	kr_seccomp_drop(&thread.seccomp);
	/* An action that nobody knows kills. */
	CHECK(under(&thread, 0x00080000) < 0 && thread.kills == 1 && thread.killed_process);
	kr_seccomp_drop(&thread.seccomp);
}

/* The result of a call for which every filter says USER_NOTIF; the newer one has a listener if `newer` says so. */
static int64_t notified(struct kr_thread *thread, int64_t nr, bool older, bool newer)
{
	const struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF) };
	int64_t result;

	*thread = (struct kr_thread){ .host_result = 7 };
	CHECK(kr_seccomp_add(&thread->seccomp, code, 1, older) == 0);
	CHECK(kr_seccomp_add(&thread->seccomp, code, 1, newer) == 0);
	result = call(thread, nr, 3, 0, 0);
	kr_seccomp_drop(&thread->seccomp);
	return result;
}

static void an_agent_is_asked_where_one_listens_and_the_call_could_go_on(void)
{
	struct kr_thread thread;

	CHECK(notified(&thread, NOTIFIED, false, true) == 7 && thread.asked == 1 && thread.asked_nr == NOTIFIED);
	CHECK(thread.host_calls == 0);
	/* Of equals the newest counts, as in the kernel. */
	CHECK(notified(&thread, NOTIFIED, true, false) == -ENOSYS && thread.asked == 0);
	CHECK(notified(&thread, NOTIFIED, false, false) == -ENOSYS && thread.asked == 0);
	CHECK(notified(&thread, FORWARDED, true, true) == -ENOSYS && thread.asked == 0);
	CHECK(notified(&thread, EMULATED, true, true) == -ENOSYS && thread.asked == 0);
	CHECK(notified(&thread, REFUSED, true, true) == -ENOSYS && thread.asked == 0);
	CHECK(notified(&thread, 77, true, true) == -ENOSYS && thread.asked == 0);
	CHECK(thread.host_calls == 0);
}

static void a_filter_decides_on_what_is_unknown_too(void)
{
	const struct sock_filter deny[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 99) };
	struct kr_thread thread = { .host_result = 7 };

	CHECK(kr_seccomp_add(&thread.seccomp, deny, 1, false) == 0);
	CHECK(call(&thread, 4000, 0, 0, 0) == -99);
	CHECK(call(&thread, REFUSED, 0, 0, 0) == -99);
	kr_seccomp_drop(&thread.seccomp);
}

int main(void)
{
	double_map_arena();
	what_is_forwarded_reaches_the_kernel_once_and_checked();
	what_is_emulated_reaches_its_handler_checked();
	what_is_refused_or_unknown_fails_by_name();
	a_call_says_how_it_is_restarted();
	a_filter_decides_before_anything_else();
	an_agent_is_asked_where_one_listens_and_the_call_could_go_on();
	a_filter_decides_on_what_is_unknown_too();
	return 0;
}
