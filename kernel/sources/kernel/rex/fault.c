// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traps in a program's own code.
 *
 * Safe Rust doesn't trap; a compiler that is wrong may. The hooks in the trap
 * handlers of arch/x86 ask here before they call it an oops: if the
 * instruction is the program's, the program ends with reason "fault" and the
 * kernel goes on. A trap in kernel code that a program called is a bug of the
 * kernel, and stays an oops.
 *
 *	#PF		do_user_addr_fault(): an address of user space, before anything is
 *			faulted in; fixup_exception(): all others
 *	#DE #UD #GP	fixup_exception(), when the exception table has no entry
 *	and the rest
 *	#DF		exc_double_fault(): a push into the guard page, where not even
 *			the frame of a #PF has room
 *	#BP		the die chain: int3 is what text is padded with
 */
#include <linux/init.h>
#include <linux/kdebug.h>
#include <linux/kprobes.h>
#include <linux/notifier.h>
#include <linux/ptrace.h>
#include <linux/rex.h>
#include <linux/sprintf.h>

#include <asm/traps.h>

#include "layout.h"
#include "rex.h"

static const char *trap_name(int trapnr)
{
	switch (trapnr) {
	case X86_TRAP_DE:
		return "#DE divide error";
	case X86_TRAP_BP:
		return "#BP breakpoint";
	case X86_TRAP_OF:
		return "#OF overflow";
	case X86_TRAP_UD:
		return "#UD invalid opcode";
	case X86_TRAP_DF:
		return "#DF double fault";
	case X86_TRAP_SS:
		return "#SS stack segment";
	case X86_TRAP_GP:
		return "#GP general protection";
	case X86_TRAP_PF:
		return "#PF page fault";
	case X86_TRAP_MF:
		return "#MF floating point";
	case X86_TRAP_XF:
		return "#XM floating point";
	default:
		return "trap";
	}
}

static bool in_guard_page(const struct rex_frame *frame, unsigned long addr)
{
	unsigned long begin = (unsigned long)rex_frame_stack(frame);

	return addr - (begin - PAGE_SIZE) < PAGE_SIZE;
}

static bool end_program(struct pt_regs *regs, struct rex_frame *frame, int trapnr,
			unsigned long addr)
{
	struct rex_exit_info info = { .reason = REX_EXIT_FAULT, .file = "" };
	char msg[REX_REDIRECTION_MSG_LEN];

	if ((trapnr == X86_TRAP_PF || trapnr == X86_TRAP_DF) && in_guard_page(frame, addr))
		info.msg_len = scnprintf(msg, sizeof(msg),
					 "guard page of the stack hit at %#lx", addr);
	else if (trapnr == X86_TRAP_PF)
		info.msg_len = scnprintf(msg, sizeof(msg), "%s at %#lx", trap_name(trapnr), addr);
	else
		info.msg_len = scnprintf(msg, sizeof(msg), "%s", trap_name(trapnr));
	info.msg = msg;
	return rex_redirect(regs, frame, &info);
}

bool rex_fixup_fault(struct pt_regs *regs, int trapnr, unsigned long error_code,
		     unsigned long addr)
{
	struct rex_frame *frame;

	if (user_mode(regs) || preemptible())
		return false;
	frame = rex_executing_frame();
	return frame && end_program(regs, frame, trapnr, addr);
}

NOKPROBE_SYMBOL(rex_fixup_fault);

/*
 * The program's stack pointer is at the end of its stack, or beyond. It must
 * be moved before anything can interrupt the way out, so not in the stub.
 */
bool rex_fixup_double_fault(struct pt_regs *regs, unsigned long addr)
{
	struct rex_frame *frame;
	unsigned long begin;

	if (user_mode(regs))
		return false;
	frame = rex_executing_frame();
	if (!frame || !in_guard_page(frame, addr))
		return false;
	begin = (unsigned long)rex_frame_stack(frame);
	if (regs->sp - (begin - PAGE_SIZE) >= PAGE_SIZE + REX_EXIT_ROOM)
		return false;
	regs->sp = max(regs->sp, begin);
	if (!end_program(regs, frame, X86_TRAP_DF, addr))
		return false;
	rex_stack_rewind(frame, regs);
	return true;
}

NOKPROBE_SYMBOL(rex_fixup_double_fault);

static int on_die(struct notifier_block *self, unsigned long event, void *data)
{
	struct die_args *args = data;

	if (event == DIE_INT3 && rex_fixup_fault(args->regs, X86_TRAP_BP, 0, 0))
		return NOTIFY_STOP;
	return NOTIFY_DONE;
}

NOKPROBE_SYMBOL(on_die);

static struct notifier_block rex_die_notifier = { .notifier_call = on_die };

static int __init rex_fault_init(void)
{
	return register_die_notifier(&rex_die_notifier);
}
subsys_initcall(rex_fault_init);
