/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Signals of the guest.  The host's kernel does most of it: the host thread's mask is the guest's, and a signal
 * that the guest leaves at its default or ignores has that disposition on the host, so that stops, deaths and
 * the immunity of a pid namespace's first process are the kernel's own.
 *
 * A signal that the guest catches is caught by the monitor's handler.  It notes the signal, leaves every other
 * one blocked (they stay queued in the kernel), and has KVM_RUN or the host call return.  The run loop then
 * gives the guest its frame and sets the mask as it is to be in the handler.
 */
#ifndef KR_VM_SIGNALS_H
#define KR_VM_SIGNALS_H

#include "lock.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define KR_SIGNALS 64

struct kr_thread;

/* struct sigaction as the kernel's interface has it. */
struct kr_action {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

struct kr_actions {
	struct kr_lock lock;
	struct kr_action action[KR_SIGNALS]; /* of signal number - 1 */
};

/* The one signal that the host has delivered and the guest has not seen. */
struct kr_pending {
	volatile int number; /* 0: none */
	bool before_call;    /* it came before the host call began: the call is made afterwards, whatever it is */
	siginfo_t info;
};

/* stack_t as the kernel's interface has it. */
struct kr_altstack {
	uint64_t base;
	int32_t flags;
	uint32_t zero;
	uint64_t size;
};

/* For the calling guest thread. */
void kr_actions_lock(struct kr_actions *actions);
void kr_actions_unlock(struct kr_actions *actions);
/* Take over the dispositions and the mask that the process began with. */
void kr_signals_inherit(struct kr_thread *thread);
/* Set the calling host thread's mask. */
void kr_signals_set_host_mask(uint64_t mask);
/* The same; returns the former one. */
uint64_t kr_signals_swap_host_mask(uint64_t mask);
/* Block every signal on the host; the guest's mask does not change. */
void kr_signals_block_host(void);
/* True when the pending signal's handler wants interrupted calls to be made again (SA_RESTART). */
bool kr_signals_restart(const struct kr_thread *thread);
/* Let the guest handle the pending signal. */
void kr_signals_deliver(struct kr_thread *thread);
/* An exception of the guest: its signal, as the kernel would force it. */
void kr_signals_force(struct kr_thread *thread, const siginfo_t *info, uint32_t vector, uint64_t error,
		      uint64_t address);
/* CLONE_CLEAR_SIGHAND: what is caught gets its default action; the kernel has done so on the host. */
void kr_signals_forget_handlers(struct kr_actions *actions);
/* Before the host's execve: nothing is caught any more, and the host's mask is the guest's.  False when a signal
 * was noted, which has to be handled first. */
bool kr_signals_begin_exec(struct kr_thread *thread);
/* It failed: catch again what the guest catches. */
void kr_signals_abandon_exec(struct kr_thread *thread);
/* In the parent of a child that never was and has been awaited, with every signal blocked on the host: the signal
 * `number` that its end sent, 0 for none, is the guest's no more. */
void kr_signals_take_back(pid_t child, int number);
/* Die by `number` as if nobody had caught, blocked or ignored it. */
__attribute__((noreturn)) void kr_signals_die(int number);

#endif
