/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest_double.h"

#include "check.h"
#include "vm/alone.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

void double_map_arena(void)
{
	void *arena = mmap((void *)(uintptr_t)DOUBLE_ARENA, DOUBLE_ARENA_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	CHECK(arena == (void *)(uintptr_t)DOUBLE_ARENA);
}

bool kr_guest_has(uint64_t address, uint64_t size)
{
	return size == 0 ||
	       (address >= DOUBLE_ARENA && address < DOUBLE_ARENA_END && size <= DOUBLE_ARENA_END - address);
}

uint64_t kr_guest_room(uint64_t address)
{
	return kr_guest_has(address, 1) ? DOUBLE_ARENA_END - address : 0;
}

int kr_copy_from_guest(void *to, uint64_t from, size_t size)
{
	if (!kr_guest_has(from, size)) {
		return -EFAULT;
	}
	if (size > 0) {
		memcpy(to, (const void *)(uintptr_t)from, size);
	}
	return 0;
}

int kr_copy_to_guest(uint64_t to, const void *from, size_t size)
{
	if (!kr_guest_has(to, size)) {
		return -EFAULT;
	}
	if (size > 0) {
		memcpy((void *)(uintptr_t)to, from, size);
	}
	return 0;
}

int64_t kr_copy_string(char *to, uint64_t from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (kr_copy_from_guest(&to[i], from + i, 1) < 0) {
			return -EFAULT;
		}
		if (to[i] == 0) {
			return (int64_t)i;
		}
	}
	return -ENAMETOOLONG;
}

int64_t kr_host_call(struct kr_thread *thread, int64_t nr, const uint64_t arg[6])
{
	thread->host_calls++;
	thread->host_nr = nr;
	memcpy(thread->host_arg, arg, sizeof thread->host_arg);
	if (thread->on_host_call != NULL) {
		thread->on_host_call(nr, arg);
	}
	return thread->host_result;
}

void kr_begin_turn(struct kr_thread *thread)
{
	thread->turns++;
}

void kr_end_turn(struct kr_thread *thread)
{
	thread->turns--;
}

/* The number itself stands for the file that is held. */
int kr_hold_file(struct kr_thread *thread, int fd)
{
	thread->held += kr_is_monitor_fd(fd) ? 0 : 1;
	return kr_is_monitor_fd(fd) ? -EBADF : fd;
}

void kr_release_file(struct kr_thread *thread, int held)
{
	(void)held;
	thread->held--;
}

bool kr_is_only_thread(struct kr_thread *thread)
{
	return thread->is_only;
}

bool kr_may_leave_files(struct kr_thread *thread)
{
	return thread->is_only;
}

bool kr_is_monitor_fd(int fd)
{
	return fd >= DOUBLE_FIRST_FD && fd <= DOUBLE_LAST_FD;
}

struct kr_seccomp *kr_thread_seccomp(struct kr_thread *thread)
{
	return &thread->seccomp;
}

void kr_seccomp_trap(struct kr_thread *thread, const struct kr_call *call, uint16_t data)
{
	(void)call;
	thread->traps++;
	thread->trap_data = data;
}

int64_t kr_seccomp_notify(struct kr_thread *thread, const struct kr_call *call)
{
	thread->asked++;
	thread->asked_nr = call->nr;
	return thread->host_result;
}

void kr_seccomp_kill(struct kr_thread *thread, bool process)
{
	thread->kills++;
	thread->killed_process = process;
}
