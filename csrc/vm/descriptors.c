/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "descriptors.h"

#include "calls.h"
#include "machine.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROOM         64u   /* numbers kept for a machine with one processor */
#define BASE_HIGHEST 4096u /* a table of descriptors is as long as its highest number: 8 bytes each */

void kr_descriptors_create(struct kr_descriptors *descriptors, uint64_t soft_limit)
{
	struct rlimit limit = { .rlim_cur = 1024, .rlim_max = 1024 };
	rlim_t base = soft_limit;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < base + ROOM) {
		base = limit.rlim_max > ROOM ? limit.rlim_max - ROOM : 0;
	}
	descriptors->base = (int)(base < BASE_HIGHEST ? base : BASE_HIGHEST);
}

static int move_up(int fd, int base)
{
	struct rlimit limit;
	struct rlimit raised;
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, base);

	if (moved >= 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return moved;
	}
	raised = limit;
	raised.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
		return -1;
	}
	moved = fcntl(fd, F_DUPFD_CLOEXEC, base);
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return moved;
}

static int first_free(const struct kr_descriptors *descriptors)
{
	return descriptors->base > descriptors->spared_end ? descriptors->base : descriptors->spared_end;
}

/* The guest is told EBADF at this number from now on; -1 with EMFILE, and it is closed, where that cannot be. */
static int mark(struct kr_descriptors *descriptors, int fd)
{
	if (fd >= KR_DESCRIPTORS_MAX || fd < descriptors->spared_end) {
		(void)close(fd);
		errno = EMFILE;
		return -1;
	}
	__atomic_fetch_or(&descriptors->taken[fd / 64], 1ull << (fd % 64), __ATOMIC_RELAXED);
	return fd;
}

int kr_descriptors_take(struct kr_descriptors *descriptors, int fd)
{
	return kr_descriptors_take_above(descriptors, fd, descriptors->base);
}

int kr_descriptors_take_above(struct kr_descriptors *descriptors, int fd, int least)
{
	int base = first_free(descriptors);
	int moved = move_up(fd, least > base ? least : base);

	if (moved < 0) {
		moved = fd;
	} else {
		(void)close(fd);
	}
	return mark(descriptors, moved);
}

int kr_descriptors_hold(struct kr_thread *thread, int fd)
{
	struct kr_descriptors *descriptors = thread->descriptors;
	int held;

	kr_machine_lock_memory(thread->machine);
	held = kr_descriptors_take(descriptors, fd);
	kr_machine_unlock_memory(thread->machine);
	if (held >= 0 && held < descriptors->base) {
		/* There was no room: who has closed it meanwhile could put another there. */
		kr_descriptors_close(descriptors, held);
		held = -1;
	}
	return held >= 0 ? held : -EMFILE;
}

int kr_descriptors_copy(struct kr_descriptors *descriptors, int fd)
{
	int copy = move_up(fd, first_free(descriptors));

	if (copy >= 0) {
		copy = mark(descriptors, copy);
	}
	return copy < 0 ? -errno : copy;
}

void kr_descriptors_spare(struct kr_descriptors *descriptors, int end)
{
	descriptors->spared++;
	if (end > descriptors->spared_end) {
		descriptors->spared_end = end;
	}
}

void kr_descriptors_unspare(struct kr_descriptors *descriptors)
{
	if (--descriptors->spared == 0) {
		descriptors->spared_end = 0;
	}
}

void kr_descriptors_unspare_all(struct kr_descriptors *descriptors)
{
	descriptors->spared = 0;
	descriptors->spared_end = 0;
}

void kr_descriptors_close(struct kr_descriptors *descriptors, int fd)
{
	if (fd >= 0 && fd < KR_DESCRIPTORS_MAX) {
		__atomic_fetch_and(&descriptors->taken[fd / 64], ~(1ull << (fd % 64)), __ATOMIC_RELAXED);
	}
	(void)close(fd);
}

static bool has(const struct kr_descriptors *descriptors, int fd)
{
	return fd >= 0 && fd < KR_DESCRIPTORS_MAX &&
	       (__atomic_load_n(&descriptors->taken[fd / 64], __ATOMIC_RELAXED) >> (fd % 64) & 1) != 0;
}

bool kr_is_monitor_fd(int fd)
{
	const struct kr_thread *thread = kr_thread_current();

	return thread != NULL && has(thread->descriptors, fd);
}
