/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Attaching System V shared memory to the guest.
 */
#include "arena.h"
#include "hypercall.h"
#include "layout.h"
#include "memory.h"
#include "thread.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

kr_handler kr_call_shmat;
kr_handler kr_call_shmdt;

/* The page-aligned size of a segment. */
static int64_t size_of(struct kr_thread *thread, uint64_t id)
{
	struct shmid_ds segment;
	const uint64_t arg[6] = { id, IPC_STAT, (uint64_t)(uintptr_t)&segment, 0, 0, 0 };
	int64_t failed = kr_host_call(thread, SYS_shmctl, arg);

	return failed < 0 ? failed : (int64_t)kr_align_up(segment.shm_segsz, KR_PAGE);
}

/* Where the guest wants the segment, or a free place.  An address or -errno. */
static int64_t choose_address(const struct kr_arena *arena, uint64_t wish, uint64_t size, int flags)
{
	uint64_t at;

	if (wish == 0) {
		if ((flags & SHM_REMAP) != 0) {
			return -EINVAL;
		}
		at = kr_arena_find_free(arena, size, arena->mmap_top, KR_PAGE);
		return at != 0 ? (int64_t)at : -ENOMEM;
	}
	if (wish % KR_PAGE != 0 && (flags & SHM_RND) == 0) {
		return -EINVAL;
	}
	at = kr_align_down(wish, KR_PAGE);
	if ((flags & SHM_REMAP) == 0 && kr_arena_touches(arena, at, at + size)) {
		return -EINVAL;
	}
	if (!kr_arena_holds(at, size)) {
		return -ENOMEM;
	}
	return (int64_t)at;
}

/* Put the segment at `at`, of which `size` bytes are the guest's.  Another one may have its number by now, and the
 * kernel would lay all of that there, over the end of the guest's memory too: it is attached elsewhere first, and
 * what it has of `size` is moved. */
static int64_t take_over(struct kr_thread *thread, uint64_t id, uint64_t at, uint64_t size, uint64_t flags)
{
	int64_t aside = kr_host_call(thread, SYS_shmat, (const uint64_t[6]){ id, 0, flags, 0, 0, 0 });
	bool is_whole;

	if (aside < 0) {
		return aside;
	}
	is_whole = mremap((void *)(uintptr_t)aside, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
			  (void *)(uintptr_t)at) != MAP_FAILED;
	is_whole = syscall(SYS_shmdt, aside) != 0 && is_whole;
	return is_whole ? (int64_t)at : -EIDRM;
}

/* An anonymous mapping makes the place the guest's, the segment then takes it over. */
static int64_t attach(struct kr_thread *thread, const struct kr_call *call, uint64_t size)
{
	int flags = (int)(uint32_t)call->arg[2];
	int prot = PROT_READ | ((flags & SHM_RDONLY) != 0 ? 0 : PROT_WRITE) |
		   ((flags & SHM_EXEC) != 0 ? PROT_EXEC : 0);
	int64_t at = choose_address(&thread->machine->arena, call->arg[1], size, flags);
	int64_t result;

	if (at < 0) {
		return at;
	}
	result = kr_memory_map(thread->machine, (uint64_t)at, size, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (result < 0) {
		return result;
	}
	/* Nothing of the guest is executable on the host. */
	result = take_over(thread, call->arg[0], (uint64_t)at, size, (uint64_t)(flags & SHM_RDONLY));
	if (result < 0) {
		(void)kr_memory_unmap(thread->machine, (uint64_t)at, size);
	}
	return result;
}

int64_t kr_call_shmat(struct kr_thread *thread, const struct kr_call *call)
{
	int64_t result;
	int64_t size;

	kr_machine_lock_memory(thread->machine);
	size = size_of(thread, call->arg[0]);
	if (size > 0) {
		result = attach(thread, call, (uint64_t)size);
	} else {
		result = size < 0 ? size : -EINVAL;
	}
	kr_machine_unlock_memory(thread->machine);
	return result;
}

/* How much of the guest's memory from `start` on the host no longer has. */
static uint64_t lost_bytes(struct kr_thread *thread, uint64_t start)
{
	const struct kr_region *region = kr_arena_find(&thread->machine->arena, start);
	uint64_t end = start;

	while (region != NULL && end < region->end) {
		unsigned char state;

		if (mincore((void *)(uintptr_t)end, KR_PAGE, &state) == 0 || errno != ENOMEM) {
			break;
		}
		end += KR_PAGE;
	}
	return end - start;
}

int64_t kr_call_shmdt(struct kr_thread *thread, const struct kr_call *call)
{
	const uint64_t at = call->arg[0];
	int64_t result;

	/* The kernel would detach a segment of the monitor's too; it has none, but let it not be asked. */
	if (at % KR_PAGE != 0 || !kr_guest_has(at, KR_PAGE)) {
		return -EINVAL;
	}
	kr_machine_lock_memory(thread->machine);
	result = kr_host_call(thread, SYS_shmdt, (const uint64_t[6]){ at, 0, 0, 0, 0, 0 });
	if (result == 0) {
		uint64_t lost = lost_bytes(thread, at);

		result = lost > 0 ? kr_memory_unmap(thread->machine, at, lost) : 0;
	}
	kr_machine_unlock_memory(thread->machine);
	return result;
}
