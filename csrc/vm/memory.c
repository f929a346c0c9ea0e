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

#define PREFILL (2 * KR_BLOCK) /* larger mappings are filled where they are touched */
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

bool kr_memory_is_noexec(int flags, int fd)
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
							  .prot = prot & KR_PROT_KNOWN,
							  .is_shared = is_shared,
							  .is_noexec = kr_memory_is_noexec(flags, fd) });
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

static int host_remap(const struct kr_move *move, int flags, uint64_t to)
{
	void *at = mremap(host(move->from), move->old_size, move->new_size, flags, host(to));

	return at != MAP_FAILED ? 0 : -errno;
}

/* The kernel moves only what is one mapping of its own.  One of the guest's may be several there, where some of its
 * blocks were given huge pages; advised alike, they are one again. */
static int unite(const struct kr_machine *machine, const struct kr_move *move)
{
	const int advice = machine->refuses_huge ? MADV_NOHUGEPAGE : MADV_HUGEPAGE;

	return madvise(host(move->from), move->old_size, advice);
}

/* Move or resize on the host and in the arena; `to` is where it will be. */
static int64_t move_parts(struct kr_machine *machine, const struct kr_move *move, uint64_t to,
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
	if (is_moved && move->old_size > 0 && (flags & MREMAP_DONTUNMAP) == 0) {
		kr_arena_clear(&machine->arena, move->from, move->from + move->old_size);
	}
	moved.start = to;
	moved.end = to + move->new_size;
	kr_arena_set(&machine->arena, moved);
	prefill(machine, to, move->new_size);
	return (int64_t)to;
}

int64_t kr_memory_move(struct kr_machine *machine, const struct kr_move *move, uint64_t to,
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
