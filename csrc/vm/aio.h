/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Contexts of asynchronous input and output.  The host's ring of events lies in the monitor's memory, and the
 * requests that the kernel reads are copies there, because it would follow their pointers after any check: an event
 * names the copy, and is translated before the guest gets it.  What the guest takes for the ring is a page without
 * the ring's magic number, by which those who would read events there know that they have to ask the kernel.
 *
 * A context is in use (`users`) by its list and by each call that is at work with it.  One that has been destroyed
 * stays in the list until the last of those calls has ended.
 */
#ifndef KR_VM_AIO_H
#define KR_VM_AIO_H

#include "machine.h"

#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A request that has been submitted and whose event the guest has not got, or a free place for one. */
struct kr_aio_request {
	struct iocb copy;
	uint64_t guest; /* address of the guest's own, 0 for none */
	uint32_t next;  /* of a free one: the next, counted from 1 */
};

struct kr_aio {
	struct kr_aio *next;
	uint64_t host;  /* the kernel's name of it: where the ring lies */
	uint64_t guest; /* the guest's: the address of the page */
	uint32_t users;
	bool is_destroyed;
	size_t bytes;          /* of this structure */
	uint32_t count;        /* of `requests` */
	uint32_t used;         /* so many have been in use at some time */
	uint32_t free;         /* the first free one of them, counted from 1 */
	struct io_event *kept; /* events that could not be written to the guest's memory, oldest first */
	size_t kept_count;
	size_t kept_capacity;
	struct kr_aio_request requests[];
};

/* A new context for so many events as the guest wants, in use by the caller.  0 or -errno. */
int kr_aio_create(struct kr_machine *machine, uint32_t events, struct kr_aio **made);
/* The guest's context, from now on in use by the caller; NULL when there is none. */
struct kr_aio *kr_aio_use(struct kr_machine *machine, uint64_t guest);
void kr_aio_release(struct kr_machine *machine, struct kr_aio *aio);
/* Waits for its requests.  The caller still has to release it.  0 or -errno. */
int kr_aio_destroy(struct kr_machine *machine, struct kr_aio *aio);
/* In the child of a fork, which has none of its parent's. */
void kr_aio_forget(struct kr_machine *machine);

/* A place for a request, NULL when there are as many as there can be events. */
struct kr_aio_request *kr_aio_take(struct kr_machine *machine, struct kr_aio *aio, uint64_t guest);
/* It was not submitted. */
void kr_aio_put_back(struct kr_machine *machine, struct kr_aio *aio, struct kr_aio_request *request);
/* Make events of the host the guest's: they name its requests, whose places are free again. */
void kr_aio_translate(struct kr_machine *machine, struct kr_aio *aio, struct io_event *events, size_t count);
/* Keep events for the next who asks. */
void kr_aio_keep(struct kr_machine *machine, struct kr_aio *aio, const struct io_event *events, size_t count);
/* Take up to `most` kept events; how many there were. */
size_t kr_aio_take_kept(struct kr_machine *machine, struct kr_aio *aio, struct io_event *events, size_t most);

#endif
