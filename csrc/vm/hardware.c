/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hardware.h"

#include "layout.h"
#include "segments.h"

#include <asm/processor-flags.h>
#include <errno.h>
#include <stddef.h>

#define EFER_SCE (1u << 0)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define EFER_NX  (1u << 11)

#define BASIC_XSAVE         (1u << 26) /* leaf 1, ECX */
#define BASIC_PAE           (1u << 6)  /* leaf 1, EDX */
#define BASIC_PGE           (1u << 13)
#define BASIC_FXSR          (1u << 24)
#define BASIC_SSE2          (1u << 26)
#define STRUCTURED_FSGSBASE (1u << 0)  /* leaf 7, EBX */
#define EXTENDED_SYSCALL    (1u << 11) /* leaf 0x80000001, EDX */
#define EXTENDED_NX         (1u << 20)
#define EXTENDED_LONG_MODE  (1u << 29)

#define ADDRESS_BITS_DEFAULT 36u
#define ADDRESS_BITS_MIN     33u /* the arena's first slot lies at 4 GiB */
#define ADDRESS_BITS_MAX     46u /* more is never used: see layout.h */
#define SLOTS_MIN            64

#define STATE_X87 0x1ull
#define STATE_SSE 0x2ull
/* Tiles need the kernel's permission, and more room than a signal frame has here. */
#define STATES_LEFT_OUT (3ull << 17)

#define VECTOR_PROTECTION 13u

struct feature {
	size_t word; /* offset in the facts */
	uint32_t bit;
	const char *name;
};

static const struct feature needed_features[] = {
	{ offsetof(struct kr_hardware_facts, extended_edx), EXTENDED_LONG_MODE, "64-bit mode" },
	{ offsetof(struct kr_hardware_facts, extended_edx), EXTENDED_SYSCALL, "SYSCALL" },
	{ offsetof(struct kr_hardware_facts, extended_edx), EXTENDED_NX, "pages that cannot be executed (NX)" },
	{ offsetof(struct kr_hardware_facts, basic_edx), BASIC_PAE, "PAE" },
	{ offsetof(struct kr_hardware_facts, basic_edx), BASIC_FXSR, "FXSAVE" },
	{ offsetof(struct kr_hardware_facts, basic_edx), BASIC_SSE2, "SSE2" },
};

static int judge_kvm(const struct kr_hardware_facts *facts, struct kr_err *err)
{
	const int registers = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;

	if (facts->version != KR_KVM_VERSION) {
		return kr_fail(err, ENOTSUP, "this KVM speaks version %d of its interface: version %d is needed",
			       facts->version, KR_KVM_VERSION);
	}
	if ((facts->sync_regs & registers) != registers) {
		return kr_fail(err, ENOTSUP, "this KVM does not share registers: KVM_CAP_SYNC_REGS is needed");
	}
	if (facts->immediate_exit <= 0) {
		return kr_fail(err, ENOTSUP,
			       "this KVM cannot be told to stop at once: KVM_CAP_IMMEDIATE_EXIT is needed");
	}
	if (facts->slots < SLOTS_MIN) {
		return kr_fail(err, ENOTSUP, "this KVM has %d memory slots: at least %d are needed", facts->slots,
			       SLOTS_MIN);
	}
	return 0;
}

static int judge_features(const struct kr_hardware_facts *facts, struct kr_err *err)
{
	for (size_t i = 0; i < sizeof needed_features / sizeof needed_features[0]; i++) {
		const struct feature *feature = &needed_features[i];
		const uint32_t *word = (const void *)((const char *)facts + feature->word);

		if ((*word & feature->bit) == 0) {
			return kr_fail(err, ENOTSUP, "this KVM's processors lack what is needed: %s",
				       feature->name);
		}
	}
	return 0;
}

int kr_hardware_judge(const struct kr_hardware_facts *facts, struct kr_hardware *hardware, struct kr_err *err)
{
	uint32_t bits = facts->address_bits != 0 ? facts->address_bits : ADDRESS_BITS_DEFAULT;
	const uint64_t basic_states = STATE_X87 | STATE_SSE;

	if (judge_kvm(facts, err) < 0 || judge_features(facts, err) < 0) {
		return -1;
	}
	if (bits < ADDRESS_BITS_MIN) {
		return kr_fail(err, ENOTSUP,
			       "this KVM's processors address %u bits of memory: at least %u are needed", bits,
			       ADDRESS_BITS_MIN);
	}
	*hardware = (struct kr_hardware){
		.cr0 = X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_PG,
		.cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT,
		.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX,
		.gpa_limit = 1ull << (bits < ADDRESS_BITS_MAX ? bits : ADDRESS_BITS_MAX),
	};
	if ((facts->basic_ecx & BASIC_XSAVE) != 0 && (facts->states & basic_states) == basic_states) {
		hardware->xcr0 = facts->states & ~STATES_LEFT_OUT;
		hardware->cr4 |= X86_CR4_OSXSAVE;
	}
	hardware->cr4 |= (facts->basic_edx & BASIC_PGE) != 0 ? X86_CR4_PGE : 0;
	hardware->cr4 |= (facts->structured_ebx & STRUCTURED_FSGSBASE) != 0 ? X86_CR4_FSGSBASE : 0;
	return 0;
}

/* SYSCALL has jumped to the trap page.  VMX and SVM enter CPL 0 with STAR's selectors, kvm_pvm stays in CPL 3. */
static enum kr_stop_kind read_trap(const struct kvm_sregs *sregs)
{
	switch (sregs->cs.selector) {
	case KR_SELECTOR_KERNEL_CODE:
	case KR_SELECTOR_USER_CODE:
		return KR_STOP_SYSCALL;
	default:
		return KR_STOP_BROKEN;
	}
}

static void read_failure(const struct kvm_run *run, int code, struct kr_stop *stop)
{
	stop->code = code;
	if (code == EINTR) {
		stop->kind = KR_STOP_SIGNAL;
	} else if (code != EFAULT) {
		stop->kind = KR_STOP_BROKEN;
	} else if (run->s.regs.regs.rip == KR_TRAP_GVA) {
		stop->kind = read_trap(&run->s.regs.sregs);
	} else {
		stop->kind = KR_STOP_MEMORY;
	}
}

/* Does the processor stand in the stub of an exception, whose frame is then complete? */
static bool read_stub(const struct kvm_run *run, struct kr_stop *stop)
{
	uint64_t rip = run->s.regs.regs.rip;

	if (rip < KR_STUB_GVA || rip >= KR_STUB_GVA + (uint64_t)KR_VECTORS * KR_STUB_SIZE) {
		return false;
	}
	stop->kind = KR_STOP_EXCEPTION;
	stop->has_frame = true;
	stop->vector = (uint32_t)((rip - KR_STUB_GVA) / KR_STUB_SIZE);
	return true;
}

/* Where does an OUT come from?  A stub's exit stands behind it or, where KVM has not finished it, on it. */
static void read_out(const struct kvm_run *run, struct kr_stop *stop)
{
	if (read_stub(run, stop)) {
		return;
	}
	if (run->io.direction == KVM_EXIT_IO_OUT && run->io.size == 4 && run->io.count == 1 &&
	    run->io.port >= KR_PORT_CALL && run->io.port < KR_PORT_CALL + KR_PORT_CALLS) {
		stop->kind = KR_STOP_HYPERCALL;
		stop->number = run->io.port - KR_PORT_CALL;
		return;
	}
	/* What the bitmap forbids on the processor itself. */
	stop->kind = KR_STOP_EXCEPTION;
	stop->vector = VECTOR_PROTECTION;
}

static void read_exit(const struct kvm_run *run, int code, struct kr_stop *stop)
{
	*stop = (struct kr_stop){ .number = run->exit_reason };
	if (code != 0) {
		read_failure(run, code, stop);
		return;
	}
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		read_out(run, stop);
		break;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		/* Because of a SYSCALL, or of something that KVM has settled. */
		stop->kind = run->s.regs.regs.rip == KR_TRAP_GVA ? read_trap(&run->s.regs.sregs) : KR_STOP_SIGNAL;
		break;
	case KVM_EXIT_INTR:
		stop->kind = KR_STOP_SIGNAL;
		break;
	default:
		stop->kind = KR_STOP_BROKEN;
		break;
	}
}

void kr_hardware_read_stop(const struct kvm_run *run, int code, struct kr_stop *stop)
{
	read_exit(run, code, stop);
	/* A signal may come between an exception and the OUT of its stub.  A program that jumps there stays in
	 * CPL 3. */
	if (stop->kind == KR_STOP_SIGNAL && (run->s.regs.sregs.cs.selector & 3) == 0) {
		(void)read_stub(run, stop);
	}
}

/* What KVM's exits mean that a program cannot cause where the machine does as the monitor needs. */
static const struct {
	uint32_t reason;
	const char *text;
} unexpected_exits[] = {
	{ KVM_EXIT_EXCEPTION, "an exception outside of user mode" },
	{ KVM_EXIT_MMIO, "it takes a page that the host lacks for a device" },
	{ KVM_EXIT_HLT, "it went on behind a fault stub" },
	{ KVM_EXIT_SHUTDOWN, "an exception could not be delivered (triple fault)" },
	{ KVM_EXIT_FAIL_ENTRY, "the processor refuses its state" },
	{ KVM_EXIT_INTERNAL_ERROR, "KVM could not carry out an instruction" },
};

void kr_hardware_describe(const struct kvm_run *run, const struct kr_stop *stop, struct kr_err *err)
{
	const struct kvm_sregs *sregs = &run->s.regs.sregs;
	unsigned long long rip = run->s.regs.regs.rip;

	if (rip == KR_TRAP_GVA &&
	    (stop->code == EFAULT || (stop->code == 0 && stop->number == KVM_EXIT_IRQ_WINDOW_OPEN))) {
		(void)kr_fail(err, ENOTSUP,
			      "this KVM's SYSCALL loads CS with %#x: %#x or, left as it is, %#x is needed",
			      (unsigned)sregs->cs.selector, KR_SELECTOR_KERNEL_CODE, KR_SELECTOR_USER_CODE);
		return;
	}
	if (stop->code != 0) {
		(void)kr_fail(err, stop->code,
			      "the virtual processor stopped at %#llx with CS %#x: KVM_RUN failed: %s", rip,
			      (unsigned)sregs->cs.selector, kr_errno_name(stop->code));
		return;
	}
	for (size_t i = 0; i < sizeof unexpected_exits / sizeof unexpected_exits[0]; i++) {
		if (unexpected_exits[i].reason == stop->number) {
			(void)kr_fail(err, ENOTSUP, "the virtual processor stopped at %#llx with CS %#x: %s", rip,
				      (unsigned)sregs->cs.selector, unexpected_exits[i].text);
			return;
		}
	}
	(void)kr_fail(err, ENOTSUP, "the virtual processor stopped at %#llx with CS %#x: reason %u", rip,
		      (unsigned)sregs->cs.selector, stop->number);
}
