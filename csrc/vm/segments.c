/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "segments.h"

#include "layout.h"
#include "stop.h"

#include <string.h>

#define TASK_OFFSET  0x80u /* of the task state in the processor's page, behind 16 descriptors */
#define GDT_LIMIT    0x7fu
#define TASK_RSP0    0x04u
#define TASK_IST1    0x24u
#define TASK_BITMAP  0x66u
#define BITMAP_AT    ((uint16_t)(KR_PAGE - TASK_OFFSET))
#define BITMAP_BYTES ((KR_PORT_CALL + KR_PORT_CALLS) / 8)
#define TASK_LIMIT   (BITMAP_AT + BITMAP_BYTES) /* one byte of ones stands behind the bitmap */
#define STUB_PORT    0x70u                      /* any port: the stub's address says which exception it is */

#define DESCRIPTOR_CODE64_KERNEL 0x00af9b000000ffffull
#define DESCRIPTOR_DATA_KERNEL   0x00cf93000000ffffull
#define DESCRIPTOR_DATA_USER     0x00cff3000000ffffull
#define DESCRIPTOR_CODE64_USER   0x00affb000000ffffull
#define DESCRIPTOR_CPU_NUMBER    0x0040f50000000000ull /* limit: processor 0 of node 0 */
#define DESCRIPTOR_TASK          0x0000890000000000ull

#define GATE_INTERRUPT 0x8e00ull
#define GATE_FROM_USER 0x6000ull
#define GATE_IST1      0x0001ull

bool kr_vector_has_error(uint32_t vector)
{
	const uint32_t with_error = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17 |
				    1u << 21 | 1u << 29 | 1u << 30;

	return vector < KR_VECTORS && (with_error >> vector & 1) != 0;
}

void kr_segments_write_stubs(uint8_t *page)
{
	for (uint32_t vector = 0; vector < KR_VECTORS; vector++) {
		uint8_t *stub = page + (size_t)vector * KR_STUB_SIZE;

		stub[0] = 0xe6; /* out %al, $STUB_PORT */
		stub[1] = STUB_PORT;
		stub[2] = 0xf4; /* hlt: never reached, the monitor continues in user mode */
	}
}

void kr_segments_write_idt(uint64_t *page)
{
	for (uint64_t vector = 0; vector < KR_VECTORS; vector++) {
		uint64_t stub = KR_STUB_GVA + vector * KR_STUB_SIZE;
		uint64_t gate = GATE_INTERRUPT | GATE_IST1 | (vector == 3 || vector == 4 ? GATE_FROM_USER : 0);

		page[2 * vector] = (stub & 0xffff) | (uint64_t)KR_SELECTOR_KERNEL_CODE << 16 | gate << 32 |
				   (stub >> 16 & 0xffff) << 48;
		page[2 * vector + 1] = stub >> 32;
	}
}

void kr_segments_write_bitmap(uint8_t *low, uint8_t *high)
{
	memset(low, 0xff, KR_PAGE);
	memset(high, 0xff, KR_PAGE);
	memset(high, 0, KR_PORT_CALLS / 8);
}

void kr_segments_write_cpu(uint64_t *page, uint64_t gva)
{
	uint64_t task = gva + TASK_OFFSET;
	uint64_t stack = gva + KR_PAGE;
	uint8_t *bytes = (uint8_t *)page;
	const uint16_t bitmap = BITMAP_AT;

	memset(page, 0, KR_PAGE);
	page[2] = DESCRIPTOR_CODE64_KERNEL;
	page[3] = DESCRIPTOR_DATA_KERNEL;
	/* No 32-bit code at 4: in it, SVM's SYSCALL would go elsewhere, with privilege. */
	page[5] = DESCRIPTOR_DATA_USER;
	page[6] = DESCRIPTOR_CODE64_USER;
	page[8] = DESCRIPTOR_TASK | (TASK_LIMIT & 0xffff) | (task & 0xffffff) << 16 | (task >> 24 & 0xff) << 56;
	page[9] = task >> 32;
	page[15] = DESCRIPTOR_CPU_NUMBER;
	memcpy(bytes + TASK_OFFSET + TASK_RSP0, &stack, sizeof stack);
	memcpy(bytes + TASK_OFFSET + TASK_IST1, &stack, sizeof stack);
	memcpy(bytes + TASK_OFFSET + TASK_BITMAP, &bitmap, sizeof bitmap);
}

static struct kvm_segment user_segment(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment){ .base = 0,
				     .limit = 0xffffffff,
				     .selector = selector,
				     .type = type,
				     .present = 1,
				     .dpl = 3,
				     .db = code ? 0 : 1,
				     .s = 1,
				     .l = code ? 1 : 0,
				     .g = 1 };
}

void kr_segments_set_user(struct kvm_sregs *sregs)
{
	sregs->cs = user_segment(KR_SELECTOR_USER_CODE, 11, true);
	sregs->ss = user_segment(KR_SELECTOR_USER_DATA, 3, false);
}

void kr_segments_set(struct kvm_sregs *sregs, uint64_t gva)
{
	const struct kvm_segment data = user_segment(0, 3, false);

	kr_segments_set_user(sregs);
	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->tr = (struct kvm_segment){ .base = gva + TASK_OFFSET,
					  .limit = TASK_LIMIT,
					  .selector = KR_SELECTOR_TASK,
					  .type = 11,
					  .present = 1 };
	sregs->gdt.base = gva;
	sregs->gdt.limit = GDT_LIMIT;
	sregs->idt.base = KR_IDT_GVA;
	sregs->idt.limit = KR_VECTORS * 16 - 1;
}
