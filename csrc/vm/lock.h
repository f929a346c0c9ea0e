/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The monitor's own locks, which the death of their holder opens.  A child of a vfork shares the monitor's memory,
 * and anybody may kill it at any moment; what it holds then would be held for ever.  So each host thread has a list
 * of what it holds that the kernel goes through when the thread ends (set_robust_list(2)).  The next holder is
 * told, and brings in order what the lock guards.
 *
 * A thread has one such list.  The guest's own robust mutexes come behind what the monitor holds, so that the death
 * of a process opens them as well.  The kernel then follows the guest's pointers wherever they lead, and marks what
 * looks like a word of the dying thread's: harmless where the memory dies too, and where it does not, the guest's
 * list is cut off (specs/decisions/0020-memory-that-outlives.md).
 */
#ifndef KR_VM_LOCK_H
#define KR_VM_LOCK_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>

#define KR_LOCK_BYTES 64u

/* The word, and behind it, as far as the holder's list has it, the entry of that list.  All zero is open. */
struct kr_lock {
	_Alignas(KR_LOCK_BYTES) unsigned char bytes[KR_LOCK_BYTES];
};

/* What one host thread holds.  It stays where it is until kr_lock_holder_end, or until the thread has ended. */
struct kr_lock_holder {
	struct robust_list_head head;
	uint32_t number;       /* of the thread */
	uint64_t guest;        /* the guest's list, 0 for none */
	struct kr_lock anchor; /* the entry that leads to it; nobody takes it */
};

/* The calling host thread holds nothing, and what it takes from now on is on `holder`'s list. */
void kr_lock_holder_begin(struct kr_lock_holder *holder);
/* The kernel forgets the calling thread's list. */
void kr_lock_holder_end(void);

/* The guest's list is to follow what the calling thread, whose `holder` it is, holds of the monitor's: nothing.  It
 * is cut off at first.  `offset` is from an entry to its word; where the monitor's locks cannot have the same one
 * the list is left out. */
void kr_lock_holder_chain(struct kr_lock_holder *holder, uint64_t guest, int64_t offset);
/* Cut it off, or join it; for any thread of the process. */
void kr_lock_holder_cut(struct kr_lock_holder *holder);
void kr_lock_holder_join(struct kr_lock_holder *holder);

/* True when the holder before has died with the lock. */
bool kr_lock_take(struct kr_lock *lock, struct kr_lock_holder *holder);
/* A thread that shares the memory may do it in the place of a holder who waits for it.  Since that one may have
 * been killed before it was through, the holder does it again, with the guest's list cut off all the while. */
void kr_lock_drop(struct kr_lock *lock, struct kr_lock_holder *holder);

#endif
