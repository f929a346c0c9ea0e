/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory.h"

#include "calls.h"
#include "layout.h"
#include "rlimit.h"
#include "paging.h"
#include "thread.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#define PROT_KNOWN  (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PROT_SEM    0x8
#define PREFILL     (2 * KR_BLOCK) /* larger mappings are filled where they are touched */
#define BELOW_2_GIB 0x80000000ull
/* What is put in place at once instead of page by page as it is touched. */
#define EAGER_SMALL   (32ull << 10)
#define EAGER_HEAP    (256ull << 10) /* more of it, after what the C library takes first: */
#define HEAP_FIRST    (128ull << 10)
#define EAGER_SEGMENT (2ull << 20) /* of a program or library: data that it comes with */

static void *host(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

/* On this processor what can be written or executed can be read, and nothing is executable on the host. */
static int host_prot(int prot)
{
	return (prot & PROT_WRITE) | (prot != PROT_NONE ? PROT_READ : 0);
}

static void prefill(struct kr_machine *machine, uint64_t start, uint64_t size)
{
	if (size <= PREFILL) {
		kr_paging_fill(machine, start, start + size);
	}
}

/* A first touch in the guest costs far more than what the host takes to have a page ready, twice that where the
 * page is read before it is written, and KVM maps with it the neighbours that are ready.  What is small, private
 * and writable is used as a rule, and so is more heap for a program that has used up what it had.  Of files, only
 * what a loader puts in place: a private page shows what others write to the file until it is written itself. */
static uint64_t eager_size(const struct kr_arena *arena, uint64_t start, int flags)
{
	if ((flags & MAP_ANONYMOUS) == 0) {
		return (flags & MAP_DENYWRITE) != 0 ? EAGER_SEGMENT : 0;
	}
	if (start == kr_align_up(arena->brk, KR_PAGE) && arena->brk - arena->brk_start >= HEAP_FIRST) {
		return EAGER_HEAP;
	}
	return EAGER_SMALL;
}

static bool is_eager(const struct kr_arena *arena, uint64_t start, uint64_t size, int prot, int flags)
{
	return (flags & MAP_TYPE) == MAP_PRIVATE && (prot & PROT_WRITE) != 0 &&
	       size <= eager_size(arena, start, flags);
}

/* A file system mounted with noexec has nothing to execute; the host does not see that it is asked for. */
static bool is_noexec(int flags, int fd)
{
	struct statvfs info;

	return (flags & MAP_ANONYMOUS) == 0 && fstatvfs(fd, &info) == 0 && (info.f_flag & ST_NOEXEC) != 0;
}

static int map(struct kr_machine *machine, uint64_t start, uint64_t size, int prot, int flags, int fd,
	       int64_t offset)
{
	int host_flags = (flags & ~(MAP_FIXED_NOREPLACE | MAP_GROWSDOWN | MAP_32BIT)) | MAP_FIXED |
			 (is_eager(&machine->arena, start, size, prot, flags) ? MAP_POPULATE : 0);
	const bool is_shared = (flags & MAP_SHARED) != 0;
	const bool is_stack = start == machine->arena.stack_start; /* it counts as it grows */
	uint64_t more = is_stack ? 0 : size - kr_arena_count(&machine->arena, start, start + size);
	int result = kr_arena_reserve(&machine->arena);

	if (result < 0) {
		return result;
	}
	if (!kr_limits_allow(machine, more, !is_shared && (prot & PROT_WRITE) != 0 ? more : 0)) {
		return -ENOMEM;
	}
	kr_paging_drop(machine, start, start + size);
	if (mmap(host(start), size, host_prot(prot), host_flags, fd, offset) == MAP_FAILED) {
		return -errno;
	}
	kr_arena_set(&machine->arena, (struct kr_region){ .start = start,
							  .end = start + size,
							  .prot = prot & PROT_KNOWN,
							  .is_shared = is_shared,
							  .is_noexec = is_noexec(flags, fd) });
	prefill(machine, start, size);
	return 0;
}

static int unmap(struct kr_machine *machine, uint64_t start, uint64_t size)
{
	int result = kr_arena_reserve(&machine->arena);

	if (result < 0) {
		return result;
	}
	kr_paging_drop(machine, start, start + size);
	if (munmap(host(start), size) != 0) {
		return -errno;
	}
	kr_arena_clear(&machine->arena, start, start + size);
	return 0;
}

/* Taking away only the right to execute is no change on the host, and KVM would not hear of it. */
static bool is_unseen_by_host(const struct kr_arena *arena, uint64_t start, uint64_t end, int prot)
{
	if ((prot & PROT_EXEC) != 0) {
		return false;
	}
	for (const struct kr_region *region = kr_arena_next(arena, start); region != NULL && region->start < end;
	     region = kr_arena_next(arena, region->end)) {
		if ((region->prot & PROT_EXEC) != 0 && host_prot(region->prot) == host_prot(prot)) {
			return true;
		}
	}
	return false;
}

static int protect(struct kr_machine *machine, uint64_t start, uint64_t size, int prot)
{
	bool is_unseen = is_unseen_by_host(&machine->arena, start, start + size, prot);
	uint64_t data = (prot & PROT_WRITE) != 0
				? kr_arena_count_private_readonly(&machine->arena, start, start + size)
				: 0;
	int result = kr_arena_reserve(&machine->arena);

	if (result < 0) {
		return result;
	}
	if (!kr_limits_allow(machine, 0, data)) {
		return -ENOMEM;
	}
	kr_paging_drop(machine, start, start + size);
	if (is_unseen && mprotect(host(start), size, PROT_NONE) != 0) {
		return -errno;
	}
	if (mprotect(host(start), size, host_prot(prot)) != 0) {
		return -errno;
	}
	__atomic_fetch_add(&machine->withdrawals, is_unseen ? 1 : 0, __ATOMIC_RELEASE);
	kr_arena_protect(&machine->arena, start, start + size, prot);
	prefill(machine, start, size);
	return 0;
}

static void set_span(struct kr_span *span, uint64_t start, uint64_t end)
{
	__atomic_store_n(&span->end, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&span->start, start, __ATOMIC_SEQ_CST);
	__atomic_store_n(&span->end, end, __ATOMIC_SEQ_CST);
}

int kr_memory_map(struct kr_machine *machine, uint64_t start, uint64_t size, int prot, int flags, int fd,
		  int64_t offset)
{
	int result;

	set_span(&machine->changing[0], start, start + size);
	result = map(machine, start, size, prot, flags, fd, offset);
	set_span(&machine->changing[0], 0, 0);
	return result;
}

int kr_memory_unmap(struct kr_machine *machine, uint64_t start, uint64_t size)
{
	int result;

	set_span(&machine->changing[0], start, start + size);
	result = unmap(machine, start, size);
	set_span(&machine->changing[0], 0, 0);
	return result;
}

int kr_memory_protect(struct kr_machine *machine, uint64_t start, uint64_t size, int prot)
{
	int result;

	set_span(&machine->changing[0], start, start + size);
	result = protect(machine, start, size, prot);
	set_span(&machine->changing[0], 0, 0);
	return result;
}

/* Give the host's mappings the protection that the list has, and take off it what the host no longer has. */
static void mend_span(struct kr_machine *machine, const struct kr_span *span)
{
	uint64_t at = span->start;

	while (at < span->end && kr_arena_reserve(&machine->arena) == 0) {
		const struct kr_region *region = kr_arena_next(&machine->arena, at);
		uint64_t end;

		if (region == NULL || region->start >= span->end) {
			return;
		}
		at = region->start > at ? region->start : at;
		end = region->end < span->end ? region->end : span->end;
		if (mprotect(host(at), end - at, host_prot(region->prot)) != 0) {
			kr_paging_drop(machine, at, end);
			(void)munmap(host(at), end - at);
			kr_arena_clear(&machine->arena, at, end);
		}
		at = end;
	}
}

void kr_memory_mend(struct kr_machine *machine)
{
	kr_arena_mend(&machine->arena);
	kr_slots_mend(&machine->slots);
	for (size_t i = 0; i < sizeof machine->changing / sizeof machine->changing[0]; i++) {
		mend_span(machine, &machine->changing[i]);
		set_span(&machine->changing[i], 0, 0);
	}
}

/* Where a mapping without MAP_FIXED goes; 0 when there is no room. */
static uint64_t choose_place(const struct kr_arena *arena, uint64_t wish, uint64_t size, int flags)
{
	uint64_t align = size >= KR_BLOCK ? KR_BLOCK : KR_PAGE;
	uint64_t at;

	wish = kr_align_down(wish, KR_PAGE);
	if (wish >= KR_BLOCK && kr_arena_holds(wish, size) && !kr_arena_touches(arena, wish, wish + size)) {
		return wish;
	}
	if ((flags & MAP_32BIT) != 0) {
		return kr_arena_find_free(arena, size, BELOW_2_GIB, KR_PAGE);
	}
	at = kr_arena_find_free(arena, size, arena->mmap_top, align);
	return at != 0 ? at : kr_arena_find_free(arena, size, KR_ARENA_END, KR_PAGE);
}

static int64_t map_somewhere(struct kr_machine *machine, const struct kr_call *call, uint64_t size)
{
	uint64_t at = call->arg[0];
	int flags = (int)call->arg[3];
	int result;

	if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0) {
		at = choose_place(&machine->arena, at, size, flags);
		if (at == 0) {
			return -ENOMEM;
		}
	} else if ((flags & MAP_FIXED_NOREPLACE) != 0 && kr_arena_touches(&machine->arena, at, at + size)) {
		return -EEXIST;
	}
	result = kr_memory_map(machine, at, size, (int)call->arg[2], flags, (int)call->arg[4],
			       (int64_t)call->arg[5]);
	return result < 0 ? result : (int64_t)at;
}

int64_t kr_call_mmap(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_machine *machine = thread->machine;
	uint64_t size = kr_align_up(call->arg[1], KR_PAGE);
	int flags = (int)call->arg[3];
	int64_t result;

	if (call->arg[1] == 0 || call->arg[5] % KR_PAGE != 0) {
		return -EINVAL;
	}
	if (size < call->arg[1] || size > KR_ARENA_END) {
		return -ENOMEM;
	}
	if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0) {
		if (call->arg[0] % KR_PAGE != 0) {
			return -EINVAL;
		}
		if (!kr_arena_holds(call->arg[0], size)) {
			return -ENOMEM;
		}
	}
	if ((flags & MAP_ANONYMOUS) == 0) {
		if (kr_is_monitor_fd((int)call->arg[4])) {
			return -EBADF;
		}
		if ((call->arg[2] & PROT_EXEC) != 0 && is_noexec(flags, (int)call->arg[4])) {
			return -EPERM;
		}
	}
	kr_machine_lock_memory(machine);
	result = map_somewhere(machine, call, size);
	kr_machine_unlock_memory(machine);
	return result;
}

/* What of [start, end) lies in the arena; elsewhere there is nothing of the guest's to unmap. */
static int unmap_parts(struct kr_machine *machine, uint64_t start, uint64_t end)
{
	int result = 0;

	for (size_t i = 0; i < KR_ARENA_PARTS && result == 0; i++) {
		const struct kr_span *part = &kr_arena_parts[i];
		uint64_t from = start > part->start ? start : part->start;
		uint64_t to = end < part->end ? end : part->end;

		if (from < to) {
			result = kr_memory_unmap(machine, from, to - from);
		}
	}
	return result;
}

int64_t kr_call_munmap(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_machine *machine = thread->machine;
	uint64_t start = call->arg[0];
	uint64_t size = kr_align_up(call->arg[1], KR_PAGE);
	int64_t result;

	if (start % KR_PAGE != 0 || size == 0 || start >= KR_ADDRESSES_END || size > KR_ADDRESSES_END - start) {
		return -EINVAL;
	}
	kr_machine_lock_memory(machine);
	result = unmap_parts(machine, start, start + size);
	kr_machine_unlock_memory(machine);
	return result;
}

/* What lies before a hole, or before a mapping that may not be executed, is changed, as in the kernel, and then
 * that is an error. */
static int protect_up_to_fault(struct kr_machine *machine, uint64_t start, uint64_t size, int prot)
{
	uint64_t end = start;
	uint64_t stop = start + size;
	const struct kr_region *region;
	int fault = 0;
	int result = 0;

	while (end < stop && (region = kr_arena_find(&machine->arena, end)) != NULL) {
		end = region->end;
	}
	if (end < stop) {
		stop = end;
		fault = -ENOMEM;
	}
	if ((prot & PROT_EXEC) != 0) {
		end = kr_arena_find_noexec(&machine->arena, start, stop);
		fault = end < stop ? -EACCES : fault;
		stop = end;
	}
	if (stop > start) {
		result = kr_memory_protect(machine, start, stop - start, prot);
	}
	return result < 0 ? result : fault;
}

int64_t kr_call_mprotect(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_machine *machine = thread->machine;
	uint64_t start = call->arg[0];
	uint64_t size = kr_align_up(call->arg[1], KR_PAGE);
	int prot = (int)call->arg[2] & ~PROT_GROWSDOWN;
	const struct kr_region *region;
	int64_t result;

	if (start % KR_PAGE != 0 || (prot & ~(PROT_KNOWN | PROT_SEM)) != 0) {
		return -EINVAL;
	}
	if (call->arg[1] == 0) {
		return 0;
	}
	if (size < call->arg[1] || !kr_arena_holds(start, size)) {
		return -ENOMEM;
	}
	kr_machine_lock_memory(machine);
	region = kr_arena_find(&machine->arena, start);
	if (region == NULL) {
		result = -ENOMEM;
	} else if (((int)call->arg[2] & PROT_GROWSDOWN) == 0) {
		result = protect_up_to_fault(machine, start, size, prot & PROT_KNOWN);
	} else if (start < machine->arena.stack_start || start >= machine->arena.stack_end) {
		result = -EINVAL;
	} else {
		result = protect_up_to_fault(machine, region->start, size + start - region->start,
					     prot & PROT_KNOWN);
	}
	kr_machine_unlock_memory(machine);
	return result;
}

int64_t kr_call_brk(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_machine *machine = thread->machine;
	struct kr_arena *arena = &machine->arena;
	uint64_t new = call->arg[0];
	uint64_t old_end;
	uint64_t new_end = kr_align_up(new, KR_PAGE);
	int result = 0;

	kr_machine_lock_memory(machine);
	old_end = kr_align_up(arena->brk, KR_PAGE);
	if (new < arena->brk_start || new >= KR_ARENA_END) {
		result = -ENOMEM;
	} else if (new_end > old_end) {
		result = kr_arena_touches(arena, old_end, new_end)
				 ? -ENOMEM
				 : kr_memory_map(machine, old_end, new_end - old_end, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	} else if (new_end < old_end) {
		result = kr_memory_unmap(machine, new_end, old_end - new_end);
	}
	if (result == 0) {
		arena->brk = new;
	}
	new = arena->brk;
	kr_machine_unlock_memory(machine);
	return (int64_t) new;
}

struct move {
	uint64_t from;
	uint64_t old_size;
	uint64_t new_size;
	int flags;
	uint64_t to; /* of MREMAP_FIXED */
};

static int host_remap(const struct move *move, int flags, uint64_t to)
{
	void *at = mremap(host(move->from), move->old_size, move->new_size, flags, host(to));

	return at != MAP_FAILED ? 0 : -errno;
}

/* The kernel moves only what is one mapping of its own.  One of the guest's may be several there, where some of its
 * blocks were given huge pages; advised alike, they are one again. */
static int unite(const struct kr_machine *machine, const struct move *move)
{
	const int advice = machine->refuses_huge ? MADV_NOHUGEPAGE : MADV_HUGEPAGE;

	return madvise(host(move->from), move->old_size, advice);
}

/* Move or resize on the host and in the arena; `to` is where it will be. */
static int64_t move_parts(struct kr_machine *machine, const struct move *move, uint64_t to,
			  const struct kr_region *region)
{
	struct kr_region moved = *region; /* the list may move below */
	const uint64_t kept = (move->flags & MREMAP_DONTUNMAP) != 0 ? 0 : move->old_size;
	const uint64_t more = move->new_size > kept ? move->new_size - kept : 0;
	bool is_moved = to != move->from;
	int flags = is_moved ? MREMAP_MAYMOVE | MREMAP_FIXED | (move->flags & MREMAP_DONTUNMAP) : 0;
	int result;

	if (!kr_limits_allow(machine, more, kr_region_is_data(region) ? more : 0)) {
		return -ENOMEM;
	}
	kr_paging_drop(machine, move->from, move->from + move->old_size);
	kr_paging_drop(machine, to, to + move->new_size);
	result = host_remap(move, flags, to);
	if (result == -EFAULT && unite(machine, move) == 0) {
		result = host_remap(move, flags, to);
	}
	if (result < 0) {
		return result;
	}
	if (is_moved && (flags & MREMAP_DONTUNMAP) == 0) {
		kr_arena_clear(&machine->arena, move->from, move->from + move->old_size);
	}
	moved.start = to;
	moved.end = to + move->new_size;
	kr_arena_set(&machine->arena, moved);
	prefill(machine, to, move->new_size);
	return (int64_t)to;
}

static int64_t move_mapping(struct kr_machine *machine, const struct move *move, uint64_t to,
			    const struct kr_region *region)
{
	int64_t result;

	set_span(&machine->changing[0], move->from, move->from + move->old_size);
	set_span(&machine->changing[1], to, to + move->new_size);
	result = move_parts(machine, move, to, region);
	set_span(&machine->changing[0], 0, 0);
	set_span(&machine->changing[1], 0, 0);
	return result;
}

static int64_t remap(struct kr_machine *machine, const struct move *move)
{
	struct kr_arena *arena = &machine->arena;
	const struct kr_region *region = kr_arena_find(arena, move->from);
	uint64_t old_end = move->from + move->old_size;
	uint64_t new_end = move->from + move->new_size;
	uint64_t to = move->to;

	if (region == NULL || region->end < old_end) {
		return -EFAULT;
	}
	if (kr_arena_reserve(arena) < 0) {
		return -ENOMEM;
	}
	region = kr_arena_find(arena, move->from); /* the list may have moved */
	if ((move->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0) {
		if (move->new_size <= move->old_size) {
			return move->new_size == move->old_size
				       ? (int64_t)move->from
				       : (kr_memory_unmap(machine, new_end, old_end - new_end),
					  (int64_t)move->from);
		}
		if (kr_arena_holds(move->from, move->new_size) && !kr_arena_touches(arena, old_end, new_end)) {
			int64_t result = move_mapping(machine, move, move->from, region);

			if (result >= 0 || (move->flags & MREMAP_MAYMOVE) == 0) {
				return result;
			}
		}
	}
	if ((move->flags & MREMAP_MAYMOVE) == 0) {
		return -ENOMEM;
	}
	if ((move->flags & MREMAP_FIXED) == 0) {
		to = choose_place(arena, 0, move->new_size, 0);
	}
	return to != 0 ? move_mapping(machine, move, to, region) : -ENOMEM;
}

int64_t kr_call_mremap(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_machine *machine = thread->machine;
	const struct move move = { .from = call->arg[0],
				   .old_size = kr_align_up(call->arg[1], KR_PAGE),
				   .new_size = kr_align_up(call->arg[2], KR_PAGE),
				   .flags = (int)call->arg[3],
				   .to = call->arg[4] };
	bool is_fixed = (move.flags & MREMAP_FIXED) != 0;
	int64_t result;

	if ((move.flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0 || move.from % KR_PAGE != 0 ||
	    move.new_size == 0 || move.new_size < call->arg[2]) {
		return -EINVAL;
	}
	if ((move.flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0 && (move.flags & MREMAP_MAYMOVE) == 0) {
		return -EINVAL;
	}
	if ((move.flags & MREMAP_DONTUNMAP) != 0 && move.old_size != move.new_size) {
		return -EINVAL;
	}
	if (is_fixed && (move.to % KR_PAGE != 0 || !kr_arena_holds(move.to, move.new_size) ||
			 (move.to < move.from + move.old_size && move.from < move.to + move.new_size))) {
		return -EINVAL;
	}
	if (move.old_size < call->arg[1] || !kr_arena_holds(move.from, move.old_size)) {
		return move.old_size == 0 ? -EINVAL : -EFAULT;
	}
	if (move.new_size > KR_ARENA_END) {
		return -ENOMEM;
	}
	kr_machine_lock_memory(machine);
	result = remap(machine, &move);
	kr_machine_unlock_memory(machine);
	return result;
}
