/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aio.h"

#include "calls.h"
#include "grow.h"
#include "layout.h"
#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_NAMESAKES 64u

/* The head of the ring, as the kernel lays it out. */
struct ring {
	uint32_t id;
	uint32_t count; /* of events that have room */
	uint32_t head;
	uint32_t tail;
	uint32_t magic;
	uint32_t compat_features;
	uint32_t incompat_features;
	uint32_t header_bytes;
};

static void lock(struct kr_machine *machine)
{
	kr_machine_lock_memory(machine);
}

static void unlock(struct kr_machine *machine)
{
	kr_machine_unlock_memory(machine);
}

static const struct ring *ring_at(uint64_t host)
{
	return (const struct ring *)(uintptr_t)host;
}

/* A call that found a destroyed context, and has not come to the kernel yet, would come to the one of this name. */
static bool has_namesake(struct kr_machine *machine, uint64_t host)
{
	bool found = false;

	lock(machine);
	for (const struct kr_aio *aio = machine->aio; aio != NULL && !found; aio = aio->next) {
		found = aio->host == host;
	}
	unlock(machine);
	return found;
}

static int set_up(struct kr_machine *machine, uint32_t events, uint64_t *host)
{
	uint64_t rejected[MOST_NAMESAKES];
	size_t count = 0;
	int result;

	for (;;) {
		*host = 0;
		result = syscall(SYS_io_setup, events, host) == 0 ? 0 : -errno;
		if (result < 0 || !has_namesake(machine, *host)) {
			break;
		}
		if (count == MOST_NAMESAKES) {
			(void)syscall(SYS_io_destroy, *host);
			result = -EAGAIN;
			break;
		}
		rejected[count++] = *host;
	}
	while (count > 0) {
		(void)syscall(SYS_io_destroy, rejected[--count]);
	}
	return result;
}

/* What the guest takes for the ring.  memory_lock is held. */
static int map_page(struct kr_machine *machine, const struct ring *ring, uint64_t *at)
{
	const struct ring shown = { .id = ring->id,
				    .count = ring->count,
				    .incompat_features = UINT32_MAX,
				    .header_bytes = ring->header_bytes };
	int result;

	*at = kr_arena_find_free(&machine->arena, KR_PAGE, machine->arena.mmap_top, KR_PAGE);
	if (*at == 0) {
		return -ENOMEM;
	}
	result = kr_memory_map(machine, *at, KR_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return result < 0 ? result : kr_copy_to_guest(*at, &shown, sizeof shown);
}

static struct kr_aio *allocate(uint32_t count)
{
	size_t bytes = sizeof(struct kr_aio) + count * sizeof(struct kr_aio_request);
	struct kr_aio *aio =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (aio == MAP_FAILED) {
		return NULL;
	}
	aio->bytes = bytes;
	aio->count = count;
	return aio;
}

int kr_aio_create(struct kr_machine *machine, uint32_t events, struct kr_aio **made)
{
	struct kr_aio *aio;
	uint64_t host;
	int result = set_up(machine, events, &host);

	if (result < 0) {
		return result;
	}
	aio = allocate(ring_at(host)->count);
	if (aio == NULL) {
		(void)syscall(SYS_io_destroy, host);
		return -ENOMEM;
	}
	aio->host = host;
	aio->users = 2; /* the list and the caller */
	lock(machine);
	result = map_page(machine, ring_at(host), &aio->guest);
	if (result == 0) {
		aio->next = machine->aio;
		machine->aio = aio;
	}
	unlock(machine);
	if (result < 0) {
		(void)syscall(SYS_io_destroy, host);
		(void)munmap(aio, aio->bytes);
		return result;
	}
	*made = aio;
	return 0;
}

struct kr_aio *kr_aio_use(struct kr_machine *machine, uint64_t guest)
{
	struct kr_aio *aio;

	lock(machine);
	aio = machine->aio;
	while (aio != NULL && (aio->guest != guest || aio->is_destroyed)) {
		aio = aio->next;
	}
	if (aio != NULL) {
		aio->users++;
	}
	unlock(machine);
	return aio;
}

static void free_context(struct kr_aio *aio)
{
	if (aio->kept != NULL) {
		(void)munmap(aio->kept, aio->kept_capacity * sizeof *aio->kept);
	}
	(void)munmap(aio, aio->bytes);
}

void kr_aio_release(struct kr_machine *machine, struct kr_aio *aio)
{
	struct kr_aio **link = &machine->aio;
	bool is_last;

	lock(machine);
	is_last = --aio->users == 0;
	while (is_last && *link != aio) {
		link = &(*link)->next;
	}
	if (is_last) {
		*link = aio->next;
	}
	unlock(machine);
	if (is_last) {
		free_context(aio);
	}
}

int kr_aio_destroy(struct kr_machine *machine, struct kr_aio *aio)
{
	bool is_first;
	int result;

	lock(machine);
	is_first = !aio->is_destroyed;
	if (is_first) {
		aio->is_destroyed = true;
		(void)kr_memory_unmap(machine, aio->guest, KR_PAGE);
	}
	unlock(machine);
	if (!is_first) {
		return -EINVAL;
	}
	result = syscall(SYS_io_destroy, aio->host) == 0 ? 0 : -errno;
	kr_aio_release(machine, aio);
	return result;
}

void kr_aio_forget(struct kr_machine *machine)
{
	while (machine->aio != NULL) {
		struct kr_aio *aio = machine->aio;

		machine->aio = aio->next;
		if (!aio->is_destroyed) {
			(void)munmap(
				(void *)(uintptr_t)aio->host,
				kr_align_up(sizeof(struct ring) + aio->count * sizeof(struct io_event), KR_PAGE));
		}
		free_context(aio);
	}
}

struct kr_aio_request *kr_aio_take(struct kr_machine *machine, struct kr_aio *aio, uint64_t guest)
{
	struct kr_aio_request *request = NULL;

	lock(machine);
	if (aio->free != 0) {
		request = &aio->requests[aio->free - 1];
		aio->free = request->next;
	} else if (aio->used < aio->count) {
		request = &aio->requests[aio->used++];
	}
	if (request != NULL) {
		request->guest = guest;
	}
	unlock(machine);
	return request;
}

static void free_request(struct kr_aio *aio, struct kr_aio_request *request)
{
	request->guest = 0;
	request->next = aio->free;
	aio->free = (uint32_t)(request - aio->requests) + 1;
}

void kr_aio_put_back(struct kr_machine *machine, struct kr_aio *aio, struct kr_aio_request *request)
{
	lock(machine);
	free_request(aio, request);
	unlock(machine);
}

void kr_aio_translate(struct kr_machine *machine, struct kr_aio *aio, struct io_event *events, size_t count)
{
	lock(machine);
	for (size_t i = 0; i < count; i++) {
		/* The copy is the first that a request has. */
		struct kr_aio_request *request = (struct kr_aio_request *)(uintptr_t)events[i].obj;

		events[i].obj = request->guest;
		free_request(aio, request);
	}
	unlock(machine);
}

void kr_aio_keep(struct kr_machine *machine, struct kr_aio *aio, const struct io_event *events, size_t count)
{
	void *kept;

	lock(machine);
	kept = aio->kept;
	if (kr_grow(&kept, &aio->kept_capacity, aio->kept_count + count, sizeof *events) == 0) {
		aio->kept = kept;
		memcpy(&aio->kept[aio->kept_count], events, count * sizeof *events);
		aio->kept_count += count;
	}
	unlock(machine);
}

size_t kr_aio_take_kept(struct kr_machine *machine, struct kr_aio *aio, struct io_event *events, size_t most)
{
	size_t count;

	lock(machine);
	count = aio->kept_count < most ? aio->kept_count : most;
	if (count > 0) {
		memcpy(events, aio->kept, count * sizeof *events);
		aio->kept_count -= count;
		memmove(aio->kept, &aio->kept[count], aio->kept_count * sizeof *events);
	}
	unlock(machine);
	return count;
}
