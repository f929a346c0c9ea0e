/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Futexes, and the list of mutexes that a thread holds when it ends.  The monitor walks that list itself; only for
 * a process that is killed the kernel does, see lock.h.
 */
#include "../base/kernel.h"
#include "hypercall.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_futex_requeue
#define SYS_futex_requeue 456
#endif

kr_handler kr_call_futex;
kr_handler kr_call_futex_waitv;
kr_handler kr_call_futex_requeue;
kr_handler kr_call_set_robust_list;
kr_handler kr_call_get_robust_list;

/* As many waiters as the kernel takes, and as many entries as it follows. */
#define MAX_WAITERS FUTEX_WAITV_MAX
#define MAX_ROBUST  2048

/* Words of a command beside the first: where the fourth argument is a timeout and not a number, and where the
 * fifth is a second word. */
static void describe(int command, bool *has_timeout, bool *has_second)
{
	*has_timeout = false;
	*has_second = false;
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		*has_timeout = true;
		break;
	case FUTEX_WAIT_REQUEUE_PI:
		*has_timeout = true;
		*has_second = true;
		break;
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_CMP_REQUEUE_PI:
	case FUTEX_WAKE_OP:
		*has_second = true;
		break;
	default:
		break;
	}
}

int64_t kr_call_futex(struct kr_thread *thread, const struct kr_call *call)
{
	uint64_t arg[6];
	bool has_timeout;
	bool has_second;

	memcpy(arg, call->arg, sizeof arg);
	describe((int)(uint32_t)call->arg[1] & FUTEX_CMD_MASK, &has_timeout, &has_second);
	if (has_timeout && arg[3] != 0 && !kr_guest_has(arg[3], 16)) {
		arg[3] = kr_stand_in(arg[3], 16);
	}
	if (has_second && !kr_guest_has(arg[4], sizeof(uint32_t))) {
		arg[4] = kr_stand_in(arg[4], sizeof(uint32_t));
	}
	return kr_host_call(thread, SYS_futex, arg);
}

static int64_t pass_waiters(struct kr_thread *thread, const struct kr_call *call, uint64_t waiters)
{
	return kr_host_call(
		thread, SYS_futex_waitv,
		(const uint64_t[6]){ waiters, call->arg[1], call->arg[2], call->arg[3], call->arg[4], 0 });
}

static void check_words(struct futex_waitv *waiters, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!kr_guest_has(waiters[i].uaddr, sizeof(uint64_t))) {
			waiters[i].uaddr = kr_stand_in(waiters[i].uaddr, sizeof(uint64_t));
		}
	}
}

int64_t kr_call_futex_waitv(struct kr_thread *thread, const struct kr_call *call)
{
	struct futex_waitv waiters[MAX_WAITERS];
	uint32_t count = (uint32_t)call->arg[1];

	if (count == 0 || count > MAX_WAITERS || call->arg[0] == 0) {
		return -EINVAL;
	}
	if (kr_copy_from_guest(waiters, call->arg[0], count * sizeof waiters[0]) < 0) {
		return pass_waiters(thread, call, kr_stand_in(call->arg[0], count * sizeof waiters[0]));
	}
	check_words(waiters, count);
	return pass_waiters(thread, call, (uint64_t)(uintptr_t)waiters);
}

int64_t kr_call_futex_requeue(struct kr_thread *thread, const struct kr_call *call)
{
	struct futex_waitv pair[2];
	uint64_t arg[6] = {
		kr_stand_in(call->arg[0], sizeof pair), call->arg[1], call->arg[2], call->arg[3], 0, 0
	};

	if (kr_copy_from_guest(pair, call->arg[0], sizeof pair) == 0) {
		check_words(pair, 2);
		arg[0] = (uint64_t)(uintptr_t)pair;
	}
	return kr_host_call(thread, SYS_futex_requeue, arg);
}

int64_t kr_call_set_robust_list(struct kr_thread *thread, const struct kr_call *call)
{
	if (call->arg[1] != sizeof(struct robust_list_head)) {
		return -EINVAL;
	}
	kr_thread_set_robust_list(thread, call->arg[0]);
	return 0;
}

/* The list of the calling thread; those of others are their own business. */
int64_t kr_call_get_robust_list(struct kr_thread *thread, const struct kr_call *call)
{
	const uint64_t size = sizeof(struct robust_list_head);
	const uint64_t head = kr_thread_robust_list(thread);
	pid_t tid = (pid_t)(uint32_t)call->arg[0];

	if (tid != 0 && tid != kr_sys_gettid()) {
		return kr_host_call(thread, SYS_kill, (const uint64_t[6]){ (uint32_t)tid, 0, 0, 0, 0, 0 }) == -ESRCH
			       ? -ESRCH
			       : -EPERM;
	}
	if (kr_copy_to_guest(call->arg[1], &head, sizeof head) < 0 ||
	    kr_copy_to_guest(call->arg[2], &size, sizeof size) < 0) {
		return -EFAULT;
	}
	return 0;
}

/* Whether the kernel can write the word: a no-op on it.  It may wake a waiter, which will look and wait again. */
static bool is_writable_word(struct kr_thread *thread, uint64_t address)
{
	const uint64_t no_op = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0);

	return kr_guest_has(address, sizeof(uint32_t)) &&
	       kr_host_call(thread, SYS_futex,
			    (const uint64_t[6]){ address, FUTEX_WAKE_OP, 0, 0, address, no_op }) >= 0;
}

/* A mutex of the ending thread: mark it, and wake one who waits for it.  The word is written in place; a guest
 * whose other threads take the page away at this very moment ends itself. */
static void release_mutex(struct kr_thread *thread, uint64_t address, bool is_pi)
{
	uint32_t *word = (uint32_t *)(uintptr_t)address;
	uint32_t value;

	if (address % sizeof value != 0 || !is_writable_word(thread, address)) {
		return;
	}
	value = __atomic_load_n(word, __ATOMIC_SEQ_CST);
	while ((value & FUTEX_TID_MASK) == (uint32_t)kr_sys_gettid()) {
		uint32_t marked = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;

		if (!__atomic_compare_exchange_n(word, &value, marked, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			continue;
		}
		if (!is_pi && (value & FUTEX_WAITERS) != 0) {
			(void)kr_host_call(thread, SYS_futex,
					   (const uint64_t[6]){ address, FUTEX_WAKE, 1, 0, 0, 0 });
		}
		return;
	}
}

/* An entry's address carries in its lowest bit whether its mutex inherits priorities. */
static void release_entry(struct kr_thread *thread, uint64_t entry, int64_t offset)
{
	release_mutex(thread, (entry & ~1ull) + (uint64_t)offset, (entry & 1) != 0);
}

void kr_robust_list_release(struct kr_thread *thread, uint64_t head)
{
	struct {
		uint64_t next;
		int64_t offset;
		uint64_t pending;
	} list;
	uint64_t entry;

	if (head == 0 || kr_copy_from_guest(&list, head, sizeof list) < 0) {
		return;
	}
	entry = list.next;
	for (int count = 0; count < MAX_ROBUST && (entry & ~1ull) != head; count++) {
		uint64_t next;

		/* Read before the mutex is given away, because its next owner may unlink it. */
		if (kr_copy_from_guest(&next, entry & ~1ull, sizeof next) < 0) {
			break;
		}
		if (entry != list.pending) {
			release_entry(thread, entry, list.offset);
		}
		entry = next;
	}
	if (list.pending != 0) {
		release_entry(thread, list.pending, list.offset);
	}
}
