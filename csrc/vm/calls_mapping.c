/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The calls that make, move and end mappings: where they go, and what the kernel would say of their arguments.
 */
#include "layout.h"
#include "memory.h"
#include "paging.h"
#include "rlimit.h"
#include "thread.h"

#include <errno.h>
#include <sys/mman.h>

#define PROT_SEM    0x8
#define BELOW_2_GIB 0x80000000ull

static int wanted_prot(const struct kr_machine *machine, uint64_t prot)
{
	const bool executes = __atomic_load_n(&machine->reads_execute, __ATOMIC_RELAXED) && (prot & PROT_READ) != 0;

	return (int)prot | (executes ? PROT_EXEC : 0);
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
	int prot = wanted_prot(machine, call->arg[2]);
	int result;

	if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0) {
		at = choose_place(&machine->arena, at, size, flags);
		if (at == 0) {
			return -ENOMEM;
		}
	} else if ((flags & MAP_FIXED_NOREPLACE) != 0 && kr_arena_touches(&machine->arena, at, at + size)) {
		return -EEXIST;
	}
	if (prot != (int)call->arg[2] && kr_memory_is_noexec(flags, (int)call->arg[4])) {
		prot = (int)call->arg[2];
	}
	result = kr_memory_map(machine, at, size, prot, flags, (int)call->arg[4], (int64_t)call->arg[5]);
	return result < 0 ? result : (int64_t)at;
}

static int check_file(const struct kr_call *call, int flags)
{
	if ((flags & MAP_ANONYMOUS) != 0) {
		return 0;
	}
	if (kr_is_monitor_fd((int)call->arg[4])) {
		return -EBADF;
	}
	return (call->arg[2] & PROT_EXEC) != 0 && kr_memory_is_noexec(flags, (int)call->arg[4]) ? -EPERM : 0;
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
	/* Which numbers are the monitor's is known only now. */
	kr_machine_lock_memory(machine);
	result = check_file(call, flags);
	if (result == 0) {
		result = map_somewhere(machine, call, size);
	}
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
	int prot = wanted_prot(machine, call->arg[2]) & ~PROT_GROWSDOWN;
	const struct kr_region *region;
	int64_t result;

	if (start % KR_PAGE != 0 || (prot & ~(KR_PROT_KNOWN | PROT_SEM)) != 0) {
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
		result = protect_up_to_fault(machine, start, size, prot & KR_PROT_KNOWN);
	} else if (start < machine->arena.stack_start || start >= machine->arena.stack_end) {
		result = -EINVAL;
	} else {
		result = protect_up_to_fault(machine, region->start, size + start - region->start,
					     prot & KR_PROT_KNOWN);
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

static int64_t remap(struct kr_machine *machine, const struct kr_move *move)
{
	struct kr_arena *arena = &machine->arena;
	const struct kr_region *region = kr_arena_find(arena, move->from);
	uint64_t old_end = move->from + move->old_size;
	uint64_t new_end = move->from + move->new_size;
	uint64_t to = move->to;

	if (region == NULL || region->end < old_end) {
		return -EFAULT;
	}
	/* From an old size of none, what is shared gets a second place. */
	if (move->old_size == 0 && !region->is_shared) {
		return -EINVAL;
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
			int64_t result = kr_memory_move(machine, move, move->from, region);

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
	return to != 0 ? kr_memory_move(machine, move, to, region) : -ENOMEM;
}

int64_t kr_call_mremap(struct kr_thread *thread, const struct kr_call *call)
{
	struct kr_machine *machine = thread->machine;
	const struct kr_move move = { .from = call->arg[0],
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
	if (move.old_size < call->arg[1] || !kr_arena_holds(move.from, move.old_size > 0 ? move.old_size : 1)) {
		return -EFAULT;
	}
	if (move.new_size > KR_ARENA_END) {
		return -ENOMEM;
	}
	kr_machine_lock_memory(machine);
	result = remap(machine, &move);
	kr_machine_unlock_memory(machine);
	return result;
}
