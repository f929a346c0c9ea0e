/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A segment of shared memory that is another one, of the same number and longer, when it is attached: one thread
 * attaches it to the last page of the guest's memory, where one page has room, and a second one removes it and
 * makes the next.  The status is 1 when more than a page was ever attached there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#define TRIES     30000
#define PAGE      4096u
#define ARENA_END 0x200000000000ull

static atomic_bool is_over;
static int number;
static int next_number; /* the file that says which number is given next */

static int make(size_t size)
{
	char text[16];
	int length = snprintf(text, sizeof text, "%d", number);

	return pwrite(next_number, text, (size_t)length, 0) == length ? shmget(IPC_PRIVATE, size, 0600 | IPC_CREAT)
								      : -1;
}

static void *replace(void *nothing)
{
	for (size_t pages = 2; !atomic_load(&is_over); pages = 3 - pages) {
		int made;

		(void)shmctl(number, IPC_RMID, NULL);
		made = make(pages * PAGE);
		if (made >= 0 && made != number) {
			(void)shmctl(made, IPC_RMID, NULL);
		}
	}
	return nothing;
}

/* While it is attached, its number is no other's. */
static size_t attached_bytes(void)
{
	void *at = shmat(number, (void *)(uintptr_t)(ARENA_END - PAGE), SHM_REMAP);
	struct shmid_ds segment = { .shm_segsz = PAGE };

	if (at == (void *)-1) {
		return 0;
	}
	(void)shmctl(number, IPC_STAT, &segment);
	(void)shmdt(at);
	return segment.shm_segsz;
}

int main(void)
{
	unsigned attached = 0;
	unsigned too_long = 0;
	pthread_t thread;

	if (unshare(CLONE_NEWIPC) != 0 || (next_number = open("/proc/sys/kernel/shm_next_id", O_RDWR)) < 0 ||
	    (number = shmget(IPC_PRIVATE, PAGE, 0600 | IPC_CREAT)) < 0 ||
	    pthread_create(&thread, NULL, replace, NULL) != 0) {
		perror("hostile_segment");
		return 2;
	}
	for (int i = 0; i < TRIES && too_long == 0; i++) {
		size_t bytes = attached_bytes();

		attached += bytes > 0 ? 1 : 0;
		too_long += bytes > PAGE ? 1 : 0;
	}
	atomic_store(&is_over, true);
	(void)pthread_join(thread, NULL);
	printf("%s attached, %u too long\n", attached > 0 ? "some" : "none", too_long);
	return too_long == 0 ? 0 : 1;
}
