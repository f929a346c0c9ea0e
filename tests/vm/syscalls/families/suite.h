/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A family of system-call tests: each case is a function named after the call and a number, runs in a process and
 * a directory of its own, and says what it saw, one line a check:
 *
 *   read02: buf kernel: EFAULT
 *
 * Nothing is judged here.  A line that is not the same on a kernel and in the VM is a difference.
 */
#ifndef SUITE_H
#define SUITE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Calls that are newer than the C library's headers. */
#define NR_cachestat         451
#define NR_fchmodat2         452
#define NR_futex_wake        454
#define NR_futex_wait        455
#define NR_futex_requeue     456
#define NR_statmount         457
#define NR_listmount         458
#define NR_lsm_get_self_attr 459
#define NR_lsm_set_self_attr 460
#define NR_lsm_list_modules  461
#define NR_mseal             462
#define NR_setxattrat        463
#define NR_getxattrat        464
#define NR_listxattrat       465
#define NR_removexattrat     466
#define NR_open_tree_attr    467
#define NR_file_getattr      468
#define NR_file_setattr      469
#define NR_kexec_file_load   320

#define PAGE         4096ul
#define ARENA_END    0x200000000000ul /* of the VM's memory; nothing is there on a kernel either */
#define SECONDS      20               /* that a case may take */
#define COUNT(all)   (sizeof(all) / sizeof(all)[0])
#define S(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

struct suite_case {
	const char *name;
	void (*run)(void);
};

/* Pointers that are no good: `bad_count` for a call that reads, one more for a call that writes. */
struct bad_pointer {
	const char *name;
	void *at;
};

extern struct bad_pointer bad[];
extern const size_t bad_count;
extern char *const hole; /* an address whose page, and the one after it, nobody maps */

void suite_add(const char *name, void (*run)(void));

/* A number, or the errno of a call that failed. */
long say(const char *what, long result);
/* Success or the errno, where the number is the machine's own. */
long say_done(const char *what, long result);
/* Bytes, with those that cannot be printed in hexadecimal. */
void say_bytes(const char *what, const void *data, size_t size);
/* A wait status. */
void say_status(const char *what, int status);
/* A file with `size` bytes a, b, c, …, z, a, …; its descriptor. */
int make_file(const char *path, size_t size);
/* A child that runs `body` and ends with what it returns; its pid. */
pid_t start_child(int (*body)(void *), void *arg);
int wait_child(pid_t pid);
/* A page whose last `size` bytes lie at the address returned, with a hole behind it. */
char *before_hole(size_t size);
/* Become a user without rights, in this process only. */
void become_nobody(void);

#define TEST(name) \
	static void name(void); \
	__attribute__((constructor)) static void add_##name(void) \
	{ \
		suite_add(#name, name); \
	} \
	static void name(void)

/* The call, which uses P, with each bad pointer. */
#define EACH_BAD_IN(what, call)  EACH_BAD(what, bad_count, call)
#define EACH_BAD_OUT(what, call) EACH_BAD(what, bad_count + 1, call)
#define EACH_BAD(what, count, call) \
	for (size_t bad_at = 0; bad_at < (count); bad_at++) { \
		void *P = bad[bad_at].at; \
		char bad_what[64]; \
		snprintf(bad_what, sizeof bad_what, "%s %s", what, bad[bad_at].name); \
		(void)P; \
		say_done(bad_what, call); \
	}

#endif
