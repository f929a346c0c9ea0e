/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The monitor's own locks, which the death of their holder opens.  A child of a vfork shares the monitor's memory,
 * and anybody may kill it at any moment; what it holds then would be held for ever.  So each host thread has a list
 * of what it holds that the kernel goes through when the thread ends (set_robust_list(2)).  The next holder is
 * told, and brings in order what the lock guards.
 */
#ifndef KR_VM_LOCK_H
#define KR_VM_LOCK_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>

#define KR_LOCK_BYTES 72u

/* The word, and behind it, as far as the holder's list has it, the entry of that list.  All zero is open. */
struct kr_lock {
	_Alignas(8) unsigned char bytes[KR_LOCK_BYTES];
};

/* What one host thread holds.  It stays where it is until kr_lock_holder_end, or until the thread has ended. */
struct kr_lock_holder {
	struct robust_list_head head;
	uint32_t number; /* of the thread */
};

/* The calling host thread holds nothing, and what it takes from now on is on `holder`'s list. */
void kr_lock_holder_begin(struct kr_lock_holder *holder);
/* The kernel forgets the calling thread's list. */
void kr_lock_holder_end(void);

/* True when the holder before has died with the lock. */
bool kr_lock_take(struct kr_lock *lock, struct kr_lock_holder *holder);
void kr_lock_drop(struct kr_lock *lock, struct kr_lock_holder *holder);

#endif
