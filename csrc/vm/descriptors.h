/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The monitor's own descriptors: they stand at high numbers, and the guest is told EBADF there.
 */
#ifndef KR_VM_DESCRIPTORS_H
#define KR_VM_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

#define KR_DESCRIPTORS_MAX 32768 /* numbers that can be the monitor's */

struct kr_thread;

struct kr_descriptors {
	int base; /* the monitor's are placed from here on, as long as there is room */
	uint64_t taken[KR_DESCRIPTORS_MAX / 64];
	unsigned spared; /* calls that wait with descriptors of the guest's, which have been looked at */
	int spared_end;  /* behind the highest of those, 0 for none */
	int awaited;     /* whose end this process's parent waits for, 0 for none: see awaited.h */
	int place;       /* the monitor's in each process, for a parent's end, 0 for none: see awaited.h */
	bool is_placed;  /* such an end stands there */
};

/* Choose the numbers: from the payload's soft limit on, where the host's hard one allows it. */
void kr_descriptors_create(struct kr_descriptors *descriptors, uint64_t soft_limit);
/* Take `fd` over: it is moved up and closed where it was.  Returns the new number, close-on-exec; `fd` itself
 * when there is no room.  -1 with EMFILE, and `fd` closed, where the guest could not be kept from the number.
 * The caller holds memory_lock once there are threads. */
int kr_descriptors_take(struct kr_descriptors *descriptors, int fd);
/* The same for the calling guest thread, beside others, for a file that the monitor is going to look at: it stands
 * where no other thread can change it, or -EMFILE. */
int kr_descriptors_hold(struct kr_thread *thread, int fd);
/* The same, at `least` or a higher number. */
int kr_descriptors_take_above(struct kr_descriptors *descriptors, int fd, int least);
/* Another descriptor of the file behind `fd`, taken over.  Or -errno. */
int kr_descriptors_copy(struct kr_descriptors *descriptors, int fd);
/* Take nothing below `end` over, for a call that will be made some time later with descriptors of the guest's below
 * it, until kr_descriptors_unspare.  memory_lock, as for kr_descriptors_take once there are threads. */
void kr_descriptors_spare(struct kr_descriptors *descriptors, int end);
void kr_descriptors_unspare(struct kr_descriptors *descriptors);
/* In the child of a fork: no other thread's call waits. */
void kr_descriptors_unspare_all(struct kr_descriptors *descriptors);
/* Close one of the monitor's. */
void kr_descriptors_close(struct kr_descriptors *descriptors, int fd);

#endif
