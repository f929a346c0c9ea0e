/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * int kr_call_on_stack(int argc, char **argv, int (*body)(int argc, char **argv), void *top);
 *
 * Calls body(argc, argv) on the stack that ends at `top`, aligned to 16 bytes, and returns what it returns.
 */
	.text
	.globl	kr_call_on_stack
	.type	kr_call_on_stack, @function
kr_call_on_stack:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp
	movq	%rcx, %rsp
	call	*%rdx
	movq	%rbp, %rsp
	popq	%rbp
	.cfi_def_cfa rsp, 8
	ret
	.cfi_endproc
	.size	kr_call_on_stack, .-kr_call_on_stack

	.section .note.GNU-stack, "", @progbits
