/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify.h"

#include "host_call.h"
#include "hypercall.h"
#include "layout.h"
#include "machine.h"
#include "thread.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

typedef int64_t enter_fn(const volatile int *pending, int64_t nr, const uint64_t arg[6]);

static bool is_listened_to(const struct kr_seccomp *seccomp)
{
	for (const struct kr_filter *filter = seccomp->filters; filter != NULL; filter = filter->older) {
		if (filter->has_listener) {
			return true;
		}
	}
	return false;
}

/* The filter stays when an image executes the next one, which lies elsewhere: the place has to be the same. */
int kr_notify_prepare(const struct kr_seccomp *seccomp, struct kr_err *err)
{
	void *page = (void *)(uintptr_t)kr_align_down(KR_NOTIFY_IP, KR_PAGE);
	void *start = (void *)(uintptr_t)kr_host_call_notify_start();

	if (!is_listened_to(seccomp)) {
		return 0;
	}
	if (mmap(page, KR_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
	    page) {
		return kr_fail(err, errno, "map the place of notified calls");
	}
	memcpy(start, (const void *)(uintptr_t)kr_host_call_enter,
	       (size_t)(kr_host_call_end - (const char *)(uintptr_t)kr_host_call_enter));
	if (mprotect(page, KR_PAGE, PROT_READ | PROT_EXEC) != 0) {
		return kr_fail(err, errno, "allow the place of notified calls to be executed");
	}
	return 0;
}

/* The end of the descriptors that a call names, 0 for none. */
static int descriptors_end(const struct kr_entry *entry, const struct kr_call *call)
{
	int end = 0;

	for (int i = 0; i < 6; i++) {
		int fd = (int)(uint32_t)call->arg[i];

		if (entry->arg[i].kind == KR_ARG_FD && fd >= end && fd < KR_DESCRIPTORS_MAX) {
			end = fd + 1;
		}
	}
	return end;
}

static int64_t ask(struct kr_thread *thread, int64_t nr, const uint64_t arg[6])
{
	enter_fn *enter = (enter_fn *)(uintptr_t)kr_host_call_notify_start();
	int64_t result = enter(&thread->pending.number, nr, arg);

	if (result == KR_CALL_SKIPPED && thread->pending.number != 0) {
		thread->pending.before_call = true;
		return -EINTR;
	}
	return result;
}

/* When the agent lets it go on, the kernel makes the call with what was checked here, however long ago: what is the
 * guest's memory never becomes the monitor's, and its descriptors do not in the meantime. */
int64_t kr_seccomp_notify(struct kr_thread *thread, const struct kr_call *call)
{
	const struct kr_entry *entry = kr_call_find(call->nr);
	struct kr_machine *machine = thread->machine;
	uint64_t arg[6];
	int64_t result;

	kr_machine_lock_memory(machine);
	kr_descriptors_spare(thread->descriptors, descriptors_end(entry, call));
	kr_machine_unlock_memory(machine);
	kr_check_notified(entry, call, arg);
	thread->was_notified = true;
	result = ask(thread, call->nr, arg);
	kr_machine_lock_memory(machine);
	kr_descriptors_unspare(thread->descriptors);
	kr_machine_unlock_memory(machine);
	return result;
}
