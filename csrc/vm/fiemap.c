/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The kernel writes as many parts as the structure says that there is room for, and reads that from memory: it is
 * given a copy with as much room of the monitor's.
 */
#include "fiemap.h"

#include "hypercall.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define MOST      65536u     /* parts at once; who wants more asks again behind the last one */
#define UNTOUCHED UINT32_MAX /* more than the kernel takes */

static int64_t ask(struct kr_thread *thread, int fd, uint64_t of)
{
	return kr_host_call(thread, SYS_ioctl, (const uint64_t[6]){ (uint64_t)fd, FS_IOC_FIEMAP, of, 0, 0, 0 });
}

int64_t kr_fiemap(struct kr_thread *thread, int fd, uint64_t request)
{
	struct fiemap *copy;
	struct fiemap head;
	uint32_t room;
	size_t size;
	int64_t result;

	if (kr_copy_from_guest(&head, request, sizeof head) < 0) {
		return ask(thread, fd, kr_stand_in(request, sizeof head));
	}
	room = head.fm_extent_count;
	if (room > UINT32_MAX / sizeof(struct fiemap_extent)) {
		return ask(thread, fd, (uint64_t)(uintptr_t)&head);
	}
	head.fm_extent_count = room < MOST ? room : MOST;
	size = sizeof head + head.fm_extent_count * sizeof(struct fiemap_extent);
	copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED) {
		return -ENOMEM;
	}
	*copy = head;
	copy->fm_mapped_extents = UNTOUCHED;
	result = ask(thread, fd, (uint64_t)(uintptr_t)copy);
	if (copy->fm_mapped_extents == UNTOUCHED) {
		(void)munmap(copy, size);
		return result;
	}
	if (room > 0 && kr_copy_to_guest(request + sizeof head, copy->fm_extents,
					 copy->fm_mapped_extents * sizeof(struct fiemap_extent)) < 0) {
		result = -EFAULT;
	}
	copy->fm_extent_count = room;
	if (kr_copy_to_guest(request, copy, sizeof head) < 0) {
		result = -EFAULT;
	}
	(void)munmap(copy, size);
	return result;
}
