// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking the CPU away from a program.
 *
 * A program that runs too long, or that trapped, was interrupted at some
 * instruction of its own. rex_redirect(), called by the interrupt's handler,
 * changes where that interrupt returns to: to rex_redirect_stub(), on the Rex
 * stack, below what the program has there. From there the exit is the same as
 * that of a panic::
 *
 *	program
 *	  timer, NMI or trap -> rex_redirect(): notes why and where
 *	rex_redirect_stub() -> rex_redirected() -> rex_exit()
 *
 * Only the program's own code is left like this. Kernel code that it called
 * may hold what is not on record, so a helper is left to end by itself; see
 * rex_helper_end().
 */
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/string.h>

#include "layout.h"
#include "rex.h"
#include "state.h"

static_assert(REX_STACK_PAGES * PAGE_SIZE == REX_STACK_SIZE);

/**
 * rex_executing_frame() - the innermost program of this CPU
 *
 * A program runs to its end before what it interrupted goes on, so of the
 * frames in use that of the highest level is the one that executes.
 *
 * Context: any, can't migrate.
 * Return: its frame, or NULL.
 */
struct rex_frame *rex_executing_frame(void)
{
	struct rex_cpu *cpu = raw_cpu_ptr(&rex_cpu);
	int level;

	for (level = REX_NR_LEVELS - 1; level >= 0; level--) {
		if (READ_ONCE(cpu->frames[level].prog))
			return &cpu->frames[level];
	}
	return NULL;
}

NOKPROBE_SYMBOL(rex_executing_frame);

/**
 * rex_redirect() - make an interrupted program end
 * @regs: of the interrupt or trap, on this CPU
 * @frame: of the program that it interrupted
 * @info: why; its text is copied
 *
 * Does nothing unless the program's own code was interrupted, on its stack.
 * In an NMI the caller must see to the second copy of regs->ip.
 *
 * Context: the handler of the interrupt, which is going to return to @regs.
 * Return: true if the program is going to end.
 */
bool rex_redirect(struct pt_regs *regs, struct rex_frame *frame, const struct rex_exit_info *info)
{
	struct rex_redirection *redirection = &frame->redirection;
	unsigned long end;

	if (frame->state != REX_STATE_PROGRAM && frame->state != REX_STATE_REPORTING)
		return false;
	if (!rex_image_is_text(&frame->func->obj->image, regs->ip) ||
	    !rex_stack_used(frame, regs->sp))
		return false;

	redirection->info = *info;
	redirection->info.msg_len = min(info->msg_len, sizeof(redirection->msg));
	memcpy(redirection->msg, info->msg, redirection->info.msg_len);
	redirection->info.msg = redirection->msg;
	redirection->info.stack_used = rex_stack_used(frame, regs->sp);
	rex_trace_save_regs(frame, regs);

	end = (unsigned long)rex_frame_stack(frame) + REX_STACK_SIZE;
	*(unsigned long *)(end - REX_STACK_IP) = regs->ip;
	/* A register that trapped may hold anything; the unwinder would complain. */
	if (regs->bp < regs->sp || regs->bp >= end)
		regs->bp = *(unsigned long *)(end - REX_STACK_OLD_SP) + REX_ENTER_SAVED;
	regs->ip = (unsigned long)rex_redirect_stub;
	return true;
}

NOKPROBE_SYMBOL(rex_redirect);

/**
 * rex_redirected() - end the program that was redirected
 *
 * Context: that of the program, on its stack, from rex_redirect_stub().
 */
void __noreturn rex_redirected(void)
{
	struct rex_frame *frame = rex_current_frame();

	rex_exit(frame, &frame->redirection.info);
}

NOKPROBE_SYMBOL(rex_redirected);
