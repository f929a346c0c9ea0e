/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which processors the monitor accepts, how it sets them up, and what it makes of each exit; and that the
 * descriptor tables let nothing but the fault stubs run with privilege.
 */
#include "check.h"
#include "vm/hardware.h"
#include "vm/layout.h"
#include "vm/segments.h"

#include <asm/processor-flags.h>
#include <errno.h>
#include <string.h>

/* A processor with everything, of a machine with nested paging. */
static const struct kr_hardware_facts complete = {
	.version = 12,
	.sync_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS,
	.immediate_exit = 1,
	.slots = 32764,
	.basic_ecx = 1u << 26,
	.basic_edx = 1u << 6 | 1u << 13 | 1u << 24 | 1u << 25 | 1u << 26,
	.structured_ebx = 1,
	.extended_edx = 1u << 11 | 1u << 20 | 1u << 26 | 1u << 29,
	.address_bits = 39,
	.states = 0xe7,
};

/* Is it refused with a sentence that holds `word`? */
static bool is_refused_for(const struct kr_hardware_facts *facts, const char *word)
{
	struct kr_hardware hardware;
	struct kr_err err = { .code = 0 };

	return kr_hardware_judge(facts, &hardware, &err) == -1 && err.code == ENOTSUP &&
	       strstr(err.text, word) != NULL && strstr(err.text, "needed") != NULL;
}

static void a_complete_processor_is_used_in_full(void)
{
	struct kr_hardware hardware;
	struct kr_err err;

	CHECK(kr_hardware_judge(&complete, &hardware, &err) == 0);
	CHECK(hardware.xcr0 == 0xe7);
	CHECK(hardware.gpa_limit == 1ull << 39);
	CHECK((hardware.cr0 & (X86_CR0_WP | X86_CR0_NE | X86_CR0_PG)) == (X86_CR0_WP | X86_CR0_NE | X86_CR0_PG));
	CHECK((hardware.cr4 & X86_CR4_OSXSAVE) != 0 && (hardware.cr4 & X86_CR4_FSGSBASE) != 0);
	CHECK(hardware.efer == 0xd01);
}

static void the_trap_page_may_be_fetched_with_privilege(void)
{
	struct kr_hardware hardware;
	struct kr_err err;

	/* It is a user page: with SMEP, SYSCALL on VMX and SVM would fault there.  CET and LA57 would change
	 * addresses and returns. */
	CHECK(kr_hardware_judge(&complete, &hardware, &err) == 0);
	CHECK((hardware.cr4 & (X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_LA57 | X86_CR4_CET | X86_CR4_PKE)) == 0);
}

static void what_a_processor_lacks_is_not_switched_on(void)
{
	struct kr_hardware_facts facts = complete;
	struct kr_hardware hardware;
	struct kr_err err;

	facts.basic_ecx = 0;
	facts.basic_edx &= ~(1u << 13);
	facts.structured_ebx = 0;
	facts.states = 0;
	CHECK(kr_hardware_judge(&facts, &hardware, &err) == 0);
	CHECK(hardware.xcr0 == 0);
	CHECK((hardware.cr4 & (X86_CR4_OSXSAVE | X86_CR4_FSGSBASE | X86_CR4_PGE)) == 0);
}

static void tiles_are_left_out(void)
{
	struct kr_hardware_facts facts = complete;
	struct kr_hardware hardware;
	struct kr_err err;

	facts.states |= 3ull << 17;
	CHECK(kr_hardware_judge(&facts, &hardware, &err) == 0);
	CHECK(hardware.xcr0 == 0xe7);
}

static void wide_addresses_are_used_as_far_as_the_layout_goes(void)
{
	struct kr_hardware_facts facts = complete;
	struct kr_hardware hardware;
	struct kr_err err;

	facts.address_bits = 52;
	CHECK(kr_hardware_judge(&facts, &hardware, &err) == 0 && hardware.gpa_limit == 1ull << 46);
	facts.address_bits = 0;
	CHECK(kr_hardware_judge(&facts, &hardware, &err) == 0 && hardware.gpa_limit == 1ull << 36);
	facts.address_bits = 32;
	CHECK(is_refused_for(&facts, "32 bits"));
}

static void a_kvm_that_lacks_something_is_refused_by_name(void)
{
	struct kr_hardware_facts facts = complete;

	facts.version = -1;
	CHECK(is_refused_for(&facts, "version"));
	facts = complete;
	facts.sync_regs = KVM_SYNC_X86_REGS;
	CHECK(is_refused_for(&facts, "KVM_CAP_SYNC_REGS"));
	facts.sync_regs = -1;
	facts.immediate_exit = 0;
	CHECK(is_refused_for(&facts, "KVM_CAP_IMMEDIATE_EXIT"));
	facts = complete;
	facts.slots = 32;
	CHECK(is_refused_for(&facts, "32 memory slots"));
}

static void a_processor_that_lacks_something_is_refused_by_name(void)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} bits[] = { { 1u << 11, "SYSCALL" }, { 1u << 20, "NX" }, { 1u << 29, "64-bit" } };
	struct kr_hardware_facts facts;

	for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
		facts = complete;
		facts.extended_edx &= ~bits[i].bit;
		CHECK(is_refused_for(&facts, bits[i].word));
	}
	facts = complete;
	facts.basic_edx = 0;
	CHECK(is_refused_for(&facts, "PAE"));
}

/* How an exit is read. */
static struct kr_stop stop_of(int code, uint32_t reason, uint64_t rip, uint16_t cs)
{
	struct kvm_run run = { .exit_reason = reason };
	struct kr_stop stop;

	run.s.regs.regs.rip = rip;
	run.s.regs.sregs.cs.selector = cs;
	kr_hardware_read_stop(&run, code, &stop);
	return stop;
}

static void a_call_is_known_at_either_privilege(void)
{
	CHECK(stop_of(EFAULT, 0, KR_TRAP_GVA, 0x10).kind == KR_STOP_SYSCALL);
	CHECK(stop_of(EFAULT, 0, KR_TRAP_GVA, 0x33).kind == KR_STOP_SYSCALL);
	CHECK(stop_of(0, KVM_EXIT_IRQ_WINDOW_OPEN, KR_TRAP_GVA, 0x33).kind == KR_STOP_SYSCALL);
	CHECK(stop_of(0, KVM_EXIT_IRQ_WINDOW_OPEN, 0x400000, 0x33).kind == KR_STOP_SIGNAL);
}

static void an_unknown_entry_is_broken_and_named(void)
{
	struct kvm_run run = { .exit_reason = 0 };
	struct kr_stop stop = stop_of(EFAULT, 0, KR_TRAP_GVA, 0x08);
	struct kr_err err;

	CHECK(stop.kind == KR_STOP_BROKEN);
	run.s.regs.regs.rip = KR_TRAP_GVA;
	run.s.regs.sregs.cs.selector = 0x08;
	kr_hardware_describe(&run, &stop, &err);
	CHECK(strcmp(err.text, "this KVM's SYSCALL loads CS with 0x8: 0x10 or, left as it is, 0x33 is needed") ==
	      0);
}

static void missing_memory_and_signals_are_told_apart(void)
{
	CHECK(stop_of(EFAULT, 0, 0x400000, 0x33).kind == KR_STOP_MEMORY);
	CHECK(stop_of(EINTR, 0, KR_TRAP_GVA, 0x33).kind == KR_STOP_SIGNAL);
	CHECK(stop_of(0, KVM_EXIT_INTR, 0x400000, 0x33).kind == KR_STOP_SIGNAL);
	CHECK(stop_of(EIO, 0, 0x400000, 0x33).kind == KR_STOP_BROKEN);
}

static void signal_that_comes_in_a_stub_hides_no_exception(void)
{
	const struct kr_stop stop = stop_of(EINTR, 0, KR_STUB_GVA + 14 * KR_STUB_SIZE, 0x10);

	CHECK(stop.kind == KR_STOP_EXCEPTION && stop.vector == 14 && stop.has_frame);
	CHECK(stop_of(EINTR, 0, KR_STUB_GVA + 14 * KR_STUB_SIZE, 0x33).kind == KR_STOP_SIGNAL);
}

static void unexpected_exits_say_what_they_mean(void)
{
	static const uint32_t reasons[] = { KVM_EXIT_MMIO, KVM_EXIT_HLT, KVM_EXIT_SHUTDOWN, KVM_EXIT_FAIL_ENTRY,
					    KVM_EXIT_INTERNAL_ERROR };

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		const struct kvm_run run = { .exit_reason = reasons[i] };
		const struct kr_stop stop = stop_of(0, reasons[i], 0x400000, 0x33);
		struct kr_err err;

		CHECK(stop.kind == KR_STOP_BROKEN && stop.number == reasons[i]);
		kr_hardware_describe(&run, &stop, &err);
		CHECK(strstr(err.text, "reason") == NULL);
	}
}

/* An errno may have the number of one of KVM's reasons: EIO that of HLT. */
static void a_run_that_failed_says_with_what(void)
{
	const struct kvm_run run = { .exit_reason = KVM_EXIT_HLT };
	const struct kr_stop stop = stop_of(EIO, KVM_EXIT_HLT, 0x400000, 0x33);
	struct kr_err err;

	CHECK(stop.kind == KR_STOP_BROKEN && stop.code == EIO);
	kr_hardware_describe(&run, &stop, &err);
	CHECK(strcmp(err.text, "the virtual processor stopped at 0 with CS 0: KVM_RUN failed: EIO") == 0);
}

static struct kr_stop stop_of_out(uint64_t rip, uint16_t port, uint8_t size, uint8_t direction)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_IO,
			       .io = { .direction = direction, .size = size, .port = port, .count = 1 } };
	struct kr_stop stop;

	run.s.regs.regs.rip = rip;
	kr_hardware_read_stop(&run, 0, &stop);
	return stop;
}

static void a_stub_reports_its_vector_wherever_kvm_leaves_it(void)
{
	for (uint32_t vector = 0; vector < KR_VECTORS; vector++) {
		for (uint64_t at = 0; at <= 2; at += 2) {
			const uint64_t rip = KR_STUB_GVA + (uint64_t)vector * KR_STUB_SIZE + at;
			const struct kr_stop stop = stop_of_out(rip, 0x70, 1, KVM_EXIT_IO_OUT);

			CHECK(stop.kind == KR_STOP_EXCEPTION && stop.vector == vector && stop.has_frame);
		}
	}
}

static void a_port_is_a_hypercall_or_a_protection_fault(void)
{
	struct kr_stop stop = stop_of_out(0x400000, 0x8000 + 231, 4, KVM_EXIT_IO_OUT);

	CHECK(stop.kind == KR_STOP_HYPERCALL && stop.number == 231);
	stop = stop_of_out(0x400000, 0x8000 + 231, 1, KVM_EXIT_IO_OUT);
	CHECK(stop.kind == KR_STOP_EXCEPTION && stop.vector == 13 && !stop.has_frame);
	CHECK(stop_of_out(0x400000, 0x8000, 4, KVM_EXIT_IO_IN).kind == KR_STOP_EXCEPTION);
	CHECK(stop_of_out(0x400000, 0x70, 4, KVM_EXIT_IO_OUT).kind == KR_STOP_EXCEPTION);
}

static void gates_lead_to_stubs_on_a_stack_of_their_own(void)
{
	uint64_t table[512] = { 0 };

	kr_segments_write_idt(table);
	for (uint64_t vector = 0; vector < KR_VECTORS; vector++) {
		const uint64_t low = table[2 * vector];
		const uint64_t stub = (low & 0xffff) | (low >> 48 << 16) | table[2 * vector + 1] << 32;
		const uint64_t privilege = low >> 45 & 3;

		CHECK(stub == KR_STUB_GVA + vector * KR_STUB_SIZE);
		CHECK((low >> 16 & 0xffff) == KR_SELECTOR_KERNEL_CODE);
		CHECK((low >> 32 & 7) == 1);     /* the first stack of the task state */
		CHECK((low >> 40 & 31) == 0x0e); /* an interrupt gate */
		CHECK((low >> 47 & 1) == 1);
		/* Only INT3 and INTO may be used by a program. */
		CHECK(privilege == (vector == 3 || vector == 4 ? 3 : 0));
	}
}

static void user_segments_are_sixty_four_bits_wide(void)
{
	const uint64_t gva = KR_CPU_GVA(3);
	uint64_t page[512];

	kr_segments_write_cpu(page, gva);
	for (size_t i = 0; i < 16; i++) {
		const bool is_code = (page[i] >> 44 & 1) == 1 && (page[i] >> 43 & 1) == 1;
		const bool is_present = (page[i] >> 47 & 1) == 1;

		CHECK(!is_code || !is_present || (page[i] >> 53 & 1) == 1);
	}
	CHECK((page[KR_SELECTOR_USER_CODE >> 3] >> 45 & 3) == 3);
	CHECK((page[KR_SELECTOR_KERNEL_CODE >> 3] >> 45 & 3) == 0);
}

static void the_task_state_names_the_stack_of_its_page(void)
{
	const uint64_t gva = KR_CPU_GVA(3);
	uint64_t page[512];
	const uint8_t *task = (const uint8_t *)page + 0x80;
	uint64_t stack;
	uint16_t bitmap;

	kr_segments_write_cpu(page, gva);
	memcpy(&stack, task + 0x04, sizeof stack);
	CHECK(stack == gva + KR_PAGE);
	memcpy(&stack, task + 0x24, sizeof stack);
	CHECK(stack == gva + KR_PAGE && stack % 16 == 0);
	memcpy(&bitmap, task + 0x66, sizeof bitmap);
	CHECK(0x80u + bitmap == KR_PAGE);
}

static void registers_are_what_the_processor_checks_at_entry(void)
{
	struct kvm_sregs sregs = { .cr0 = 0 };

	kr_segments_set(&sregs, KR_CPU_GVA(0));
	/* VMX: user code and stack of the same privilege, a busy 64-bit task, limits with their granularity. */
	CHECK(sregs.cs.dpl == 3 && (sregs.cs.selector & 3) == 3 && sregs.cs.l == 1 && sregs.cs.db == 0);
	CHECK(sregs.ss.dpl == 3 && (sregs.ss.selector & 3) == 3 && (sregs.ss.type & 3) == 3);
	CHECK(sregs.tr.type == 11 && sregs.tr.s == 0 && sregs.tr.present == 1 && (sregs.tr.selector & 4) == 0);
	CHECK(sregs.tr.limit < 0x100000 && sregs.tr.g == 0);
	CHECK(sregs.cs.limit == 0xffffffff && sregs.cs.g == 1);
}

int main(void)
{
	a_complete_processor_is_used_in_full();
	the_trap_page_may_be_fetched_with_privilege();
	what_a_processor_lacks_is_not_switched_on();
	tiles_are_left_out();
	wide_addresses_are_used_as_far_as_the_layout_goes();
	a_kvm_that_lacks_something_is_refused_by_name();
	a_processor_that_lacks_something_is_refused_by_name();
	a_call_is_known_at_either_privilege();
	an_unknown_entry_is_broken_and_named();
	missing_memory_and_signals_are_told_apart();
	signal_that_comes_in_a_stub_hides_no_exception();
	unexpected_exits_say_what_they_mean();
	a_run_that_failed_says_with_what();
	a_stub_reports_its_vector_wherever_kvm_leaves_it();
	a_port_is_a_hypercall_or_a_protection_fault();
	gates_lead_to_stubs_on_a_stack_of_their_own();
	user_segments_are_sixty_four_bits_wide();
	the_task_state_names_the_stack_of_its_page();
	registers_are_what_the_processor_checks_at_entry();
	return 0;
}
