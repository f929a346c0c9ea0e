/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "window.h"

#define CALM_ENOUGH 2
#define MISSES_MAX  6u

/* Was there nothing that KVM settled, and no long computation?  Then the run took as long as the shortest, or a
 * quarter more. */
static bool is_calm(struct kr_window *window, uint64_t ticks)
{
	if (window->fastest == 0 || ticks < window->fastest) {
		window->fastest = ticks;
	}
	return window->runs == 1 && ticks - window->fastest <= window->fastest / 4;
}

void kr_window_enter(struct kr_window *window, struct kvm_run *run, uint64_t now)
{
	bool is_first = window->runs == 0;

	run->request_interrupt_window = is_first && window->guesses[window->at].calm >= CALM_ENOUGH ? 1 : 0;
	window->entered = now;
	window->runs++;
}

void kr_window_hit(struct kr_window *window, const struct kvm_run *run, uint64_t number, uint64_t ip, uint64_t now)
{
	struct kr_window_guess *guess = &window->guesses[window->at];

	if (run->request_interrupt_window != 0) {
		guess->misses = 0;
	} else if (!is_calm(window, now - window->entered)) {
		guess->calm = guess->calm > 0 ? 0 : guess->calm;
	} else if (guess->calm < CALM_ENOUGH) {
		guess->calm++;
	}
	window->at = (uint32_t)(ip ^ ip >> 6 ^ ip >> 12 ^ number) % KR_WINDOW_GUESSES;
	window->runs = 0;
}

void kr_window_miss(struct kr_window *window)
{
	struct kr_window_guess *guess = &window->guesses[window->at];

	if (guess->misses < MISSES_MAX) {
		guess->misses++;
	}
	guess->calm = (int8_t)(-(1 << guess->misses));
}
