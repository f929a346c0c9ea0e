/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The check of a call's arguments.  What it lets through holds whatever other threads of the guest do
 * meanwhile: sizes come from registers, and structures that hold pointers are copied before they are read.
 *
 * A bad pointer is no error here: an address takes its place where nobody has memory, so that the kernel, or a
 * handler, finds out in its own order what else is wrong with the call, and whether it needs the pointer at all.
 */
#include "hypercall.h"

#include "layout.h"

#include <errno.h>
#include <stdint.h>
#include <sys/uio.h>

#define UNMAPPED    KR_PAGE                        /* nothing is ever mapped from here to the arena's start */
#define UNUSED_END  (KR_ARENA_START - 2 * KR_PAGE) /* what fits behind UNMAPPED and any offset in its page */
#define USER_END    0x7ffffffff000ull              /* what lies behind it is no program's for any kernel */
#define KERNEL_HALF 0xffff800000000000ull
#define MOST_MOVED  0x80000000ull /* more than the kernel transfers in one call */

uint64_t kr_stand_in(uint64_t address, uint64_t size)
{
	if (address > INT64_MAX || (address < KR_ARENA_START && size <= KR_ARENA_START - address)) {
		return address;
	}
	if (address < USER_END && size <= UNUSED_END) {
		return UNMAPPED + address % KR_PAGE;
	}
	return KERNEL_HALF + address % KR_PAGE;
}

void *kr_scratch_take(struct kr_scratch *scratch, size_t size)
{
	size_t rounded;
	void *at = &scratch->bytes[scratch->used];

	if (size > sizeof scratch->bytes) {
		return NULL;
	}
	rounded = (size + 15) & ~(size_t)15;
	if (rounded > sizeof scratch->bytes - scratch->used) {
		return NULL;
	}
	scratch->used += rounded;
	return at;
}

/* The guest's own string when one of any length lies in the arena, else a copy.  0 or -errno. */
static int check_text(struct kr_scratch *scratch, uint64_t from, uint64_t *to)
{
	char *copy;
	int64_t length;

	if (kr_guest_has(from, PATH_MAX)) {
		*to = from;
		return 0;
	}
	copy = kr_scratch_take(scratch, PATH_MAX);
	if (copy == NULL) {
		return -ENOMEM;
	}
	length = kr_copy_string(copy, from, PATH_MAX);
	if (length < 0) {
		return (int)length;
	}
	*to = (uint64_t)(uintptr_t)copy;
	return 0;
}

int kr_check_text(struct kr_scratch *scratch, uint64_t *text)
{
	int failed = check_text(scratch, *text, text);

	if (failed == -ENOMEM) {
		return failed;
	}
	if (failed != 0) {
		*text = kr_stand_in(*text, 1);
	}
	return 0;
}

/* What a part has beyond the arena is cut off: a transfer ends where memory does.  A part that begins elsewhere
 * begins where nobody has memory, and the kernel stops at its first byte. */
static void limit_part(struct iovec *part)
{
	uint64_t start = (uint64_t)(uintptr_t)part->iov_base;
	uint64_t room = kr_guest_room(start);

	if (part->iov_len > INT64_MAX || part->iov_len <= room) {
		return;
	}
	if (start >= USER_END || part->iov_len > USER_END - start) {
		part->iov_base = (void *)(uintptr_t)(KERNEL_HALF + start % KR_PAGE);
		return;
	}
	if (room != 0) {
		part->iov_len = room;
		return;
	}
	part->iov_base = (void *)(uintptr_t)(start < KR_ARENA_START ? start : UNMAPPED + start % KR_PAGE);
	part->iov_len = part->iov_len < MOST_MOVED ? part->iov_len : MOST_MOVED;
}

int kr_copy_iovec(struct kr_scratch *scratch, uint64_t from, uint64_t count, uint64_t *to)
{
	struct iovec *copy;

	if (count > IOV_MAX) {
		return -EINVAL;
	}
	if (count == 0) {
		*to = 0;
		return 0;
	}
	copy = kr_scratch_take(scratch, count * sizeof *copy);
	if (copy == NULL) {
		return -ENOMEM;
	}
	if (kr_copy_from_guest(copy, from, count * sizeof *copy) < 0) {
		return -EFAULT;
	}
	for (uint64_t i = 0; i < count; i++) {
		limit_part(&copy[i]);
	}
	*to = (uint64_t)(uintptr_t)copy;
	return 0;
}

/* The number of elements that `arg` points to, by its counting argument: the kernel reads as much of it. */
static uint64_t count_of(const struct kr_entry *entry, const struct kr_call *call, const struct kr_arg *arg)
{
	if (arg->count == KR_NO_COUNT) {
		return 1;
	}
	return entry->arg[arg->count].size == sizeof(int32_t) ? (uint32_t)call->arg[arg->count]
							      : call->arg[arg->count];
}

/* The bytes that a pointer spans; UINT64_MAX for more than there can be. */
static uint64_t span_of(const struct kr_arg *arg, uint64_t count)
{
	uint64_t size;

	switch ((enum kr_arg_kind)arg->kind) {
	case KR_ARG_BITS:
		return count > UINT64_MAX - 63 ? UINT64_MAX : (count + 63) / 64 * 8;
	case KR_ARG_IOVEC:
	case KR_ARG_SPAN:
		size = arg->kind == KR_ARG_IOVEC ? sizeof(struct iovec) : arg->size;
		return __builtin_mul_overflow(count, size, &size) ? UINT64_MAX : size;
	default:
		return 1;
	}
}

static int check_pointer(const struct kr_arg *arg, uint64_t address, uint64_t count, struct kr_scratch *scratch,
			 uint64_t *host)
{
	if (address == 0 && arg->nullable) {
		return 0;
	}
	if (arg->kind == KR_ARG_TEXT) {
		return check_text(scratch, address, host);
	}
	if (arg->kind == KR_ARG_IOVEC) {
		return kr_copy_iovec(scratch, address, count, host);
	}
	return kr_guest_has(address, span_of(arg, count)) ? 0 : -EFAULT;
}

/* Numbers of 32 bits have to be what the kernel would make of them; no call takes 2 GiB or more there. */
static bool is_too_many(const struct kr_entry *entry, const struct kr_arg *arg, uint64_t count)
{
	return arg->count != KR_NO_COUNT && entry->arg[arg->count].size == sizeof(int32_t) && count > INT32_MAX;
}

int kr_check_args(const struct kr_entry *entry, const struct kr_call *call, struct kr_scratch *scratch,
		  uint64_t host[6])
{
	for (int i = 0; i < 6; i++) {
		host[i] = call->arg[i];
	}
	/* Descriptors first: the kernel, too, says EBADF before EFAULT. */
	for (int i = 0; i < 6; i++) {
		if (entry->arg[i].kind == KR_ARG_FD && kr_is_monitor_fd((int)(uint32_t)call->arg[i])) {
			return -EBADF;
		}
	}
	for (int i = 0; i < 6; i++) {
		const struct kr_arg *arg = &entry->arg[i];
		uint64_t count;
		int failed;

		/* A handler copies strings for itself. */
		if (arg->kind < KR_ARG_TEXT || (arg->kind == KR_ARG_TEXT && entry->serve == KR_SERVE_EMULATE)) {
			continue;
		}
		count = count_of(entry, call, arg);
		failed = is_too_many(entry, arg, count)
				 ? -EFAULT
				 : check_pointer(arg, call->arg[i], count, scratch, &host[i]);
		if (failed == -ENOMEM) {
			return failed;
		}
		if (failed != 0) {
			host[i] = kr_stand_in(call->arg[i], span_of(arg, count));
		}
	}
	return 0;
}

void kr_check_notified(const struct kr_entry *entry, const struct kr_call *call, uint64_t host[6])
{
	for (int i = 0; i < 6; i++) {
		const struct kr_arg *arg = &entry->arg[i];
		uint64_t count = 1;

		host[i] = call->arg[i];
		if (arg->kind == KR_ARG_FD) {
			host[i] = kr_is_monitor_fd((int)(uint32_t)call->arg[i]) ? UINT32_MAX : call->arg[i];
			continue;
		}
		if (arg->kind < KR_ARG_TEXT || (call->arg[i] == 0 && arg->nullable)) {
			continue;
		}
		if (arg->kind != KR_ARG_TEXT) {
			count = count_of(entry, call, arg);
		}
		if (is_too_many(entry, arg, count) || !kr_guest_has(call->arg[i], span_of(arg, count))) {
			host[i] = kr_stand_in(call->arg[i], span_of(arg, count));
		}
	}
}
