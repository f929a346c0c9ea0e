/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One guest thread: a virtual processor and the host thread that runs it.  Its number for the guest is the
 * host thread's own.
 */
#ifndef KR_VM_THREAD_H
#define KR_VM_THREAD_H

#include "calls.h"
#include "cpu.h"
#include "seccomp.h"
#include "signals.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct kr_machine;
struct share;

/* Bytes of a host thread's stack: the deepest call copies a page of structures and a long string. */
#define KR_THREAD_STACK (512u << 10)

/* How the call came that is being served: it says where to continue. */
enum kr_entry_kind { KR_ENTRY_SYSCALL, KR_ENTRY_HYPERCALL };

/* For the page that the host lacks, see exception.h. */
struct kr_search {
	bool is_on;
	uint64_t rip;  /* the instruction that touches it */
	uint64_t last; /* what that instruction has touched of what is there; 0 for nothing */
};

struct kr_thread {
	struct kr_thread *next; /* in one of the machine's lists; thread_lock */
	struct kr_machine *machine;
	pid_t tid;
	pthread_t host; /* unless is_main */
	struct kr_cpu *cpu;
	struct kr_actions *actions; /* what its process does with signals */
	struct kr_pending pending;
	uint64_t mask;   /* blocked signals; the host thread's own mask is the same */
	uint64_t masked; /* while has_masked: what kr_host_call_masked put in its place */
	bool has_masked;
	bool has_context; /* a handler of a call has set all registers: no result is stored */
	struct kr_altstack altstack;
	enum kr_entry_kind entry;
	uint64_t clear_tid; /* guest address to clear and wake when the thread ends, 0 for none */
	uint64_t robust_list;
	struct kr_seccomp seccomp;
	bool was_notified; /* an agent was asked about the call: it is interrupted as the asking is */
	bool is_forced;    /* `forced` is delivered when the registers hold the call's result */
	siginfo_t forced;
	struct kr_lock_holder holder;       /* of its host thread */
	struct kr_descriptors *descriptors; /* the monitor's in its process */
	struct kr_search search;
	bool has_ended;
	bool is_main;        /* its host thread is the one that the process began with */
	bool is_borrower;    /* the child of a vfork, in its parent's machine until it execs or ends */
	struct share *share; /* vfork.c: whoever waits to hear of the child */
	int hears;           /* the descriptor by which it hears of a child, 0 for none: awaited.h; memory_lock */
};

/* The calling host thread's guest thread, NULL before there is one. */
struct kr_thread *kr_thread_current(void);
/* The calling host thread runs `thread` from now on. */
void kr_thread_adopt(struct kr_thread *thread);

/* The calling host thread's guest thread is one of the machine's, and holds no lock.  thread_lock is held, where
 * there are others. */
void kr_thread_enter(struct kr_thread *thread);
/* It is no longer, if it was, and its host thread is about to end. */
void kr_thread_leave(struct kr_thread *thread);

/* What the guest sees of a new thread. */
struct kr_birth {
	struct kr_cpu_state state; /* its registers */
	uint64_t parent_tid;       /* guest addresses that get its number, 0 for none */
	uint64_t child_tid;
	uint64_t clear_tid;
};

/* Start a thread beside `parent`, the calling one.  Its number, or -errno. */
int64_t kr_thread_start(struct kr_thread *parent, const struct kr_birth *birth);

/* Wait until the host threads whose guest threads have ended are gone, with what they hold of the C library: a fork
 * must not copy one of its locks, and the process is of one thread only then.  thread_lock is held. */
void kr_thread_await_leavers(struct kr_machine *machine);

/* End the calling thread: the run loop finds has_ended and returns.  The host thread of the main one ends here;
 * with the last one the process ends, with `status`. */
void kr_thread_exit(struct kr_thread *thread, int status);

#endif
