/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * int64_t kr_host_call_enter(const volatile int *pending, int64_t nr, const uint64_t arg[6]);
 *
 * Makes a system call unless *pending is set, and returns what the kernel returns.  A signal handler that
 * finds its return address in [kr_host_call_check, kr_host_call_done) moves it to kr_host_call_skip: the call
 * has not begun, or the kernel would begin it once more.  Both, and a signal that came before, return
 * -ERESTARTNOINTR (-513), which no system call returns.  The stack is never touched, so that the way out is
 * the same from everywhere; nor does the code look where it stands, so that it may be copied (notify.c).
 */
	.text
	.globl	kr_host_call_enter, kr_host_call_check, kr_host_call_done, kr_host_call_skip, kr_host_call_end
	.type	kr_host_call_enter, @function
kr_host_call_enter:
	.cfi_startproc
	movq	%rdi, %rcx
	movq	%rsi, %rax
	movq	%rdx, %r11
	movq	(%r11), %rdi
	movq	8(%r11), %rsi
	movq	16(%r11), %rdx
	movq	24(%r11), %r10
	movq	32(%r11), %r8
	movq	40(%r11), %r9
kr_host_call_check:
	cmpl	$0, (%rcx)
	jne	kr_host_call_skip
	syscall
kr_host_call_done:
	ret
kr_host_call_skip:
	movq	$-513, %rax
	ret
kr_host_call_end:
	.cfi_endproc
	.size	kr_host_call_enter, .-kr_host_call_enter

/* What a signal handler of the monitor returns to: rt_sigreturn. */
	.globl	kr_signal_restorer
	.type	kr_signal_restorer, @function
kr_signal_restorer:
	movl	$15, %eax
	syscall
	.size	kr_signal_restorer, .-kr_signal_restorer

	.section .note.GNU-stack, "", @progbits
