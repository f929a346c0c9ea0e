/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The check of a call's arguments.  What it lets through holds whatever other threads of the guest do
 * meanwhile: sizes come from registers, and structures that hold pointers are copied before they are read.
 */
#include "hypercall.h"

#include <errno.h>
#include <stdint.h>
#include <sys/uio.h>

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

int kr_check_text(struct kr_scratch *scratch, uint64_t from, uint64_t *to)
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
		if (!kr_guest_has((uint64_t)(uintptr_t)copy[i].iov_base, copy[i].iov_len)) {
			return -EFAULT;
		}
	}
	*to = (uint64_t)(uintptr_t)copy;
	return 0;
}

/* The number of elements that `arg` points to, by its counting argument. */
static int count_of(const struct kr_entry *entry, const struct kr_call *call, const struct kr_arg *arg,
		    uint64_t *count)
{
	uint64_t value;

	if (arg->count == KR_NO_COUNT) {
		*count = 1;
		return 0;
	}
	value = call->arg[arg->count];
	if (entry->arg[arg->count].size == sizeof(int32_t)) {
		/* The kernel reads the low half of the register; no call takes a size of 2 GiB or more there. */
		value = (uint32_t)value;
		if (value > INT32_MAX) {
			return -EINVAL;
		}
	}
	*count = value;
	return 0;
}

static int check_pointer(const struct kr_arg *arg, uint64_t address, uint64_t count, struct kr_scratch *scratch,
			 uint64_t *host)
{
	uint64_t size;

	if (address == 0 && arg->nullable) {
		return 0;
	}
	switch ((enum kr_arg_kind)arg->kind) {
	case KR_ARG_TEXT:
		return kr_check_text(scratch, address, host);
	case KR_ARG_IOVEC:
		return kr_copy_iovec(scratch, address, count, host);
	case KR_ARG_BITS:
		if (count > UINT64_MAX - 63) {
			return -EINVAL;
		}
		size = (count + 63) / 64 * 8;
		return kr_guest_has(address, size) ? 0 : -EFAULT;
	case KR_ARG_SPAN:
		if (__builtin_mul_overflow(count, (uint64_t)arg->size, &size)) {
			return -EFAULT;
		}
		return kr_guest_has(address, size) ? 0 : -EFAULT;
	case KR_ARG_NONE:
	case KR_ARG_VALUE:
	case KR_ARG_FD:
		break;
	}
	return -EFAULT;
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

		if (arg->kind < KR_ARG_TEXT) {
			continue;
		}
		failed = count_of(entry, call, arg, &count);
		if (failed == 0) {
			failed = check_pointer(arg, call->arg[i], count, scratch, &host[i]);
		}
		if (failed != 0) {
			return failed;
		}
	}
	return 0;
}
