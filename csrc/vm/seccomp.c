/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seccomp.h"
#include "filter.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* The kernel's bound of all programs that a call runs through, and what each costs beside its instructions. */
#define MAX_TOTAL 32768u
#define PENALTY   4u

static size_t bytes_of(size_t size)
{
	return sizeof(struct kr_filter) + size * sizeof(struct sock_filter);
}

int kr_seccomp_add(struct kr_seccomp *seccomp, const struct sock_filter *code, size_t size, bool has_listener)
{
	size_t total = size + PENALTY;
	struct kr_filter *filter;
	int failed = kr_filter_check(code, size);

	if (failed != 0) {
		return failed;
	}
	if (seccomp->filters != NULL) {
		total += seccomp->filters->total;
	}
	if (total > MAX_TOTAL) {
		return -ENOMEM;
	}
	/* Not from malloc(3), whose lock another thread's fork might copy. */
	filter = mmap(NULL, bytes_of(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (filter == MAP_FAILED) {
		return -ENOMEM;
	}
	filter->older = seccomp->filters;
	filter->size = size;
	filter->total = total;
	filter->has_listener = has_listener;
	memcpy(filter->code, code, size * sizeof *code);
	seccomp->filters = filter;
	return 0;
}

void kr_seccomp_drop(struct kr_seccomp *seccomp)
{
	while (seccomp->filters != NULL) {
		const struct kr_filter *filter = seccomp->filters;

		seccomp->filters = filter->older;
		(void)munmap((void *)(uintptr_t)filter, bytes_of(filter->size));
	}
}

/* How strong an action is: the kernel compares the actions as signed numbers, the smallest wins. */
static int32_t rank_of(uint32_t verdict)
{
	return (int32_t)(verdict & SECCOMP_RET_ACTION_FULL);
}

uint32_t kr_seccomp_run(const struct kr_seccomp *seccomp, const struct seccomp_data *data,
			const struct kr_filter **by)
{
	const struct kr_filter *decisive = NULL;
	uint32_t strongest = SECCOMP_RET_ALLOW;

	if (by != NULL) {
		*by = NULL;
	}
	if (seccomp->strict) {
		switch (data->nr) {
		case SYS_read:
		case SYS_write:
		case SYS_exit:
		case SYS_rt_sigreturn:
			return SECCOMP_RET_ALLOW;
		default:
			return SECCOMP_RET_KILL_THREAD;
		}
	}
	for (const struct kr_filter *filter = __atomic_load_n(&seccomp->filters, __ATOMIC_ACQUIRE); filter != NULL;
	     filter = filter->older) {
		uint32_t verdict = kr_filter_run(filter->code, data);

		if (rank_of(verdict) < rank_of(strongest)) {
			strongest = verdict;
			decisive = filter;
		}
	}
	if (by != NULL) {
		*by = decisive;
	}
	return strongest;
}

/* One program that nobody listens to needs no head. */
static bool is_bare(const struct kr_seccomp *seccomp)
{
	return seccomp->filters != NULL && seccomp->filters->older == NULL && !seccomp->filters->has_listener;
}

size_t kr_seccomp_encoded_size(const struct kr_seccomp *seccomp)
{
	size_t size = 0;
	size_t count = 0;

	for (const struct kr_filter *filter = seccomp->filters; filter != NULL; filter = filter->older) {
		size += filter->size;
		count++;
	}
	return is_bare(seccomp) ? size : size + count;
}

void kr_seccomp_encode(const struct kr_seccomp *seccomp, struct sock_filter *to)
{
	size_t end = kr_seccomp_encoded_size(seccomp);

	/* The list starts with the newest, the array with the oldest. */
	for (const struct kr_filter *filter = seccomp->filters; filter != NULL; filter = filter->older) {
		end -= filter->size;
		memcpy(&to[end], filter->code, filter->size * sizeof *to);
		if (!is_bare(seccomp)) {
			end--;
			to[end] = (struct sock_filter){ .code = KR_FILTER_HEAD,
							.jt = filter->has_listener ? KR_FILTER_LISTENER : 0,
							.k = (uint32_t)filter->size };
		}
	}
}

int kr_seccomp_decode(struct kr_seccomp *seccomp, const struct sock_filter *code, size_t size, struct kr_err *err)
{
	size_t at = 0;

	while (at < size) {
		size_t length = size - at;
		bool has_listener = false;
		int failed;

		if (code[at].code == KR_FILTER_HEAD) {
			if (code[at].k > length - 1) {
				return kr_fail(err, EINVAL, "a seccomp filter of %u instructions is cut short",
					       code[at].k);
			}
			length = code[at].k;
			has_listener = code[at].jt == KR_FILTER_LISTENER;
			at++;
		}
		failed = kr_seccomp_add(seccomp, &code[at], length, has_listener);
		if (failed != 0) {
			return kr_fail(err, -failed, "the seccomp filter is no valid program of %zu instructions",
				       length);
		}
		at += length;
	}
	return 0;
}
