/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Handlers of signals that keep what they are told.
 */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "expect.h"

#include <setjmp.h>
#include <signal.h>

static volatile sig_atomic_t caught;
static volatile sig_atomic_t code;
static void *volatile address;
static char *volatile stack_seen;
static sigset_t mask_seen;
static sigjmp_buf back;

static inline void note(int number, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	caught = number;
	code = info->si_code;
	address = info->si_addr;
	stack_seen = &here;
	sigprocmask(SIG_SETMASK, NULL, &mask_seen);
}

static inline void jump(int number, siginfo_t *info, void *context)
{
	note(number, info, context);
	siglongjmp(back, 1);
}

static inline void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	EXPECT(sigaction(number, &action, NULL) == 0);
}

#endif
