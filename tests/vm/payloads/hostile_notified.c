/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hostile guest that an agent is asked about.  Its threads have calls wait that name descriptors which nobody
 * has, until the monitor, for more threads, has taken descriptors of its own; then the agent lets the calls go on.
 * None may come to what is the monitor's.  And it looks for the place that the monitor makes such calls from.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAITING 24
#define MORE    24
#define PLACE   0x200040000000ull
#define PAGE    4096

static sem_t end;
static sigjmp_buf back;

static void *use(void *number)
{
	int fd = (int)(intptr_t)number;
	int result = fsync(fd);

	if (result >= 0 || errno != EBADF) {
		printf("fsync(%d): %d, errno %d\n", fd, result, errno);
	}
	return NULL;
}

static void *idle(void *nothing)
{
	(void)sem_wait(&end);
	return nothing;
}

static int descriptors(void)
{
	pthread_t user[WAITING];
	pthread_t more[MORE];
	/* The test has set the limit: from here on stand the monitor's. */
	int first = (int)sysconf(_SC_OPEN_MAX);

	sem_init(&end, 0, 0);
	for (int i = 0; i < WAITING; i++) {
		/* What the monitor would have next when all these wait; the highest comes first. */
		if (pthread_create(&user[i], NULL, use, (void *)(intptr_t)(first + WAITING + MORE - i)) != 0) {
			return 2;
		}
	}
	(void)mkdir("/waiting", 0700);
	for (int i = 0; i < MORE; i++) {
		if (pthread_create(&more[i], NULL, idle, NULL) != 0) {
			return 3;
		}
	}
	(void)mkdir("/taken", 0700);
	for (int i = 0; i < WAITING; i++) {
		pthread_join(user[i], NULL);
	}
	for (int i = 0; i < MORE; i++) {
		sem_post(&end);
	}
	for (int i = 0; i < MORE; i++) {
		pthread_join(more[i], NULL);
	}
	printf("%d calls\n", WAITING);
	return 0;
}

static void on_fault(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

static int place(void)
{
	volatile unsigned reached = 0;

	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	for (volatile uint64_t at = PLACE; at < PLACE + PAGE; at = at + 2) {
		if (sigsetjmp(back, 1) == 0) {
			(void)*(volatile const char *)(uintptr_t)at;
			reached = reached + 1;
		}
		if (sigsetjmp(back, 1) == 0) {
			((void (*)(void))(uintptr_t)at)();
			reached = reached + 1;
		}
	}
	if (mmap((void *)(uintptr_t)PLACE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	    MAP_FAILED) {
		reached = reached + 1;
	}
	(void)munmap((void *)(uintptr_t)PLACE, PAGE);
	(void)mprotect((void *)(uintptr_t)PLACE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	printf("mkdir: %s, reached %u\n", mkdir("/asked", 0700) == 0 ? "success" : strerrorname_np(errno), reached);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "descriptors") == 0) {
		return descriptors();
	}
	return argc > 1 && strcmp(argv[1], "place") == 0 ? place() : 99;
}
