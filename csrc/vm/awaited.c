/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "awaited.h"

#include "machine.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

int kr_awaited_open(struct kr_thread *thread, struct kr_awaited *awaited)
{
	int ends[2];

	if (KR_BEYOND_LIMITS(thread->machine, (int)syscall(SYS_pipe2, ends, O_CLOEXEC)) != 0) {
		return -EAGAIN;
	}
	awaited->parents = kr_descriptors_take(thread->descriptors, ends[0]);
	awaited->childs = kr_descriptors_take(thread->descriptors, ends[1]);
	if (awaited->parents >= 0 && awaited->childs >= 0) {
		return 0;
	}
	for (int i = 0; i < 2; i++) {
		const int end = i == 0 ? awaited->parents : awaited->childs;

		if (end >= 0) {
			kr_descriptors_close(thread->descriptors, end);
		}
	}
	return -EAGAIN;
}

void kr_awaited_keep_parents(struct kr_thread *thread, const struct kr_awaited *awaited)
{
	kr_descriptors_close(thread->descriptors, awaited->childs);
}

void kr_awaited_keep_childs(struct kr_thread *thread, const struct kr_awaited *awaited)
{
	kr_descriptors_close(thread->descriptors, awaited->parents);
	thread->descriptors->awaited = awaited->childs;
}

void kr_awaited_forget(struct kr_descriptors *descriptors)
{
	if (descriptors->awaited != 0) {
		kr_descriptors_close(descriptors, descriptors->awaited);
		descriptors->awaited = 0;
	}
}

void kr_awaited_wait(struct kr_thread *thread, const struct kr_awaited *awaited)
{
	struct pollfd gone = { .fd = awaited->parents };

	while (ppoll(&gone, 1, NULL, NULL) < 0 && errno == EINTR) {
	}
	kr_descriptors_close(thread->descriptors, awaited->parents);
}
