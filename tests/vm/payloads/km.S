/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A payload of KM's kind: linked at 0x200000, no SYSCALL, every call an OUT to 0x8000 + its number, with %gs:0
 * leading to the block of result and arguments.  Writes a line and ends with status 42.
 */
	.set	PORT, 0x8000
	.section .data
	.balign	16
block:	.zero	56
saved:	.quad	0
text:	.ascii	"hello from a hypercall\n"
	.set	text_size, . - text

	.text
	.globl	_start
_start:
	/* arch_prctl(ARCH_SET_GS, block) is itself a hypercall, so the base is set by the instruction. */
	leaq	block(%rip), %rax
	wrgsbase %rax
	movq	$1, %gs:8
	leaq	text(%rip), %rax
	movq	%rax, %gs:16
	movq	$text_size, %gs:24
	movl	$PORT + 1, %edx
	outl	%eax, %dx
	cmpq	$text_size, %gs:0
	jne	fail
	/* A descriptor that is not there: -EBADF in the block. */
	movq	$77, %gs:8
	movl	$PORT + 3, %edx
	outl	%eax, %dx
	cmpq	$-9, %gs:0
	jne	fail
	movq	$42, %gs:8
	jmp	end
fail:	movq	$1, %gs:8
end:	movl	$PORT + 231, %edx
	outl	%eax, %dx
	hlt

	.section .note.GNU-stack, "", @progbits
