/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asynchronous input and output: io_setup and its kin.
 */
#include "suite.h"

#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#define SOON    (&(struct timespec){ .tv_nsec = 20000000 })
#define AT_ONCE (&(struct timespec){ .tv_nsec = 0 })
#define MANY    300
#define ERRORS  10000 /* what an errno is added to, in the place of a result */

static _Alignas(4096) char room[2 * PAGE];
static struct io_event events[MANY];

static aio_context_t make_context(unsigned count)
{
	aio_context_t context = 0;

	if (S(io_setup, count, &context) != 0) {
		abort();
	}
	return context;
}

static long submit_one(aio_context_t context, struct iocb *request)
{
	return S(io_submit, context, 1, &request);
}

/* The first event: which request, what it said, and its data. */
static void say_event(const char *what, const struct iocb *request)
{
	char name[64];

	snprintf(name, sizeof name, "%s, object", what);
	say(name, events[0].obj == (uintptr_t)request);
	snprintf(name, sizeof name, "%s, data", what);
	say(name, (long)events[0].data);
	snprintf(name, sizeof name, "%s, result", what);
	say(name, events[0].res < 0 ? ERRORS - events[0].res : events[0].res);
	snprintf(name, sizeof name, "%s, second result", what);
	say(name, events[0].res2);
}

static void run(const char *what, aio_context_t context, struct iocb *request)
{
	char name[64];

	snprintf(name, sizeof name, "%s, submitted", what);
	if (say(name, submit_one(context, request)) == 1) {
		snprintf(name, sizeof name, "%s, got", what);
		say(name, S(io_getevents, context, 1, 2, events, NULL));
		say_event(what, request);
	}
}

TEST(io_setup02)
{
	aio_context_t context = 0;
	aio_context_t used = 1;
	uint32_t *ring;

	say("one", S(io_setup, 1, &context));
	ring = (uint32_t *)context;
	say("a ring can be read", ring[2] == 0 && ring[3] == 0 && ring[1] > 1);
	say("again", S(io_setup, 1, &context));
	say("not zero", S(io_setup, 1, &used));
	say("unchanged", (long)used);
	used = 0;
	say("none", S(io_setup, 0, &used));
	say("too many", S(io_setup, 0x10000000, &used));
	say("more than there may be", S(io_setup, 0x7fffff, &used));
	say("-1", S(io_setup, -1, &used));
	say("in the child", wait_child(start_child((int (*)(void *))(uintptr_t)getpid, NULL)) != 0);
	EACH_BAD_OUT("context", S(io_setup, 1, P));
	EACH_BAD_OUT("context of none", S(io_setup, 0, P));
}

static int use_parents(void *argument)
{
	aio_context_t context = *(aio_context_t *)argument;
	aio_context_t own = 0;

	say("the parent's", S(io_getevents, context, 0, 1, events, AT_ONCE));
	say("destroy the parent's", S(io_destroy, context));
	say("an own one", S(io_setup, 4, &own));
	say("destroy it", S(io_destroy, own));
	return 0;
}

TEST(io_destroy02)
{
	aio_context_t context = make_context(4);
	aio_context_t other = make_context(4);

	say("child", (fflush(stdout), wait_child(start_child(use_parents, &context))));
	say("still there", S(io_getevents, context, 0, 1, events, AT_ONCE));
	say("destroy", S(io_destroy, context));
	say("again", S(io_destroy, context));
	say("use it", S(io_getevents, context, 0, 1, events, AT_ONCE));
	say("submit", S(io_submit, context, 0, NULL));
	say("the other", S(io_getevents, other, 0, 1, events, AT_ONCE));
	say("none", S(io_destroy, 0));
	EACH_BAD_IN("context", S(io_destroy, P));
}

TEST(io_submit03)
{
	aio_context_t context = make_context(8);
	int fd = make_file("f", 100);
	int bell = eventfd(0, EFD_NONBLOCK);
	struct iovec vectors[2] = { { room, 3 }, { room + 10, 4 } };
	struct iocb read = {
		.aio_data = 7, .aio_fildes = (unsigned)fd, .aio_buf = (uintptr_t)room, .aio_nbytes = 10
	};
	struct iocb readv = { .aio_lio_opcode = IOCB_CMD_PREADV,
			      .aio_fildes = (unsigned)fd,
			      .aio_buf = (uintptr_t)vectors,
			      .aio_nbytes = 2,
			      .aio_offset = 1 };
	struct iocb write = read;
	struct iocb writev = readv;
	struct iocb sync = { .aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = (unsigned)fd };
	uint64_t rung = 0;

	read.aio_flags = IOCB_FLAG_RESFD;
	read.aio_resfd = (unsigned)bell;
	read.aio_key = 77;
	run("read", context, &read);
	say("key", read.aio_key);
	say_bytes("bytes", room, 10);
	say("bell", (int)(S(read, bell, &rung, 8), rung));
	run("readv", context, &readv);
	say_bytes("readv bytes", room, 14);
	write.aio_lio_opcode = IOCB_CMD_PWRITE;
	write.aio_offset = 95;
	run("write", context, &write);
	writev.aio_lio_opcode = IOCB_CMD_PWRITEV;
	run("writev", context, &writev);
	run("sync", context, &sync);
	sync.aio_lio_opcode = IOCB_CMD_FDSYNC;
	run("data sync", context, &sync);
	say("size", lseek(fd, 0, SEEK_END));
	say_bytes("written", (pread(fd, room, 12, 0), room), 12);
	read.aio_resfd = (unsigned)fd;
	run("no bell", context, &read);
	read.aio_resfd = 999;
	run("closed bell", context, &read);
}

static void try_each(aio_context_t context, struct iocb *request, uint64_t *place, const char *what)
{
	for (size_t i = 0; i <= bad_count; i++) {
		char name[64];

		snprintf(name, sizeof name, "%s %s", what, bad[i].name);
		*place = (uintptr_t)bad[i].at;
		run(name, context, request);
	}
}

TEST(io_submit04)
{
	aio_context_t context = make_context(8);
	int fd = make_file("f", 100);
	struct iovec vector = { room, 3 };
	struct iocb request = { .aio_fildes = (unsigned)fd, .aio_buf = (uintptr_t)room, .aio_nbytes = 10 };
	struct iocb good = request;
	struct iocb *list[3] = { &good, &request, &good };
	char *edge = before_hole(32);

#define WITH(what, change) \
	request = good; \
	change; \
	run(what, context, &request)

	WITH("closed", request.aio_fildes = 999);
	WITH("reserved", request.aio_reserved2 = 1);
	WITH("operation", request.aio_lio_opcode = 99);
	WITH("noop", request.aio_lio_opcode = IOCB_CMD_NOOP);
	WITH("reserved operation", request.aio_lio_opcode = 4);
	WITH("negative size", request.aio_nbytes = -1);
	WITH("negative offset", request.aio_offset = -1);
	WITH("flags", request.aio_flags = 64);
	WITH("rw flags", request.aio_rw_flags = 0x4000);
	WITH("priority", (request.aio_flags = IOCB_FLAG_IOPRIO, request.aio_reqprio = -1));
	WITH("write only", request.aio_fildes = (unsigned)open("f", O_WRONLY));
	WITH("read only",
	     (request.aio_fildes = (unsigned)open("f", O_RDONLY), request.aio_lio_opcode = IOCB_CMD_PWRITE));
	WITH("directory", request.aio_fildes = (unsigned)open(".", O_RDONLY));
	WITH("sync with a buffer", request.aio_lio_opcode = IOCB_CMD_FSYNC);
	WITH("too many vectors", (request.aio_lio_opcode = IOCB_CMD_PREADV, request.aio_nbytes = 1025));
	WITH("no vectors", (request.aio_lio_opcode = IOCB_CMD_PREADV, request.aio_nbytes = 0));
	request = good;
	try_each(context, &request, (uint64_t *)&request.aio_buf, "buffer");
	request = good;
	request.aio_lio_opcode = IOCB_CMD_PWRITE;
	try_each(context, &request, (uint64_t *)&request.aio_buf, "write buffer");
	request = good;
	request.aio_lio_opcode = IOCB_CMD_PREADV;
	request.aio_nbytes = 1;
	try_each(context, &request, (uint64_t *)&request.aio_buf, "vectors");
	request.aio_buf = (uintptr_t)&vector;
	try_each(context, &request, (uint64_t *)(void *)&vector.iov_base, "vector");
	EACH_BAD_IN("list", S(io_submit, context, 1, P));
	EACH_BAD_IN("list of none", S(io_submit, context, 0, P));
	EACH_BAD_OUT("request", submit_one(context, P));
	say("at the hole", S(io_submit, context, 9, (memset(edge, 0, 32), edge)));
	list[1] = NULL;
	say("up to a bad one", S(io_submit, context, 3, list));
	request = good;
	request.aio_fildes = 999;
	list[1] = &request;
	say("up to a wrong one", S(io_submit, context, 3, list));
	say("negative", S(io_submit, context, -1l, list));
	say("no context", S(io_submit, 0, 1, list));
	say("events", S(io_getevents, context, 2, MANY, events, SOON));
}

/* More than are submitted and fetched together, and more than there is room for. */
TEST(io_submit05)
{
	aio_context_t context = make_context(MANY);
	int fd = make_file("f", 100);
	struct iocb requests[MANY];
	struct iocb *list[MANY];
	unsigned long sum = 0;
	long count = 0;

	for (size_t i = 0; i < MANY; i++) {
		requests[i] = (struct iocb){
			.aio_data = i, .aio_fildes = (unsigned)fd, .aio_buf = (uintptr_t)room, .aio_nbytes = i % 50
		};
		list[i] = &requests[i];
	}
	say("submit", S(io_submit, context, MANY, list));
	say("too few", S(io_getevents, context, 0, 5, events, NULL));
	say("get", S(io_getevents, context, MANY - 5, MANY, events, NULL));
	for (size_t i = 0; i < MANY - 5; i++) {
		sum += events[i].obj == (uintptr_t)&requests[events[i].data] ? events[i].data * 1000 : 0;
		sum += (unsigned long)events[i].res;
	}
	say("sum", (long)sum);
	say("no more", S(io_getevents, context, 0, 1, events, NULL));
	for (long got = 1; got > 0 && count<100000; count += got> 0 ? got : 0) {
		got = S(io_submit, context, MANY, list);
	}
	say("full", S(io_submit, context, 1, list));
	say("of all", count >= MANY && count < 10 * MANY);
	while (count > 0) {
		count -= S(io_getevents, context, 1, count < MANY ? count : MANY, events, NULL);
	}
	say("empty", S(io_getevents, context, 0, MANY, events, AT_ONCE));
	say("again", S(io_submit, context, MANY, list));
}

TEST(io_getevents02)
{
	aio_context_t context = make_context(4);
	int fd = make_file("f", 100);
	struct iocb request = { .aio_fildes = (unsigned)fd, .aio_buf = (uintptr_t)room, .aio_nbytes = 10 };
	struct timespec before;
	struct timespec after;

	say("none", S(io_getevents, context, 0, 1, events, NULL));
	clock_gettime(CLOCK_MONOTONIC, &before);
	say("in time", S(io_getevents, context, 1, 1, events, SOON));
	clock_gettime(CLOCK_MONOTONIC, &after);
	say("waited", (after.tv_sec - before.tv_sec) * 1000000000l + after.tv_nsec - before.tv_nsec >= 20000000);
	say("more than most", S(io_getevents, context, 2, 1, events, NULL));
	say("negative", S(io_getevents, context, -1l, 1, events, NULL));
	say("both negative", S(io_getevents, context, -1l, -1l, events, NULL));
	say("no room", S(io_getevents, context, 0, 0, events, NULL));
	say("no context", S(io_getevents, 0, 0, 1, events, NULL));
	say("submit", submit_one(context, &request));
	EACH_BAD_OUT("events", S(io_getevents, context, 1, 1, P, NULL));
	say("kept", S(io_getevents, context, 1, 1, events, SOON));
	say_event("kept", &request);
	say("submit", submit_one(context, &request));
	say("partly in time", S(io_getevents, context, 2, 3, events, SOON));
	for (size_t i = 1; i < bad_count; i++) {
		say_done(bad[i].name, S(io_getevents, context, 0, 1, events, bad[i].at));
	}
}

static void nothing(int number)
{
	(void)number;
}

static void *wait_long(void *context)
{
	long got = S(io_getevents, *(aio_context_t *)context, 1, 1, events, NULL);

	return (void *)(got < 0 ? (long)errno : got);
}

/* A signal ends the wait, and so does the end of the context. */
TEST(io_getevents03)
{
	aio_context_t context = make_context(4);
	const struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	pthread_t thread;
	void *result = NULL;

	sigaction(SIGALRM, &action, NULL);
	ualarm(30000, 0);
	say("signal", S(io_getevents, context, 1, 1, events, NULL));
	pthread_create(&thread, NULL, wait_long, &context);
	usleep(50000);
	say("destroy", S(io_destroy, context));
	pthread_join(thread, &result);
	say("waited for", (long)result);
}

TEST(io_pgetevents01)
{
	aio_context_t context = make_context(4);
	const struct sigaction action = { .sa_handler = nothing };
	uint64_t blocked = 1ull << (SIGALRM - 1);
	struct {
		const void *mask;
		size_t size;
	} mask = { &blocked, 8 };

	sigaction(SIGALRM, &action, NULL);
	say("no mask", S(io_pgetevents, context, 0, 1, events, NULL, NULL));
	say("empty mask", (mask.mask = NULL, S(io_pgetevents, context, 0, 1, events, NULL, &mask)));
	mask.mask = &blocked;
	say("mask", S(io_pgetevents, context, 0, 1, events, NULL, &mask));
	ualarm(5000, 0);
	say("blocked", S(io_pgetevents, context, 1, 1, events, SOON, &mask));
	blocked = 0;
	ualarm(5000, 0);
	say("not blocked", S(io_pgetevents, context, 1, 1, events, NULL, &mask));
	say("size", (mask.size = 4, S(io_pgetevents, context, 0, 1, events, NULL, &mask)));
	mask.size = 8;
	for (size_t i = 1; i <= bad_count; i++) {
		mask.mask = bad[i].at;
		say_done(bad[i].name, S(io_pgetevents, context, 0, 1, events, NULL, &mask));
	}
	EACH_BAD_IN("pair", S(io_pgetevents, context, 0, 1, events, NULL, P));
	mask.mask = NULL;
	say("no context", S(io_pgetevents, 0, 0, 1, events, NULL, &mask));
}

TEST(io_cancel02)
{
	aio_context_t context = make_context(4);
	int pair[2];
	struct iocb poll = { .aio_data = 3, .aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN };
	struct iocb other = poll;
	struct io_event event = { .res = 5 };

	(void)!pipe(pair);
	poll.aio_fildes = (unsigned)pair[0];
	say("submit", submit_one(context, &poll));
	say("other", S(io_cancel, context, &other, &event));
	say("cancel", S(io_cancel, context, &poll, &event));
	say("event", event.res);
	say("get", S(io_getevents, context, 1, 1, events, SOON));
	say_event("cancelled", &poll);
	say("again", S(io_cancel, context, &poll, &event));
	say("submit", submit_one(context, &poll));
	say("write", write(pair[1], "x", 1));
	say("get", S(io_getevents, context, 1, 1, events, NULL));
	say_event("polled", &poll);
	poll.aio_key = 7;
	say("key", S(io_cancel, context, &poll, &event));
	say("no context", (poll.aio_key = 0, S(io_cancel, 0, &poll, &event)));
	EACH_BAD_IN("request", S(io_cancel, context, P, &event));
	poll.aio_buf = 0x10000;
	run("poll of too much", context, &poll);
}
