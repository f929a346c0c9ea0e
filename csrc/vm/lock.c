/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The protocol is the kernel's (Documentation/locking/robust-futex-ABI): the word holds the holder's number, and
 * the list's pending entry the lock that is just being taken or dropped.  The kernel wakes for all processes, so
 * nobody waits privately.
 */
#include "lock.h"

#include "../base/kernel.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From an entry of a list to its word. */
#define OFFSET (-8L)

static uint32_t *word_of(struct kr_lock *lock)
{
	return (uint32_t *)(void *)lock->bytes;
}

static struct robust_list *entry_of(struct kr_lock *lock, const struct kr_lock_holder *holder)
{
	return (struct robust_list *)(void *)(lock->bytes - holder->head.futex_offset);
}

void kr_lock_holder_begin(struct kr_lock_holder *holder)
{
	holder->head = (struct robust_list_head){ .list.next = &holder->head.list, .futex_offset = OFFSET };
	holder->number = (uint32_t)kr_sys_gettid();
	(void)syscall(SYS_set_robust_list, &holder->head, sizeof holder->head);
}

void kr_lock_holder_end(void)
{
	(void)syscall(SYS_set_robust_list, NULL, sizeof(struct robust_list_head));
}

/* The kernel looks at the list wherever the thread may be: no change of it may be moved by the compiler. */
static void set_pending(struct kr_lock_holder *holder, struct robust_list *entry)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*(struct robust_list *volatile *)&holder->head.list_op_pending = entry;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Wait until the word changes from `seen`, with the waiters' bit in it. */
static void wait(uint32_t *word, uint32_t seen)
{
	if ((seen & FUTEX_WAITERS) == 0 && !__atomic_compare_exchange_n(word, &seen, seen | FUTEX_WAITERS, false,
									__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		return;
	}
	(void)syscall(SYS_futex, word, FUTEX_WAIT, seen | FUTEX_WAITERS, NULL, NULL, 0);
}

bool kr_lock_take(struct kr_lock *lock, struct kr_lock_holder *holder)
{
	struct robust_list *entry = entry_of(lock, holder);
	const uint32_t own = holder->number;
	uint32_t *word = word_of(lock);
	uint32_t others = 0; /* once it has waited, it cannot know that nobody else does */
	uint32_t seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);

	set_pending(holder, entry);
	for (;;) {
		if ((seen & FUTEX_TID_MASK) == 0) {
			if (__atomic_compare_exchange_n(word, &seen, own | (seen & FUTEX_WAITERS) | others, false,
							__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
				break;
			}
			continue;
		}
		wait(word, seen);
		others = FUTEX_WAITERS;
		seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
	}
	entry->next = holder->head.list.next;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	holder->head.list.next = entry;
	set_pending(holder, NULL);
	return (seen & FUTEX_OWNER_DIED) != 0;
}

void kr_lock_drop(struct kr_lock *lock, struct kr_lock_holder *holder)
{
	struct robust_list *entry = entry_of(lock, holder);
	struct robust_list **link = &holder->head.list.next;
	uint32_t *word = word_of(lock);

	set_pending(holder, entry);
	while (*link != entry) {
		link = &(*link)->next;
	}
	*link = entry->next;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if ((__atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST) & FUTEX_WAITERS) != 0) {
		(void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	set_pending(holder, NULL);
}
