/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "awaited.h"

#include "machine.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACE 16 /* behind the first of the monitor's: where nothing else stands when a program starts */

void kr_awaited_keep_place(struct kr_machine *machine)
{
	struct kr_descriptors *descriptors = &machine->descriptors;
	const int least = descriptors->base + PLACE;
	int fd = machine->image >= 0 ? KR_BEYOND_LIMITS(machine, fcntl(machine->image, F_DUPFD_CLOEXEC, 0)) : -1;

	fd = fd >= 0 ? kr_descriptors_take_above(descriptors, fd, least) : -1;
	if (fd >= 0 && fd < least) {
		kr_descriptors_close(descriptors, fd); /* there is no room */
		fd = -1;
	}
	descriptors->place = fd >= 0 ? fd : 0;
}

/* What stands at the place from now on is the file of `fd`. */
static bool put(const struct kr_thread *thread, int fd)
{
	int result;

	kr_limits_lift(thread->machine);
	result = dup3(fd, thread->descriptors->place, O_CLOEXEC);
	kr_limits_restore(thread->machine);
	return result >= 0;
}

static int take_parents(struct kr_thread *thread, int end)
{
	struct kr_descriptors *descriptors = thread->descriptors;

	if (descriptors->place == 0 || descriptors->is_placed || !put(thread, end)) {
		return kr_descriptors_take(descriptors, end);
	}
	(void)close(end);
	descriptors->is_placed = true;
	return descriptors->place;
}

static void close_parents(struct kr_thread *thread, int end)
{
	struct kr_descriptors *descriptors = thread->descriptors;

	if (end == descriptors->place && put(thread, thread->machine->image)) {
		descriptors->is_placed = false;
	} else {
		kr_descriptors_close(descriptors, end);
	}
}

int kr_awaited_open(struct kr_thread *thread, struct kr_awaited *awaited)
{
	int ends[2];

	*awaited = KR_AWAITED_NOT;
	if (KR_BEYOND_LIMITS(thread->machine, (int)syscall(SYS_pipe2, ends, O_CLOEXEC)) != 0) {
		return -EAGAIN;
	}
	awaited->parents = take_parents(thread, ends[0]);
	awaited->childs = kr_descriptors_take(thread->descriptors, ends[1]);
	if (awaited->parents >= 0 && awaited->childs >= 0) {
		thread->hears = awaited->parents;
		return 0;
	}
	if (awaited->parents >= 0) {
		close_parents(thread, awaited->parents);
	}
	if (awaited->childs >= 0) {
		kr_descriptors_close(thread->descriptors, awaited->childs);
	}
	*awaited = KR_AWAITED_NOT;
	return -EAGAIN;
}

void kr_awaited_keep_parents(struct kr_thread *thread, const struct kr_awaited *awaited)
{
	kr_descriptors_close(thread->descriptors, awaited->childs);
}

void kr_awaited_keep_childs(struct kr_thread *thread)
{
	if (thread->is_borrower) {
		return; /* those are its lender's brothers, with other descriptors */
	}
	for (struct kr_thread *other = thread->machine->first_thread; other != NULL; other = other->next) {
		if (other != thread && other->hears != 0) {
			close_parents(thread, other->hears);
		}
	}
}

/* Its own copy of the parent's end is open until the word is written: a parent that was killed is no reason for a
 * SIGPIPE. */
static void write_word(struct kr_thread *thread, const struct kr_awaited *awaited, int code)
{
	while (write(awaited->childs, &code, sizeof code) < 0 && errno == EINTR) {
	}
	close_parents(thread, awaited->parents);
	thread->hears = 0;
}

void kr_awaited_tell(struct kr_thread *thread, const struct kr_awaited *awaited, bool is_to_the_end)
{
	write_word(thread, awaited, 0);
	if (is_to_the_end) {
		thread->descriptors->awaited = awaited->childs;
	} else {
		kr_descriptors_close(thread->descriptors, awaited->childs);
	}
}

/* It is for the parent to end it, unless that has ended. */
void kr_awaited_fail(struct kr_thread *thread, const struct kr_awaited *awaited, int code)
{
	struct pollfd gone = { .fd = awaited->childs };

	if (awaited->childs < 0) {
		kr_signals_die(SIGKILL);
	}
	write_word(thread, awaited, code);
	while (ppoll(&gone, 1, NULL, NULL) < 0 && errno == EINTR) {
	}
	for (;;) {
		(void)syscall(SYS_exit_group, 1);
	}
}

void kr_awaited_forget(struct kr_descriptors *descriptors)
{
	if (descriptors->awaited != 0) {
		kr_descriptors_close(descriptors, descriptors->awaited);
		descriptors->awaited = 0;
	}
}

static void bury(pid_t child, int signal)
{
	(void)syscall(SYS_tgkill, child, child, SIGKILL);
	while (syscall(SYS_wait4, child, NULL, __WALL, NULL) < 0 && errno == EINTR) {
	}
	kr_signals_take_back(child, signal);
}

int kr_awaited_hear(const struct kr_awaited *awaited, pid_t child, int signal)
{
	int code = 0;
	ssize_t got;

	do {
		got = read(awaited->parents, &code, sizeof code);
	} while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof code || code == 0) {
		return 0;
	}
	bury(child, signal);
	return code == ENOMEM ? -ENOMEM : -EAGAIN;
}

void kr_awaited_wait(const struct kr_awaited *awaited)
{
	struct pollfd gone = { .fd = awaited->parents };

	while (ppoll(&gone, 1, NULL, NULL) < 0 && errno == EINTR) {
	}
}

void kr_awaited_close(struct kr_thread *thread, const struct kr_awaited *awaited)
{
	/* Both at once, or a child of another thread's would close what has the number then. */
	kr_machine_lock_memory(thread->machine);
	thread->hears = 0;
	close_parents(thread, awaited->parents);
	kr_machine_unlock_memory(thread->machine);
}
