/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The monitor's locks, and the changes that they guard, when whoever holds one is killed.
 */
#include "../vm/lock.h"
#include "../vm/arena.h"
#include "../vm/layout.h"
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 20000

struct shared {
	struct kr_lock outer;
	struct kr_lock inner;
	int holds; /* the child has what it wants */
	/* A list as the guest's C library has it: its entry 32 bytes behind the word. */
	struct robust_list_head head;
	struct {
		uint32_t word;
		uint32_t unused[7];
		struct robust_list entry;
	} mutex;
};

static struct shared *share(void)
{
	void *memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

/* A child that takes both locks, tells so, and waits to be killed. */
static pid_t start_holder(struct shared *shared)
{
	pid_t child = fork();

	if (child == 0) {
		struct kr_lock_holder holder;

		kr_lock_holder_begin(&holder);
		(void)kr_lock_take(&shared->outer, &holder);
		(void)kr_lock_take(&shared->inner, &holder);
		__atomic_store_n(&shared->holds, 1, __ATOMIC_SEQ_CST);
		for (;;) {
			pause();
		}
	}
	CHECK(child > 0);
	while (__atomic_load_n(&shared->holds, __ATOMIC_SEQ_CST) == 0) {
		usleep(100);
	}
	return child;
}

static void end(pid_t child)
{
	int status;

	CHECK(kill(child, SIGKILL) == 0);
	CHECK(waitpid(child, &status, 0) == child);
}

static void the_next_holder_is_told_of_a_death(void)
{
	struct shared *shared = share();
	struct kr_lock_holder holder;

	kr_lock_holder_begin(&holder);
	end(start_holder(shared));
	CHECK(kr_lock_take(&shared->outer, &holder));
	CHECK(kr_lock_take(&shared->inner, &holder));
	kr_lock_drop(&shared->inner, &holder);
	kr_lock_drop(&shared->outer, &holder);
	CHECK(!kr_lock_take(&shared->outer, &holder));
	kr_lock_drop(&shared->outer, &holder);
	kr_lock_holder_end();
}

static void *wait_for_both(void *argument)
{
	struct shared *shared = argument;
	struct kr_lock_holder holder;
	bool told;

	kr_lock_holder_begin(&holder);
	told = kr_lock_take(&shared->outer, &holder);
	told = kr_lock_take(&shared->inner, &holder) && told;
	kr_lock_drop(&shared->outer, &holder);
	kr_lock_drop(&shared->inner, &holder);
	kr_lock_holder_end();
	return told ? shared : NULL;
}

static void a_death_wakes_who_waits(void)
{
	struct shared *shared = share();
	pid_t child = start_holder(shared);
	pthread_t waiter;
	void *told;

	CHECK(pthread_create(&waiter, NULL, wait_for_both, shared) == 0);
	usleep(20000); /* asleep by now or not: both ways have to end */
	end(child);
	CHECK(pthread_join(waiter, &told) == 0 && told == shared);
}

static struct kr_lock counted;
static int counter;

static void *count(void *argument)
{
	struct kr_lock_holder holder;

	kr_lock_holder_begin(&holder);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(!kr_lock_take(&counted, &holder));
		counter++;
		kr_lock_drop(&counted, &holder);
	}
	kr_lock_holder_end();
	return argument;
}

static void one_at_a_time_holds_it(void)
{
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++) {
		CHECK(pthread_create(&threads[i], NULL, count, NULL) == 0);
	}
	for (size_t i = 0; i < 4; i++) {
		CHECK(pthread_join(threads[i], NULL) == 0);
	}
	CHECK(counter == 4 * ROUNDS);
}

/* What becomes of the guest's mutex when its holder dies with a lock of the monitor's, too. */
static uint32_t word_behind(bool is_joined)
{
	struct shared *shared = share();
	pid_t child = fork();

	if (child == 0) {
		struct kr_lock_holder holder;

		shared->head.list.next = &shared->mutex.entry;
		shared->mutex.entry.next = &shared->head.list;
		shared->mutex.word = (uint32_t)getpid();
		kr_lock_holder_begin(&holder);
		kr_lock_holder_chain(&holder, (uint64_t)(uintptr_t)&shared->head, -32);
		kr_lock_holder_join(&holder);
		(void)kr_lock_take(&shared->outer, &holder);
		if (!is_joined) {
			kr_lock_holder_cut(&holder);
		}
		__atomic_store_n(&shared->holds, 1, __ATOMIC_SEQ_CST);
		for (;;) {
			pause();
		}
	}
	while (__atomic_load_n(&shared->holds, __ATOMIC_SEQ_CST) == 0) {
		usleep(100);
	}
	end(child);
	return shared->mutex.word == (uint32_t)child ? 0 : shared->mutex.word;
}

static void the_guests_list_follows_unless_it_is_cut(void)
{
	CHECK(word_behind(true) == FUTEX_OWNER_DIED);
	CHECK(word_behind(false) == 0);
}

#define PAGE(n) (KR_BLOCK + (uint64_t)(n)*KR_PAGE)

static void a_change_that_was_not_ended_is_undone(void)
{
	struct kr_arena arena = { .regions = NULL };
	struct kr_region before[3];

	for (unsigned i = 0; i < 3; i++) {
		CHECK(kr_arena_reserve(&arena) == 0);
		kr_arena_set(&arena, (struct kr_region){ PAGE(4 * i), PAGE(4 * i + 2), PROT_READ, false, false });
	}
	CHECK(arena.count == 3);
	memcpy(before, arena.regions, sizeof before);
	kr_arena_mend(&arena);
	CHECK(arena.count == 3 && memcmp(before, arena.regions, sizeof before) == 0);
	/* What a death leaves: the list is half moved, and its change still open. */
	kr_undo_open(&arena.undo, arena.regions, sizeof before, &arena.count);
	memset(arena.regions, 0xff, sizeof before[0]);
	arena.count = 2;
	kr_arena_mend(&arena);
	CHECK(arena.count == 3 && memcmp(before, arena.regions, sizeof before) == 0);
	kr_arena_mend(&arena);
	CHECK(arena.count == 3);
}

int main(void)
{
	the_next_holder_is_told_of_a_death();
	a_death_wakes_who_waits();
	one_at_a_time_holds_it();
	the_guests_list_follows_unless_it_is_cut();
	a_change_that_was_not_ended_is_undone();
	return 0;
}
