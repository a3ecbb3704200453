// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backtrace of an exit.
 *
 * It is saved once, into the frame: by rex_exit(), or before that by
 * rex_redirect(), because the way from there may have to give up the stack
 * that it describes. It begins in the program; what is above is the way out.
 */
#include <linux/printk.h>
#include <linux/sprintf.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "rex.h"

/**
 * rex_trace_save() - save the backtrace of a program that ends
 * @frame: of the program, whose trace is empty
 *
 * Context: any that a program runs in, on its stack.
 */
void rex_trace_save(struct rex_frame *frame)
{
	const struct rex_image *image = &frame->func->obj->image;
	struct rex_trace *trace = &frame->trace;
	unsigned int own = 0;

	trace->nr = stack_trace_save(trace->entries, REX_MAX_FRAMES, 0);
	while (own < trace->nr && !rex_image_is_text(image, trace->entries[own]))
		own++;
	if (own == trace->nr)
		own = 0;
	trace->nr -= own;
	memmove(trace->entries, trace->entries + own, trace->nr * sizeof(trace->entries[0]));
}

/**
 * rex_trace_save_regs() - save the backtrace of a program that was interrupted
 * @frame: of the program
 * @regs: of the interrupt
 *
 * From the first instructions of the outermost function the unwinder does not
 * find its way. There is nothing on the stack to lose then, and rex_exit()
 * saves the trace.
 *
 * Context: any, on the CPU of the frame.
 */
void rex_trace_save_regs(struct rex_frame *frame, struct pt_regs *regs)
{
	struct rex_trace *trace = &frame->trace;

	trace->ip = regs->ip;
	trace->nr = stack_trace_save_regs(regs, trace->entries, REX_MAX_FRAMES, 0);
	if (trace->nr == 1)
		trace->nr = 0;
}

/**
 * rex_trace_name() - what an entry of a trace is called
 * @trace: saved
 * @i: below trace->nr
 * @name: for "symbol+offset/size"
 * @size: of @name
 *
 * Entries are return addresses, except that of an interrupted instruction.
 */
void rex_trace_name(const struct rex_trace *trace, unsigned int i, char *name, size_t size)
{
	const char *format = !i && trace->entries[i] == trace->ip ? "%pS" : "%pB";

	snprintf(name, size, format, (void *)trace->entries[i]);
}

/**
 * rex_trace_log() - write a trace to the kernel log
 * @trace: saved
 *
 * Context: any.
 */
void rex_trace_log(const struct rex_trace *trace)
{
	char name[REX_FRAME_LEN];
	unsigned int i;

	pr_warn("call trace:\n");
	for (i = 0; i < trace->nr; i++) {
		rex_trace_name(trace, i, name, sizeof(name));
		pr_warn("  %s\n", name);
	}
}
