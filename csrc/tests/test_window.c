/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * When the monitor asks KVM for an interrupt window.
 */
#include "../vm/window.h"
#include "check.h"

#define FAST 100u
#define SLOW 200u

/* One run up to a system call, `ticks` long.  True when the window was asked for. */
static bool call(struct kr_window *window, uint64_t ticks)
{
	struct kvm_run run = { .request_interrupt_window = 0 };

	kr_window_enter(window, &run, 1000);
	kr_window_hit(window, &run, 1000 + ticks);
	return run.request_interrupt_window != 0;
}

/* One run that ends with the window for something else.  False when it was not asked for. */
static bool miss(struct kr_window *window)
{
	struct kvm_run run = { .request_interrupt_window = 0 };

	kr_window_enter(window, &run, 1000);
	if (run.request_interrupt_window != 0) {
		kr_window_miss(window);
		return true;
	}
	kr_window_hit(window, &run, 1000 + FAST);
	return false;
}

static void calls_in_quick_succession_ask_for_the_window(void)
{
	struct kr_window window = { .calm = 0 };

	CHECK(!call(&window, FAST));
	CHECK(!call(&window, FAST + 10));
	CHECK(call(&window, FAST));
	CHECK(call(&window, SLOW));
}

static void calls_with_faults_between_them_do_not(void)
{
	struct kr_window window = { .calm = 0 };

	CHECK(!call(&window, FAST));
	for (int i = 0; i < 100; i++) {
		CHECK(!call(&window, SLOW));
		CHECK(!call(&window, FAST));
	}
}

/* A KVM that opens the window before the guest has done anything costs next to nothing in the end. */
static void tries_that_fail_become_rare(void)
{
	struct kr_window window = { .calm = 0 };
	int misses = 0;

	for (int i = 0; i < 100000; i++) {
		misses += miss(&window) ? 1 : 0;
	}
	CHECK(misses > 1);
	CHECK(misses < 50);
}

int main(void)
{
	calls_in_quick_succession_ask_for_the_window();
	calls_with_faults_between_them_do_not();
	tries_that_fail_become_rare();
	return 0;
}
