/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asynchronous input and output: io_setup and its kin.  How the guest's contexts stand to the kernel's is aio.h's.
 */
#include "aio.h"
#include "hypercall.h"
#include "thread.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

kr_handler kr_call_io_setup;
kr_handler kr_call_io_destroy;
kr_handler kr_call_io_submit;
kr_handler kr_call_io_cancel;
kr_handler kr_call_io_getevents;
kr_handler kr_call_io_pgetevents;

#define BATCH       16u  /* requests that are submitted together */
#define EVENTS      128u /* that are fetched together */
#define UNKNOWN     UINT16_MAX
#define NANOSECONDS 1000000000ll
#define ENDLESS     1000000000ll /* seconds */
#define KEY_OF_IOCB 0u
#define NO_VECTORS  ((uint64_t)IOV_MAX + 1)

int64_t kr_call_io_setup(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_machine *machine = thread->machine;
	struct kr_aio *aio;
	uint64_t context;
	int result;

	if (kr_copy_from_guest(&context, call->arg[1], sizeof context) < 0) {
		return -EFAULT;
	}
	if (context != 0) {
		return -EINVAL;
	}
	result = kr_aio_create(machine, (uint32_t)call->arg[0], &aio);
	if (result < 0) {
		return result;
	}
	result = kr_copy_to_guest(call->arg[1], &aio->guest, sizeof aio->guest);
	if (result < 0) {
		(void)kr_aio_destroy(machine, aio);
	}
	kr_aio_release(machine, aio);
	return result;
}

int64_t kr_call_io_destroy(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_aio *aio = kr_aio_use(thread->machine, call->arg[0]);
	int result;

	if (aio == NULL) {
		return -EINVAL;
	}
	result = kr_aio_destroy(thread->machine, aio);
	kr_aio_release(thread->machine, aio);
	return result;
}

/* The vectors of a request are copied.  -ENOMEM when there is no room left for that. */
static int check_vectors(struct kr_scratch *scratch, struct iocb *copy)
{
	uint64_t to = 0;
	int result = kr_copy_iovec(scratch, copy->aio_buf, copy->aio_nbytes, &to);

	if (result == -EINVAL) {
		copy->aio_nbytes = copy->aio_nbytes > INT64_MAX ? copy->aio_nbytes : NO_VECTORS;
		copy->aio_buf = 0;
		return 0;
	}
	if (result == -EFAULT) {
		copy->aio_buf = kr_stand_in(copy->aio_buf, copy->aio_nbytes * sizeof(struct iovec));
		return 0;
	}
	copy->aio_buf = to;
	return result;
}

/* Make a request what the kernel may see of it. */
static int check_request(struct kr_scratch *scratch, struct iocb *copy)
{
	if (kr_is_monitor_fd((int)copy->aio_fildes)) {
		copy->aio_fildes = UINT32_MAX;
	}
	if ((copy->aio_flags & IOCB_FLAG_RESFD) != 0 && kr_is_monitor_fd((int)copy->aio_resfd)) {
		copy->aio_resfd = UINT32_MAX;
	}
	switch (copy->aio_lio_opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PWRITE:
		if (!kr_guest_has(copy->aio_buf, copy->aio_nbytes)) {
			copy->aio_buf = kr_stand_in(copy->aio_buf, copy->aio_nbytes);
		}
		return 0;
	case IOCB_CMD_PREADV:
	case IOCB_CMD_PWRITEV:
		return check_vectors(scratch, copy);
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
	case IOCB_CMD_POLL:
		return 0;
	default:
		copy->aio_lio_opcode = UNKNOWN;
		return 0;
	}
}

/* Copy the request that the guest's list names at `entry`.  0 or -errno; -ENOMEM when others have to go first. */
static int prepare(struct kr_thread *thread, struct kr_aio *aio, struct kr_scratch *scratch, uint64_t entry,
		   struct kr_aio_request **prepared)
{
	const uint32_t key = KEY_OF_IOCB;
	struct kr_aio_request *request;
	struct iocb copy;
	uint64_t from;
	int result;

	if (kr_copy_from_guest(&from, entry, sizeof from) < 0 || kr_copy_from_guest(&copy, from, sizeof copy) < 0 ||
	    kr_copy_to_guest(from + offsetof(struct iocb, aio_key), &key, sizeof key) < 0) {
		return -EFAULT;
	}
	result = check_request(scratch, &copy);
	if (result < 0) {
		return result;
	}
	request = kr_aio_take(thread->machine, aio, from);
	if (request == NULL) {
		return -EAGAIN;
	}
	request->copy = copy;
	*prepared = request;
	return 0;
}

/* Submit as many of `count` as go together.  How many went, or -errno when none did. */
static int64_t submit_some(struct kr_thread *thread, struct kr_aio *aio, uint64_t list, uint64_t count)
{
	struct kr_aio_request *batch[BATCH];
	struct kr_scratch scratch;
	uint64_t size = 0;
	int64_t done = 0;
	int failed = 0;

	KR_SCRATCH_INIT(&scratch);
	while (size < count && size < BATCH && failed == 0) {
		failed = prepare(thread, aio, &scratch, list + size * sizeof(uint64_t), &batch[size]);
		size += failed == 0 ? 1 : 0;
	}
	if (size == 0) {
		return failed;
	}
	done = kr_host_call(thread, SYS_io_submit,
			    (const uint64_t[6]){ aio->host, size, (uint64_t)(uintptr_t)batch, 0, 0, 0 });
	for (uint64_t i = done < 0 ? 0 : (uint64_t)done; i < size; i++) {
		kr_aio_put_back(thread->machine, aio, batch[i]);
	}
	return done;
}

static int64_t submit(struct kr_thread *thread, struct kr_aio *aio, uint64_t list, uint64_t count)
{
	uint64_t done = 0;

	count = count < aio->count ? count : aio->count;
	while (done < count) {
		int64_t some = submit_some(thread, aio, list + done * sizeof(uint64_t), count - done);

		if (some <= 0) {
			return done > 0 ? (int64_t)done : some;
		}
		done += (uint64_t)some;
	}
	return (int64_t)done;
}

int64_t kr_call_io_submit(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_aio *aio = (int64_t)call->arg[1] < 0 ? NULL : kr_aio_use(thread->machine, call->arg[0]);
	int64_t result;

	if (aio == NULL) {
		return -EINVAL;
	}
	result = submit(thread, aio, call->arg[2], call->arg[1]);
	kr_aio_release(thread->machine, aio);
	return result;
}

/* The kernel knows the request by its copy; a guest may have submitted one twice. */
static int64_t cancel(struct kr_thread *thread, struct kr_aio *aio, uint64_t guest)
{
	int64_t result = -EINVAL;

	for (uint32_t i = 0; i < aio->used && result == -EINVAL; i++) {
		struct kr_aio_request *request = &aio->requests[i];

		if (request->guest == guest) {
			result = kr_host_call(
				thread, SYS_io_cancel,
				(const uint64_t[6]){ aio->host, (uint64_t)(uintptr_t)&request->copy, 0, 0, 0, 0 });
		}
	}
	return result;
}

int64_t kr_call_io_cancel(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_aio *aio;
	uint32_t key;
	int64_t result;

	if (kr_copy_from_guest(&key, call->arg[1] + offsetof(struct iocb, aio_key), sizeof key) < 0) {
		return -EFAULT;
	}
	aio = key == KEY_OF_IOCB ? kr_aio_use(thread->machine, call->arg[0]) : NULL;
	if (aio == NULL) {
		return -EINVAL;
	}
	result = cancel(thread, aio, call->arg[1]);
	kr_aio_release(thread->machine, aio);
	return result;
}

/* What the guest asks for, and how it waits. */
struct wish {
	uint64_t least;
	uint64_t most;
	uint64_t to;
	bool has_timeout;
	struct timespec timeout;
	bool has_mask;
	uint64_t mask;
};

/* A call that is made again waits for what is left of its time, or no longer. */
static void begin_again(struct wish *wish, bool has_enough, struct timespec *begin)
{
	struct timespec now;
	int64_t left;

	if (has_enough) {
		wish->has_timeout = true;
		wish->timeout = (struct timespec){ 0, 0 };
		return;
	}
	if (!wish->has_timeout || wish->timeout.tv_sec > ENDLESS) {
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	left = (wish->timeout.tv_sec - now.tv_sec + begin->tv_sec) * NANOSECONDS + wish->timeout.tv_nsec -
	       now.tv_nsec + begin->tv_nsec;
	left = left > 0 ? left : 0;
	*begin = now;
	wish->timeout = (struct timespec){ .tv_sec = left / NANOSECONDS, .tv_nsec = left % NANOSECONDS };
}

static int64_t fetch(struct kr_thread *thread, struct kr_aio *aio, const struct wish *wish, uint64_t least,
		     uint64_t most, struct io_event *events)
{
	const uint64_t arg[6] = { aio->host,
				  least,
				  most,
				  (uint64_t)(uintptr_t)events,
				  wish->has_timeout ? (uint64_t)(uintptr_t)&wish->timeout : 0,
				  0 };
	int64_t got = (int64_t)kr_aio_take_kept(thread->machine, aio, events, most);

	if (got > 0) {
		return got;
	}
	got = wish->has_mask ? kr_host_call_masked(thread, SYS_io_pgetevents, arg, wish->mask)
			     : kr_host_call(thread, SYS_io_getevents, arg);
	if (got > 0) {
		kr_aio_translate(thread->machine, aio, events, (size_t)got);
	}
	return got;
}

static int64_t get_events(struct kr_thread *thread, struct kr_aio *aio, struct wish *wish)
{
	struct io_event events[EVENTS];
	struct timespec begin;
	uint64_t done = 0;
	int64_t got;

	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		uint64_t most = wish->most - done < EVENTS ? wish->most - done : EVENTS;
		uint64_t least = wish->least > done ? wish->least - done : 0;

		got = fetch(thread, aio, wish, least < most ? least : most, most, events);
		if (got <= 0) {
			break;
		}
		if (kr_copy_to_guest(wish->to + done * sizeof events[0], events, (size_t)got * sizeof events[0]) <
		    0) {
			kr_aio_keep(thread->machine, aio, events, (size_t)got);
			got = -EFAULT;
			break;
		}
		done += (uint64_t)got;
		begin_again(wish, done >= wish->least, &begin);
	} while (done < wish->most && ((uint64_t)got == EVENTS || done < wish->least));
	return done > 0 ? (int64_t)done : got;
}

static int64_t get_events_of(struct kr_thread *thread, const struct kr_call *call, struct wish *wish)
{
	struct kr_aio *aio = kr_aio_use(thread->machine, call->arg[0]);
	int64_t least = (int64_t)call->arg[1];
	int64_t result = -EINVAL;

	if (aio == NULL) {
		return -EINVAL;
	}
	if (least >= 0 && least <= (int64_t)call->arg[2]) {
		wish->least = call->arg[1];
		wish->most = call->arg[2];
		wish->to = call->arg[3];
		result = get_events(thread, aio, wish);
	}
	kr_aio_release(thread->machine, aio);
	return result;
}

static int read_timeout(uint64_t from, struct wish *wish)
{
	wish->has_timeout = from != 0;
	return from != 0 ? kr_copy_from_guest(&wish->timeout, from, sizeof wish->timeout) : 0;
}

int64_t kr_call_io_getevents(struct kr_thread *thread, const struct kr_call *call)
{
	struct wish wish = { .has_mask = false };

	return read_timeout(call->arg[4], &wish) < 0 ? -EFAULT : get_events_of(thread, call, &wish);
}

int64_t kr_call_io_pgetevents(struct kr_thread *thread, const struct kr_call *call)
{
	struct wish wish = { .has_mask = false };
	struct {
		uint64_t address;
		uint64_t size;
	} mask = { 0, 0 };

	if (read_timeout(call->arg[4], &wish) < 0 ||
	    (call->arg[5] != 0 && kr_copy_from_guest(&mask, call->arg[5], sizeof mask) < 0)) {
		return -EFAULT;
	}
	if (mask.address != 0) {
		if (mask.size != sizeof wish.mask) {
			return -EINVAL;
		}
		if (kr_copy_from_guest(&wish.mask, mask.address, sizeof wish.mask) < 0) {
			return -EFAULT;
		}
		wish.has_mask = true;
	}
	return get_events_of(thread, call, &wish);
}
