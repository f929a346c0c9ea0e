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

/* From an entry of a list to its word, unless the guest's list wants another one. */
#define OFFSET       (-8L)
#define OFFSET_FIRST (-(int64_t)(KR_LOCK_BYTES - sizeof(struct robust_list)))
#define OFFSET_LAST  (-(int64_t)sizeof(uint32_t))

/* An entry, which a list of musl's has at every fourth byte. */
struct entry {
	struct entry *next;
} __attribute__((packed, aligned(2), may_alias));

static uint32_t *word_of(struct kr_lock *lock)
{
	return (uint32_t *)(void *)lock->bytes;
}

static struct entry *entry_of(struct kr_lock *lock, const struct kr_lock_holder *holder)
{
	return (struct entry *)(void *)(lock->bytes - holder->head.futex_offset);
}

static struct entry *first_of(struct kr_lock_holder *holder)
{
	return (struct entry *)(void *)&holder->head.list;
}

/* The kernel looks at the list wherever the thread may be: no change of it may be moved by the compiler. */
static void link_to(struct entry *entry, struct entry *next)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	((volatile struct entry *)entry)->next = next;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void kr_lock_holder_begin(struct kr_lock_holder *holder)
{
	*holder = (struct kr_lock_holder){ .head = { .list.next = &holder->head.list, .futex_offset = OFFSET } };
	holder->number = (uint32_t)kr_sys_gettid();
	(void)syscall(SYS_set_robust_list, &holder->head, sizeof holder->head);
}

void kr_lock_holder_end(void)
{
	(void)syscall(SYS_set_robust_list, NULL, sizeof(struct robust_list_head));
}

void kr_lock_holder_chain(struct kr_lock_holder *holder, uint64_t guest, int64_t offset)
{
	bool fits = guest != 0 && offset >= OFFSET_FIRST && offset <= OFFSET_LAST && offset % 2 == 0;

	link_to(first_of(holder), first_of(holder));
	holder->guest = fits ? guest : 0;
	if (fits) {
		holder->head.futex_offset = (long)offset;
		holder->anchor = (struct kr_lock){ .bytes = { 0 } };
		kr_lock_holder_cut(holder);
		link_to(first_of(holder), entry_of(&holder->anchor, holder));
	}
}

void kr_lock_holder_cut(struct kr_lock_holder *holder)
{
	if (holder->guest != 0) {
		link_to(entry_of(&holder->anchor, holder), first_of(holder));
	}
}

void kr_lock_holder_join(struct kr_lock_holder *holder)
{
	if (holder->guest != 0) {
		/* The guest's head is an entry as well here, and the kernel goes round until it has had enough. */
		link_to(entry_of(&holder->anchor, holder), (struct entry *)(uintptr_t)holder->guest);
	}
}

static void set_pending(struct kr_lock_holder *holder, struct entry *entry)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*(void *volatile *)&holder->head.list_op_pending = entry;
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
	struct entry *entry = entry_of(lock, holder);
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
	link_to(entry, first_of(holder)->next);
	link_to(first_of(holder), entry);
	set_pending(holder, NULL);
	return (seen & FUTEX_OWNER_DIED) != 0;
}

void kr_lock_drop(struct kr_lock *lock, struct kr_lock_holder *holder)
{
	struct entry *entry = entry_of(lock, holder);
	struct entry *before = first_of(holder);
	uint32_t *word = word_of(lock);
	uint32_t seen;
	/* Who was here before and was killed may have opened the lock and woken nobody. */
	bool is_waited_for = holder->head.list_op_pending == (void *)entry;

	set_pending(holder, entry);
	while (before->next != entry && before->next != first_of(holder)) {
		before = before->next;
	}
	if (before->next == entry) {
		link_to(before, entry->next);
	}
	seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
	/* The kernel may have opened it for a holder that was killed, and it may be a third's by now. */
	while ((seen & FUTEX_TID_MASK) == holder->number &&
	       !__atomic_compare_exchange_n(word, &seen, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
	}
	is_waited_for |= (seen & FUTEX_TID_MASK) == holder->number && (seen & FUTEX_WAITERS) != 0;
	if (is_waited_for) {
		(void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	set_pending(holder, NULL);
}
