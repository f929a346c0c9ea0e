/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The processor's descriptor tables, laid out as Linux has them, because programs can see the selectors.
 * A processor's page holds its descriptor table and its task state at the start and its exception stack at the
 * end; the two pages of the I/O bitmap follow it in the guest's addresses.
 */
#ifndef KR_VM_SEGMENTS_H
#define KR_VM_SEGMENTS_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define KR_SELECTOR_KERNEL_CODE 0x10u
#define KR_SELECTOR_KERNEL_DATA 0x18u
#define KR_SELECTOR_USER_CODE32 0x23u
#define KR_SELECTOR_USER_DATA   0x2bu
#define KR_SELECTOR_USER_CODE   0x33u
#define KR_SELECTOR_TASK        0x40u
#define KR_SELECTOR_CPU_NUMBER  0x7bu
#define KR_STAR                 ((uint64_t)KR_SELECTOR_USER_CODE32 << 48 | (uint64_t)KR_SELECTOR_KERNEL_CODE << 32)

#define KR_VECTORS   32u
#define KR_STUB_SIZE 16u /* bytes from one fault stub to the next */

/* True when the processor pushes an error code for `vector`. */
bool kr_vector_has_error(uint32_t vector);
/* Each writes one page. */
void kr_segments_write_stubs(uint8_t *page);
void kr_segments_write_idt(uint64_t *page);
/* Two pages: only the ports of the hypercalls may be used. */
void kr_segments_write_bitmap(uint8_t *low, uint8_t *high);
/* gva: the guest's address of the page. */
void kr_segments_write_cpu(uint64_t *page, uint64_t gva);
/* Every segment register and table register, for user mode. */
void kr_segments_set(struct kvm_sregs *sregs, uint64_t gva);
/* Code and stack segment only. */
void kr_segments_set_user(struct kvm_sregs *sregs);

#endif
