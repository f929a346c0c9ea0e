/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Threads and what they wait for.
 */
#include "suite.h"

#include <sys/auxv.h>

#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <pthread.h>

static uint32_t word;
static uint32_t other;

struct waitv {
	uint64_t value;
	uint64_t address;
	uint32_t flags;
	uint32_t reserved;
};

static long futex(void *at, int operation, uint32_t value, const void *timeout, void *second, uint32_t third)
{
	return S(futex, at, operation, value, timeout, second, third);
}

static void *wait_for_word(void *arg)
{
	return (void *)futex(&word, FUTEX_WAIT | *(int *)arg, 0, NULL, NULL, 0);
}

TEST(futex_wait05)
{
	struct timespec soon = { 0, 100000 };
	struct timespec wrong = { 0, -1 };

	say("changed", futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
	say("timeout", futex(&word, FUTEX_WAIT, 0, &soon, NULL, 0));
	say("timeout, private", futex(&word, FUTEX_WAIT_PRIVATE, 0, &soon, NULL, 0));
	say("nanoseconds", futex(&word, FUTEX_WAIT, 0, &wrong, NULL, 0));
	say("odd", futex((char *)&word + 1, FUTEX_WAIT, 0, &soon, NULL, 0));
	say("no bits", futex(&word, FUTEX_WAIT_BITSET, 0, &soon, NULL, 0));
	say("past", futex(&word, FUTEX_WAIT_BITSET, 0, &soon, NULL, 1));
	say("operation", futex(&word, 77, 0, NULL, NULL, 0));
	say("operation, bad word", futex(hole, 77, 0, NULL, NULL, 0));
	say("clock of a wake", futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
	EACH_BAD_IN("word", futex(P, FUTEX_WAIT, 0, &soon, NULL, 0));
	EACH_BAD_IN("private word", futex(P, FUTEX_WAIT_PRIVATE, 0, &soon, NULL, 0));
	EACH_BAD_IN("timeout", futex(&word, FUTEX_WAIT, 0, P != NULL ? P : hole, NULL, 0));
	EACH_BAD_IN("wake", futex(P, FUTEX_WAKE, 1, NULL, NULL, 0));
	EACH_BAD_IN("private wake", futex(P, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
}

TEST(futex_wake02)
{
	pthread_t threads[3];
	long woken = 0;

	for (int i = 0; i < 3; i++) {
		pthread_create(&threads[i], NULL, wait_for_word, &(int){ FUTEX_PRIVATE_FLAG });
	}
	while (woken < 3) {
		woken += futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		sched_yield();
	}
	for (int i = 0; i < 3; i++) {
		void *result;

		pthread_join(threads[i], &result);
		say("woken", (long)result);
	}
}

TEST(futex_cmp_requeue02)
{
	say("changed", futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 7));
	say("none", futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 0));
	say("negative", futex(&word, FUTEX_CMP_REQUEUE, -1, (void *)1, &other, 0));
	say("requeue negative", futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)-1l, &other, 0));
	say("wake op",
	    futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 0)));
	say("value", other);
	EACH_BAD_IN("second", futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, P, 0));
	EACH_BAD_OUT("wake op", futex(&word, FUTEX_WAKE_OP, 1, (void *)1, P, 0));
}

TEST(futex03)
{
	say("lock", futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	say("owner", word == (uint32_t)S(gettid));
	say("again", futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	say("try", futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	say("unlock", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	say("not owned", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	say("nobody's", (word = 1 << 22, futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0)));
}

TEST(futex_waitv02)
{
	struct waitv waiters[2] = { { 0, (uintptr_t)&word, 2, 0 }, { 0, (uintptr_t)&other, 2, 0 } };
	struct timespec past = { 1, 0 };

	say("past", S(futex_waitv, waiters, 2, 0, &past, CLOCK_MONOTONIC));
	say("changed", (waiters[1].value = 9, S(futex_waitv, waiters, 2, 0, &past, CLOCK_MONOTONIC)));
	say("none", S(futex_waitv, waiters, 0, 0, &past, CLOCK_MONOTONIC));
	say("no waiters", S(futex_waitv, NULL, 2, 0, &past, CLOCK_MONOTONIC));
	say("many", S(futex_waitv, waiters, 129, 0, &past, CLOCK_MONOTONIC));
	say("flags", S(futex_waitv, waiters, 2, 1, &past, CLOCK_MONOTONIC));
	say("clock", S(futex_waitv, waiters, 2, 0, &past, CLOCK_BOOTTIME));
	say("reserved", (waiters[0].reserved = 1, S(futex_waitv, waiters, 2, 0, &past, CLOCK_MONOTONIC)));
	say("odd", (waiters[0] = (struct waitv){ 0, (uintptr_t)&word + 1, 2, 0 },
		    S(futex_waitv, waiters, 1, 0, &past, CLOCK_MONOTONIC)));
	EACH_BAD_IN("word", (waiters[0] = (struct waitv){ 0, (uintptr_t)P, 2, 0 },
			     S(futex_waitv, waiters, 1, 0, &past, CLOCK_MONOTONIC)));
	EACH_BAD_IN("waiters", S(futex_waitv, P, 1, 0, &past, CLOCK_MONOTONIC));
	waiters[0] = (struct waitv){ 0, (uintptr_t)&word, 2, 0 };
	EACH_BAD_IN("timeout", S(futex_waitv, waiters, 1, 0, P != NULL ? P : hole, CLOCK_MONOTONIC));
}

TEST(futex_wake04)
{
	say("none", syscall(NR_futex_wake, &word, -1l, 1, 2));
	say("flags", syscall(NR_futex_wake, &word, -1l, 1, 0x100));
	EACH_BAD_IN("word", syscall(NR_futex_wake, P, -1l, 1, 2));
}

TEST(futex_wait06)
{
	struct timespec past = { 1, 0 };

	say("past", syscall(NR_futex_wait, &word, (long)word, -1l, 2, &past, CLOCK_MONOTONIC));
	say("changed", syscall(NR_futex_wait, &word, 77l, -1l, 2, &past, CLOCK_MONOTONIC));
	EACH_BAD_IN("word", syscall(NR_futex_wait, P, 0l, -1l, 2, &past, CLOCK_MONOTONIC));
}

TEST(prctl03)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t auxv[128] = { 0 };
	int *clear = NULL;
	int tsc = 7;
	long size;

#define NAME(at, size, name) S(prctl, 0x53564d41 /* PR_SET_VMA */, 0, at, size, name)
	say("name", NAME(page, PAGE, "name"));
	say("no name", NAME(page, PAGE, NULL));
	say("not the name", S(prctl, 0x53564d41, 1, page, PAGE, "name"));
	say("name of a hole", NAME(hole, PAGE, "name"));
	say("name in the kernel", NAME(0xffff888000000000ul, PAGE, "name"));
	EACH_BAD_IN("name", NAME(page, PAGE, P));
	size = S(prctl, 0x41555856 /* PR_GET_AUXV */, auxv, sizeof auxv, 0, 0);
	say("auxv", size > 128);
	for (size_t i = 0; auxv[i] != 0; i += 2) {
		if (auxv[i] == AT_RANDOM || auxv[i] == AT_ENTRY) {
			say("entry", auxv[i + 1] == getauxval(auxv[i]));
		}
	}
	say("auxv with more", S(prctl, 0x41555856, auxv, sizeof auxv, 1, 0));
	EACH_BAD_OUT("auxv", S(prctl, 0x41555856, P, 64, 0, 0));
	say("time stamp", S(prctl, 25 /* PR_GET_TSC */, &tsc));
	say("readable", tsc);
	say("keep it", S(prctl, 26 /* PR_SET_TSC */, 1));
	say("wrong", S(prctl, 26, 3));
	EACH_BAD_OUT("time stamp", S(prctl, 25, P));
	say("word of the thread", S(prctl, 40 /* PR_GET_TID_ADDRESS */, &clear));
	say("same", (S(set_tid_address, &tsc), S(prctl, 40, &clear), clear == &tsc));
	EACH_BAD_OUT("word of the thread", S(prctl, 40, P));
	say("merge", S(prctl, 68 /* PR_GET_MEMORY_MERGE */, 0, 0, 0, 0));
}

TEST(futex_requeue02)
{
	struct waitv pair[2] = { { 0, (uintptr_t)&word, 2, 0 }, { 0, (uintptr_t)&other, 2, 0 } };

	say("nobody waits", syscall(NR_futex_requeue, pair, 0, 1, 1));
	say("changed", (pair[0].value = 9, syscall(NR_futex_requeue, pair, 0, 1, 1)));
	pair[0].value = 0;
	say("flags", syscall(NR_futex_requeue, pair, 1, 1, 1));
	say("negative", syscall(NR_futex_requeue, pair, 0, -1, 1));
	say("word flags", (pair[1].flags = 77, syscall(NR_futex_requeue, pair, 0, 1, 1)));
	pair[1].flags = 2;
	EACH_BAD_OUT("word", (pair[0].address = (uintptr_t)P, syscall(NR_futex_requeue, pair, 0, 1, 1)));
	pair[0].address = (uintptr_t)&word;
	EACH_BAD_OUT("other", (pair[1].address = (uintptr_t)P, syscall(NR_futex_requeue, pair, 0, 1, 1)));
	EACH_BAD_IN("pair", syscall(NR_futex_requeue, P, 0, 1, 1));
}

TEST(lsm_get_self_attr01)
{
	char got[PAGE] = "";
	uint32_t size = sizeof got;

	say("attribute", syscall(NR_lsm_get_self_attr, 99, got, &size, 0));
	say("flags", syscall(NR_lsm_get_self_attr, 100, got, &size, 64));
	say_done("current", syscall(NR_lsm_get_self_attr, 100, got, &size, 0));
	say_done("size alone", (size = 0, syscall(NR_lsm_get_self_attr, 100, NULL, &size, 0)));
	EACH_BAD_OUT("room", (size = PAGE, syscall(NR_lsm_get_self_attr, 100, P, &size, 0)));
	EACH_BAD_OUT("size", syscall(NR_lsm_get_self_attr, 100, got, P, 0));
}

TEST(lsm_set_self_attr01)
{
	uint64_t value[5] = { 104 /* AppArmor */, 0, 40, 8 };

	say_done("nothing known", syscall(NR_lsm_set_self_attr, 99, value, 40, 0));
	say("flags", syscall(NR_lsm_set_self_attr, 100, value, 40, 1));
	say("short", syscall(NR_lsm_set_self_attr, 100, value, 8, 0));
	say("long", syscall(NR_lsm_set_self_attr, 100, value, 1 << 20, 0));
	EACH_BAD_IN("value", syscall(NR_lsm_set_self_attr, 100, P, 40, 0));
}

TEST(lsm_list_modules01)
{
	uint64_t ids[64] = { 0 };
	uint32_t size = sizeof ids;

	say("list", syscall(NR_lsm_list_modules, ids, &size, 0));
	say("bytes", size);
	say("first", (long)ids[0]);
	say("flags", (size = sizeof ids, syscall(NR_lsm_list_modules, ids, &size, 1)));
	say("small", (size = 0, syscall(NR_lsm_list_modules, ids, &size, 0)));
	say("needed", size);
	EACH_BAD_OUT("ids", (size = sizeof ids, syscall(NR_lsm_list_modules, P, &size, 0)));
	EACH_BAD_OUT("size", syscall(NR_lsm_list_modules, ids, P, 0));
}

TEST(set_robust_list01)
{
	struct robust_list_head head = { .list.next = &head.list };
	void *got = NULL;
	size_t size = 0;

	say("size", S(set_robust_list, &head, 5));
	say("set", S(set_robust_list, &head, sizeof head));
	say("get", S(get_robust_list, 0, &got, &size));
	say("same", got == &head);
	say("anything", S(set_robust_list, 77ul, sizeof head));
	say("get", (S(get_robust_list, 0, &got, &size), (long)got));
}

TEST(get_robust_list01)
{
	void *got;
	size_t size;

	say("nobody", S(get_robust_list, 1 << 22, &got, &size));
	EACH_BAD_OUT("head", S(get_robust_list, 0, P, &size));
	EACH_BAD_OUT("size", S(get_robust_list, 0, &got, P));
}

TEST(set_tid_address01)
{
	int tid;

	say("set", S(set_tid_address, &tid) == S(gettid));
	say("anything", S(set_tid_address, 1ul) == S(gettid));
}

TEST(prctl02)
{
	char name[17] = "";
	int value = 7;

	say("option", S(prctl, 999, 0, 0, 0, 0));
	say("name", S(prctl, PR_SET_NAME, "a name that is too long", 0, 0, 0));
	say("get", S(prctl, PR_GET_NAME, name, 0, 0, 0));
	say_bytes("it", name, 16);
	say("signal", S(prctl, PR_SET_PDEATHSIG, 99, 0, 0, 0));
	say("death", (S(prctl, PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0), S(prctl, PR_GET_PDEATHSIG, &value, 0, 0, 0)));
	say("signal", value);
	say("dumpable", S(prctl, PR_SET_DUMPABLE, 99, 0, 0, 0));
	say("keep caps", S(prctl, PR_SET_KEEPCAPS, 2, 0, 0, 0));
	say("bounding", S(prctl, PR_CAPBSET_READ, 999, 0, 0, 0));
	say("drop", S(prctl, PR_CAPBSET_DROP, 999, 0, 0, 0));
	say("ambient", S(prctl, PR_CAP_AMBIENT, 99, 0, 0, 0));
	say("ambient extra", S(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	say("timing", S(prctl, PR_SET_TIMING, 1, 0, 0, 0));
	say("no new privileges", S(prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	say("extra", S(prctl, PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	say("get", S(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	say("get extra", S(prctl, PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	say("speculation", S(prctl, PR_GET_SPECULATION_CTRL, 99, 0, 0, 0));
	say("thp", S(prctl, PR_SET_THP_DISABLE, 0, 1, 0, 0));
	say("subreaper",
	    (S(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), S(prctl, PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0)));
	say("it", value);
	say("slack", S(prctl, PR_SET_TIMERSLACK, 5000, 0, 0, 0));
	say("get", S(prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0));
	EACH_BAD_IN("PR_SET_NAME", S(prctl, PR_SET_NAME, P, 0, 0, 0));
	EACH_BAD_OUT("PR_GET_NAME", S(prctl, PR_GET_NAME, P, 0, 0, 0));
	EACH_BAD_OUT("PR_GET_PDEATHSIG", S(prctl, PR_GET_PDEATHSIG, P, 0, 0, 0));
	EACH_BAD_OUT("PR_GET_CHILD_SUBREAPER", S(prctl, PR_GET_CHILD_SUBREAPER, P, 0, 0, 0));
	say("seccomp", S(prctl, PR_SET_SECCOMP, 99, 0, 0, 0));
	EACH_BAD_IN("filter", S(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, P, 0, 0));
}

TEST(seccomp02)
{
	uint32_t action = SECCOMP_RET_ALLOW;

	say("operation", S(seccomp, 99, 0, NULL));
	say("strict with flags", S(seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
	say("available", S(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	say("unknown action", (action = 0x12340000, S(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)));
	say("action with flags", S(seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action));
	say("filter flags", S(seccomp, SECCOMP_SET_MODE_FILTER, 1u << 20, &action));
	EACH_BAD_IN("action", S(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, P));
	EACH_BAD_IN("filter", S(seccomp, SECCOMP_SET_MODE_FILTER, 0, P));
}
