/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into a program and out of it.
 *
 * Stack picture while a program runs::
 *
 *	stack of the hook			Rex stack
 *	| return to the dispatcher |		| interrupted at         |
 *	| rbp                      | <-- rbp	| rsp of rex_enter()     | <- top
 *	| rbx r12 r13 r14 r15      |		| return to rex_enter()  |
 *	| (padding)                | <-- rsp	| rbp, the program ...   |
 *
 * The program builds its frames with frame pointers, so the chain of rbp leads
 * from its stack to rex_enter()'s frame on the stack of the hook.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>

#include <asm/frame.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "layout.h"

	.text

/*
 * u64 rex_enter(const void *ctx, u64 (*entry)(const void *ctx), unsigned long *top,
 *		 unsigned long *sp)
 *
 * in:	rdi  handed on to the program
 *	rsi  the program's entry
 *	rdx  rex_stack_top() of the stack to run on, 16-byte aligned
 *	rcx  where the stack pointer goes that rex_landingpad() needs
 * out:	rax  what the program returned, or what rex_landingpad() was given
 * Clobbers what the C ABI allows. Callee-saved registers are restored from
 * this frame, whatever the program did to them.
 */
SYM_FUNC_START(rex_enter)
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rcx)
	movq	%rsp, (%rdx)
	movq	%rdx, %rsp
	CALL_NOSPEC rsi
	popq	%rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	RET
SYM_FUNC_END(rex_enter)

/*
 * void rex_landingpad(u64 retval, unsigned long sp)
 *
 * in:	rdi  what rex_enter() shall return
 *	rsi  the stack pointer that rex_enter() stored
 * Does not return: leaves the Rex stack as it is and continues at the end of
 * rex_enter(), as if the program had returned.
 */
SYM_CODE_START(rex_landingpad)
	UNWIND_HINT_FUNC
	ANNOTATE_NOENDBR
	movq	%rdi, %rax
	movq	%rsi, %rsp
	UNWIND_HINT sp_reg=ORC_REG_SP sp_offset=56 type=UNWIND_HINT_TYPE_CALL
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	RET
SYM_CODE_END(rex_landingpad)

/*
 * rex_measure
 *
 * in:	r11  a helper, from the thunk of an import
 *	rdi rsi rdx rcx r8 r9  its arguments
 * out:	rax  what it returned
 * Clobbers what the C ABI allows.
 *
 * Where the calls of a measured program go through, see measure.c. What is below
 * the program on its stack must be looked at before anything is written there,
 * so rex_measure_call() and rex_measure_return() run on the stack of the hook,
 * whose frame pointer they get too. REX_STACK_OLD_SP leads there.
 *
 * An interrupt may come between any two instructions, and whoever unwinds from
 * it finds its way from this stack to that of the hook, but not back. So the
 * frame pointer leads to the hook's stack before rsp does, and after. Below
 * REX_STACK_OLD_SP nobody else writes meanwhile.
 */
SYM_CODE_START(rex_measure)
	UNWIND_HINT_FUNC
	ANNOTATE_NOENDBR
	movq	%rsp, %rax
	movq	%rsp, %r10
	orq	$(REX_STACK_SIZE - 1), %r10
	movq	1 - REX_STACK_OLD_SP(%r10), %r10
	movq	%rax, -8(%r10)
	movq	%rbp, -16(%r10)
	leaq	REX_ENTER_SAVED(%r10), %rbp
	leaq	-16(%r10), %rsp
	UNWIND_HINT sp_reg=ORC_REG_BP sp_offset=16 type=UNWIND_HINT_TYPE_CALL
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%r8
	pushq	%r9
	pushq	%r11
	movq	%rax, %rdi
	call	rex_measure_call
	popq	%r11
	popq	%r9
	popq	%r8
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	movq	%rsp, %r10
	movq	8(%r10), %rsp
	movq	(%r10), %rbp
	UNWIND_HINT_FUNC
	pushq	%rbp
	movq	%rsp, %rbp
	UNWIND_HINT sp_reg=ORC_REG_BP sp_offset=16 type=UNWIND_HINT_TYPE_CALL
	CALL_NOSPEC r11
	popq	%rbp
	UNWIND_HINT_FUNC
	movq	%rsp, %rdi
	movq	%rsp, %r10
	orq	$(REX_STACK_SIZE - 1), %r10
	movq	1 - REX_STACK_OLD_SP(%r10), %r10
	movq	%rdi, -8(%r10)
	movq	%rbp, -16(%r10)
	leaq	REX_ENTER_SAVED(%r10), %rbp
	leaq	-16(%r10), %rsp
	UNWIND_HINT sp_reg=ORC_REG_BP sp_offset=16 type=UNWIND_HINT_TYPE_CALL
	pushq	%rax
	call	rex_measure_return
	popq	%rax
	movq	%rsp, %r10
	movq	8(%r10), %rsp
	movq	(%r10), %rbp
	UNWIND_HINT_FUNC
	RET
SYM_CODE_END(rex_measure)

/*
 * void rex_redirect_stub(void)
 *
 * Where a program continues that rex_redirect() has taken the CPU from: every
 * register has what the program left in it, rsp points into its Rex stack, the
 * word REX_STACK_IP below the end of that stack says where it was. That
 * address becomes the return address of this frame, so that the unwinder sees
 * a call from there. If there is too little room left on the stack, the frames
 * of the program are given up for it.
 * Does not return.
 */
SYM_CODE_START(rex_redirect_stub)
	UNWIND_HINT_END_OF_STACK
	ANNOTATE_NOENDBR
	/* It may have been copying backwards. */
	cld
	movq	%rsp, %rax
	orq	$(REX_STACK_SIZE - 1), %rax
	movl	%esp, %edx
	andl	$(REX_STACK_SIZE - 1), %edx
	cmpl	$REX_EXIT_ROOM, %edx
	jae	.Lroom
	movq	1 - REX_STACK_OLD_SP(%rax), %rbp
	addq	$REX_ENTER_SAVED, %rbp
	leaq	1 - REX_STACK_SIZE / 2(%rax), %rsp
.Lroom:
	pushq	1 - REX_STACK_IP(%rax)
	UNWIND_HINT_FUNC
	pushq	%rbp
	movq	%rsp, %rbp
	andq	$-16, %rsp
	call	rex_redirected
	int3
SYM_CODE_END(rex_redirect_stub)
