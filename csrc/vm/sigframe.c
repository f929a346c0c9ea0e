/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sigframe.h"

#include "layout.h"
#include "machine.h"
#include "segments.h"

#include <asm/processor-flags.h>
#include <errno.h>
#include <string.h>

#define RED_ZONE          128u
#define LEGACY_SIZE       512u
#define HEADER_SIZE       64u
#define SOFTWARE_AT       464u /* of the description that the frame adds to the legacy area */
#define MXCSR_AT          24u
#define MXCSR_MASK_AT     28u
#define LEGACY_FEATURES   3u /* x87 and SSE */
#define LEGACY_ALIGN      16u
#define XSAVE_ALIGN       64u
#define MAGIC1            0x46505853u
#define MAGIC2            0x46505845u
#define AUTODISARM        (1u << 31)
#define UC_EXTENDED       1u
#define UC_SEGMENT        2u
#define UC_STRICT_SEGMENT 4u

struct frame_context {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, flags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, vector, old_mask, address;
	uint64_t extended; /* guest address of the extended state, 0 for none */
	uint64_t reserved[8];
};

struct frame {
	uint64_t restorer;
	uint64_t flags;
	uint64_t link;
	struct kr_altstack stack;
	struct frame_context context;
	uint64_t mask;
	siginfo_t info;
};

struct software_description {
	uint32_t magic;
	uint32_t total;
	uint64_t features;
	uint32_t size;
	uint32_t zero[7];
};

_Static_assert(sizeof(struct frame_context) == 256, "struct sigcontext has 256 bytes");
_Static_assert(sizeof(struct frame) == 440, "struct rt_sigframe has 440 bytes");
_Static_assert(sizeof(struct software_description) == LEGACY_SIZE - SOFTWARE_AT, "the description ends the area");

static uint64_t extended_bytes(const struct kr_cpu_model *model)
{
	return model->hardware.xcr0 != 0 ? model->xsave_size + sizeof(uint32_t) : LEGACY_SIZE;
}

uint64_t kr_sigframe_size(const struct kr_cpu_model *model)
{
	return kr_align_up(sizeof(struct frame) + extended_bytes(model) + 64 + 16 + RED_ZONE, 16);
}

bool kr_sigframe_on_altstack(const struct kr_altstack *stack, uint64_t sp)
{
	return ((uint32_t)stack->flags & AUTODISARM) == 0 && stack->size != 0 && sp > stack->base &&
	       sp - stack->base <= stack->size;
}

static int push_extended(struct kr_thread *thread, uint64_t at)
{
	const struct kr_cpu_model *model = &thread->machine->model;
	struct software_description software = { .magic = 0 };
	union {
		struct kvm_xsave xsave;
		uint8_t bytes[KR_XSAVE_MAX + sizeof(uint32_t)];
	} area;
	const uint32_t end = MAGIC2;
	int result = kr_cpu_get_xsave(thread->cpu, &area.xsave);

	if (result < 0) {
		return result;
	}
	if (model->hardware.xcr0 != 0) {
		software = (struct software_description){ .magic = MAGIC1,
							  .total = model->xsave_size + (uint32_t)sizeof end,
							  .features = model->hardware.xcr0,
							  .size = model->xsave_size };
		memcpy(area.bytes + model->xsave_size, &end, sizeof end);
	}
	memcpy(area.bytes + SOFTWARE_AT, &software, sizeof software);
	return kr_copy_to_guest(at, area.bytes, extended_bytes(model));
}

static struct frame_context save_registers(const struct kvm_regs *regs, const struct kvm_sregs *sregs)
{
	return (struct frame_context){ .r8 = regs->r8,
				       .r9 = regs->r9,
				       .r10 = regs->r10,
				       .r11 = regs->r11,
				       .r12 = regs->r12,
				       .r13 = regs->r13,
				       .r14 = regs->r14,
				       .r15 = regs->r15,
				       .rdi = regs->rdi,
				       .rsi = regs->rsi,
				       .rbp = regs->rbp,
				       .rbx = regs->rbx,
				       .rdx = regs->rdx,
				       .rax = regs->rax,
				       .rcx = regs->rcx,
				       .rsp = regs->rsp,
				       .rip = regs->rip,
				       .flags = regs->rflags,
				       .cs = KR_SELECTOR_USER_CODE,
				       .gs = sregs->gs.selector,
				       .fs = sregs->fs.selector,
				       .ss = KR_SELECTOR_USER_DATA };
}

/* Where the frame goes: below the red zone, or at the top of the alternate stack. */
static uint64_t choose_stack(const struct kr_thread *thread, uint64_t sp, uint64_t flags)
{
	const struct kr_altstack *stack = &thread->altstack;

	if ((flags & SA_ONSTACK) != 0 && stack->size != 0 && !kr_sigframe_on_altstack(stack, sp)) {
		return stack->base + stack->size;
	}
	return sp - RED_ZONE;
}

int kr_sigframe_push(struct kr_thread *thread, int number, const siginfo_t *info, const struct kr_action *action,
		     uint64_t saved_mask, const struct kr_trap_info *trap)
{
	struct kvm_regs *regs = kr_cpu_regs(thread->cpu);
	uint64_t top = choose_stack(thread, regs->rsp, action->flags);
	uint64_t extended = kr_align_down(top - extended_bytes(&thread->machine->model), 64);
	uint64_t at = kr_align_down(extended - sizeof(struct frame), 16) - 8;
	struct frame frame = { .restorer = action->restorer,
			       .flags = UC_SEGMENT | UC_STRICT_SEGMENT,
			       .stack = thread->altstack,
			       .context = save_registers(regs, &thread->cpu->run->s.regs.sregs),
			       .mask = saved_mask,
			       .info = *info };

	frame.flags |= thread->machine->model.hardware.xcr0 != 0 ? UC_EXTENDED : 0;
	frame.context.extended = extended;
	frame.context.error = trap->error;
	frame.context.vector = trap->vector;
	frame.context.address = trap->address;
	frame.context.old_mask = saved_mask;
	if (push_extended(thread, extended) < 0 || kr_copy_to_guest(at, &frame, sizeof frame) < 0) {
		return -EFAULT;
	}
	if (((uint32_t)thread->altstack.flags & AUTODISARM) != 0) {
		thread->altstack = (struct kr_altstack){ .flags = SS_DISABLE };
	}
	regs->rdi = (__u64)number;
	regs->rsi = at + offsetof(struct frame, info);
	regs->rdx = at + offsetof(struct frame, flags);
	regs->rax = 0;
	regs->rip = action->handler;
	regs->rsp = at;
	regs->rflags &= ~(__u64)(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF);
	kr_cpu_to_user(thread->cpu);
	return 0;
}

/* The state of a processor that has just been switched on. */
static int clear_extended(struct kr_thread *thread)
{
	struct kvm_xsave xsave;
	const uint16_t control = 0x37f;
	const uint32_t mxcsr = 0x1f80;

	memset(&xsave, 0, sizeof xsave);
	memcpy(&xsave, &control, sizeof control);
	memcpy((uint8_t *)&xsave + MXCSR_AT, &mxcsr, sizeof mxcsr);
	return kr_cpu_set_xsave(thread->cpu, &xsave);
}

/* How much of the state the frame has: 0 for the legacy area alone, as the kernel takes a frame whose description
 * or end is not its own; or -EFAULT. */
static int64_t described_size(const struct kr_cpu_model *model, const uint8_t *legacy, uint64_t at,
			      uint64_t *features)
{
	struct software_description software;
	uint32_t end;

	memcpy(&software, legacy + SOFTWARE_AT, sizeof software);
	*features = LEGACY_FEATURES;
	if (model->hardware.xcr0 == 0 || software.magic != MAGIC1 || software.size < LEGACY_SIZE + HEADER_SIZE ||
	    software.size > model->xsave_size || software.size > software.total) {
		return 0;
	}
	if (kr_copy_from_guest(&end, at + software.size, sizeof end) < 0) {
		return -EFAULT;
	}
	if (end != MAGIC2) {
		return 0;
	}
	*features = software.features & model->hardware.xcr0;
	return software.size;
}

/* What XRSTOR faults at: parts that there are not, the compacted form, and reserved bytes. */
static bool is_good_header(const struct kr_cpu_model *model, const uint8_t *header)
{
	uint64_t words[3];

	memcpy(words, header, sizeof words);
	return (words[0] & ~model->hardware.xcr0) == 0 && words[1] == 0 && words[2] == 0;
}

static int pop_extended(struct kr_thread *thread, uint64_t at)
{
	const struct kr_cpu_model *model = &thread->machine->model;
	struct kvm_xsave xsave;
	uint8_t *bytes = (uint8_t *)&xsave;
	uint64_t features;
	uint64_t present = LEGACY_FEATURES;
	int64_t size;

	if (at == 0) {
		return clear_extended(thread);
	}
	memset(&xsave, 0, sizeof xsave);
	if (kr_copy_from_guest(bytes, at, LEGACY_SIZE) < 0) {
		return -EFAULT;
	}
	size = described_size(model, bytes, at, &features);
	if (size < 0 || at % (size > 0 ? XSAVE_ALIGN : LEGACY_ALIGN) != 0) {
		return -EFAULT;
	}
	if (size > 0) {
		if (kr_copy_from_guest(bytes, at, (size_t)size) < 0 ||
		    !is_good_header(model, bytes + LEGACY_SIZE)) {
			return -EFAULT;
		}
		memcpy(&present, bytes + LEGACY_SIZE, sizeof present);
	}
	present &= features;
	memset(bytes + MXCSR_MASK_AT, 0, sizeof(uint32_t));
	memset(bytes + SOFTWARE_AT, 0, sizeof(struct software_description));
	memset(bytes + LEGACY_SIZE, 0, HEADER_SIZE);
	memcpy(bytes + LEGACY_SIZE, &present, sizeof present);
	/* KVM refuses the bits of MXCSR that the processor does not have. */
	return kr_cpu_set_xsave(thread->cpu, &xsave);
}

static void restore_registers(struct kvm_regs *regs, const struct frame_context *context)
{
	regs->r8 = context->r8;
	regs->r9 = context->r9;
	regs->r10 = context->r10;
	regs->r11 = context->r11;
	regs->r12 = context->r12;
	regs->r13 = context->r13;
	regs->r14 = context->r14;
	regs->r15 = context->r15;
	regs->rdi = context->rdi;
	regs->rsi = context->rsi;
	regs->rbp = context->rbp;
	regs->rbx = context->rbx;
	regs->rdx = context->rdx;
	regs->rax = context->rax;
	regs->rcx = context->rcx;
	regs->rsp = context->rsp;
	regs->rip = context->rip;
	regs->rflags = context->flags;
}

int kr_sigframe_pop(struct kr_thread *thread, uint64_t *mask)
{
	struct kvm_regs *regs = kr_cpu_regs(thread->cpu);
	struct frame frame;

	if (kr_copy_from_guest(&frame, regs->rsp - sizeof frame.restorer, sizeof frame) < 0 ||
	    pop_extended(thread, frame.context.extended) < 0) {
		return -EFAULT;
	}
	restore_registers(regs, &frame.context);
	kr_cpu_to_user(thread->cpu);
	thread->altstack = frame.stack;
	if ((frame.stack.flags & SS_DISABLE) != 0) {
		thread->altstack.base = 0;
		thread->altstack.size = 0;
	}
	*mask = frame.mask;
	return 0;
}
