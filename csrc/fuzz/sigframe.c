/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fuzzes the return from signal handlers: what of a frame reaches the virtual processor is what it can take.
 * Input: a byte that chooses the processor, one for the place of the frame, then the arena's first bytes, over a
 * frame as the monitor writes it.
 */
#include "tests/check.h"
#include "vm/layout.h"
#include "vm/machine.h"
#include "vm/sigframe.h"

#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA        0x20000000ull /* tests/guest_double.c maps it and knows its bounds */
#define TOP          (ARENA + 0xc000)
#define HEADER_AT    512u
#define AVX_FEATURES 7u
#define AVX_BYTES    832u

void double_map_arena(void);

/* Stand for the virtual processor. */
int kr_cpu_get_xsave(const struct kr_cpu *cpu, struct kvm_xsave *xsave)
{
	(void)cpu;
	memset(xsave, 0, sizeof *xsave);
	return 0;
}

int kr_cpu_set_xsave(const struct kr_cpu *cpu, const struct kvm_xsave *xsave)
{
	uint64_t header[8];

	(void)cpu;
	memcpy(header, (const uint8_t *)xsave + HEADER_AT, sizeof header);
	CHECK((header[0] & ~(uint64_t)AVX_FEATURES) == 0);
	for (int i = 1; i < 8; i++) {
		CHECK(header[i] == 0);
	}
	return 0;
}

void kr_cpu_to_user(struct kr_cpu *cpu)
{
	CHECK(cpu != NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	double_map_arena();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kvm_run run;
	static struct kr_machine machine;
	struct kr_cpu cpu = { .run = &run };
	struct kr_thread thread = { .machine = &machine, .cpu = &cpu };
	struct kr_action action = { .handler = 0x1000, .restorer = 0x2000 };
	const struct kr_trap_info trap = { .vector = 0 };
	const siginfo_t info = { .si_signo = SIGUSR1 };
	uint64_t mask = 0;
	uint64_t at;

	if (size < 4) {
		return 0;
	}
	machine.model.hardware.xcr0 = (data[0] & 1) != 0 ? AVX_FEATURES : 0;
	machine.model.xsave_size = AVX_BYTES;
	kr_cpu_regs(&cpu)->rsp = TOP;
	CHECK(kr_sigframe_push(&thread, SIGUSR1, &info, &action, 0, &trap) == 0);
	at = kr_cpu_regs(&cpu)->rsp;
	CHECK(at >= ARENA && at < TOP);
	/* Over the frame, from a place in it on. */
	at += data[1] * 8u;
	memcpy((void *)(uintptr_t)at, data + 2, size - 2 < TOP - at ? size - 2 : TOP - at);
	kr_cpu_regs(&cpu)->rsp += sizeof(uint64_t) + (data[0] & 2) * 0x4000u;
	if (kr_sigframe_pop(&thread, &mask) == 0) {
		kr_cpu_regs(&cpu)->rsp = TOP;
		(void)kr_sigframe_push(&thread, SIGUSR1, &info, &action, mask, &trap);
	}
	return 0;
}
