/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the served calls see of the guest: its memory, its thread, and calls on its behalf.
 */
#include "arena.h"
#include "calls.h"
#include "host_call.h"
#include "layout.h"
#include "machine.h"
#include "thread.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

bool kr_guest_has(uint64_t address, uint64_t size)
{
	return size == 0 || kr_arena_holds(address, size);
}

uint64_t kr_guest_room(uint64_t address)
{
	return kr_arena_room(address);
}

/* The kernel copies, because only it can tell EFAULT from a page that is there. */
int kr_copy_from_guest(void *to, uint64_t from, size_t size)
{
	struct iovec local = { .iov_base = to, .iov_len = size };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)from, .iov_len = size };

	if (!kr_guest_has(from, size)) {
		return -EFAULT;
	}
	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

int kr_copy_to_guest(uint64_t to, const void *from, size_t size)
{
	struct iovec local = { .iov_base = (void *)(uintptr_t)from, .iov_len = size };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)to, .iov_len = size };

	if (!kr_guest_has(to, size)) {
		return -EFAULT;
	}
	return process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

int64_t kr_copy_string(char *to, uint64_t from, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t in_page = (size_t)(KR_PAGE - (from + done) % KR_PAGE);
		size_t part = in_page < size - done ? in_page : size - done;
		size_t length;

		if (kr_copy_from_guest(to + done, from + done, part) < 0) {
			return -EFAULT;
		}
		length = strnlen(to + done, part);
		done += length;
		if (length < part) {
			return (int64_t)done;
		}
	}
	return -ENAMETOOLONG;
}

int64_t kr_host_call(struct kr_thread *thread, int64_t nr, const uint64_t arg[6])
{
	int64_t result = kr_host_call_enter(&thread->pending.number, nr, arg);

	if (result == KR_CALL_SKIPPED) {
		thread->pending.before_call = true;
		return -EINTR;
	}
	return result;
}

int64_t kr_host_call_masked(struct kr_thread *thread, int64_t nr, const uint64_t arg[6], uint64_t mask)
{
	int64_t result;

	kr_signals_block_host();
	if (thread->pending.number != 0) {
		thread->pending.before_call = true;
		return -EINTR;
	}
	thread->masked = mask;
	thread->has_masked = true;
	kr_signals_set_host_mask(mask);
	result = kr_host_call(thread, nr, arg);
	/* What came under this mask came in the call, which made again would wait for what has been. */
	thread->pending.before_call = false;
	if (thread->pending.number == 0) {
		/* Blocked first, so that no signal can come between the look and the change of the mask. */
		kr_signals_block_host();
		if (thread->pending.number == 0) {
			thread->has_masked = false;
			kr_signals_set_host_mask(thread->mask);
		}
	}
	return result;
}

const char *kr_program_path(struct kr_thread *thread)
{
	return thread->machine->program;
}

int kr_image_fd(struct kr_thread *thread)
{
	return thread->machine->image;
}

int kr_kvm_fd(struct kr_thread *thread)
{
	return thread->machine->kvm;
}

struct kr_seccomp *kr_thread_seccomp(struct kr_thread *thread)
{
	return &thread->seccomp;
}

uint64_t kr_thread_robust_list(const struct kr_thread *thread)
{
	return thread->robust_list;
}

void kr_thread_set_robust_list(struct kr_thread *thread, uint64_t head)
{
	struct kr_machine *machine = thread->machine;
	struct robust_list_head list = { .futex_offset = 0 };
	bool is_there = kr_copy_from_guest(&list, head, sizeof list) == 0;

	thread->robust_list = head;
	if (thread->is_borrower) {
		return; /* its memory lives on without it */
	}
	kr_lock_holder_chain(&thread->holder, is_there ? head : 0, list.futex_offset);
	kr_machine_lock_threads(machine);
	if (machine->borrowers == 0) {
		kr_lock_holder_join(&thread->holder);
	}
	kr_machine_unlock_threads(machine);
}

int kr_proc_fd(struct kr_thread *thread)
{
	return thread->machine->proc;
}
