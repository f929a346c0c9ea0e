/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "window.h"

#define CALM_ENOUGH 2u
#define BACKOFF_MIN 2u
#define BACKOFF_MAX 4096u

/* A run in which KVM settled something, or that computed for long: a quarter over the shortest. */
static bool is_calm(const struct kr_window *window, uint64_t ticks)
{
	return ticks - window->fastest <= window->fastest / 4;
}

void kr_window_enter(struct kr_window *window, struct kvm_run *run, uint64_t now)
{
	run->request_interrupt_window = window->calm >= CALM_ENOUGH && window->pause == 0 ? 1 : 0;
	window->entered = now;
}

void kr_window_hit(struct kr_window *window, const struct kvm_run *run, uint64_t now)
{
	uint64_t ticks = now - window->entered;

	if (run->request_interrupt_window != 0) {
		window->backoff /= 2;
		return;
	}
	window->pause -= window->pause > 0 ? 1 : 0;
	if (window->fastest == 0 || ticks < window->fastest) {
		window->fastest = ticks;
	}
	window->calm = is_calm(window, ticks) ? window->calm + 1 : 0;
}

void kr_window_miss(struct kr_window *window)
{
	window->calm = 0;
	window->backoff = window->backoff < BACKOFF_MIN ? BACKOFF_MIN : window->backoff * 2;
	window->backoff = window->backoff > BACKOFF_MAX ? BACKOFF_MAX : window->backoff;
	window->pause = window->backoff;
}
