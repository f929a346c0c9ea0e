/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * When the monitor asks KVM for an interrupt window.
 */
#include "../vm/window.h"
#include "check.h"

#define FAST 100u
#define SLOW 200u
#define HERE 0x401000u /* where system calls are made */
#define ELSE 0x402010u

/* One run up to a system call at `ip`, `ticks` long.  True when the window was asked for. */
static bool call(struct kr_window *window, uint64_t ip, uint64_t ticks)
{
	struct kvm_run run = { .request_interrupt_window = 0 };

	kr_window_enter(window, &run, 1000);
	kr_window_hit(window, &run, 39, ip, 1000 + ticks);
	return run.request_interrupt_window != 0;
}

/* One run that would end with the window for something else, and the one that ends with the call.  True when the
 * window was asked for. */
static bool miss(struct kr_window *window, uint64_t ip)
{
	struct kvm_run run = { .request_interrupt_window = 0 };

	kr_window_enter(window, &run, 1000);
	if (run.request_interrupt_window == 0) {
		kr_window_hit(window, &run, 39, ip, 1000 + FAST);
		return false;
	}
	kr_window_miss(window);
	kr_window_enter(window, &run, 1000);
	CHECK(run.request_interrupt_window == 0);
	kr_window_hit(window, &run, 39, ip, 1000 + FAST);
	return true;
}

static void calls_in_quick_succession_ask_for_the_window(void)
{
	struct kr_window window = { .runs = 0 };

	CHECK(!call(&window, HERE, FAST));
	CHECK(!call(&window, HERE, FAST + 10));
	CHECK(!call(&window, HERE, FAST));
	CHECK(call(&window, HERE, FAST));
	CHECK(call(&window, HERE, SLOW));
}

static void calls_with_faults_between_them_do_not(void)
{
	struct kr_window window = { .runs = 0 };

	CHECK(!call(&window, HERE, FAST));
	for (int i = 0; i < 100; i++) {
		CHECK(!call(&window, HERE, SLOW));
		CHECK(!call(&window, HERE, FAST));
	}
}

/* Behind one call comes a fault, behind the other the next call. */
static void each_place_is_judged_by_itself(void)
{
	struct kr_window window = { .runs = 0 };

	for (int i = 0; i < 10; i++) {
		CHECK(!call(&window, HERE, SLOW));
		CHECK(call(&window, ELSE, FAST) == (i >= 2));
	}
}

/* A KVM that opens the window before the guest has done anything costs next to nothing in the end. */
static void tries_that_fail_become_rare(void)
{
	struct kr_window window = { .runs = 0 };
	int misses = 0;

	for (int i = 0; i < 1000; i++) {
		misses += miss(&window, HERE) ? 1 : 0;
	}
	CHECK(misses > 1);
	CHECK(misses < 25);
}

int main(void)
{
	calls_in_quick_succession_ask_for_the_window();
	calls_with_faults_between_them_do_not();
	each_place_is_judged_by_itself();
	tries_that_fail_become_rare();
	return 0;
}
