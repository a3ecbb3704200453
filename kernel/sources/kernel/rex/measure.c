// SPDX-License-Identifier: GPL-2.0-only
/*
 * How deep programs really go.
 *
 * An object that is loaded while kernel.rex_stack_paint is 1 is measured. Where
 * the stack of its programs is unused it is painted: every word holds the same
 * pattern. The lowest word without it, later, is as deep as the program was.
 *
 * Helpers run on the same stack, and interrupts begin there. What they write
 * must not be taken for the program's. So measured programs call helpers by way of
 * rex_measure(), which looks first and paints again what the helper used::
 *
 *	dispatcher	rex_measure_begin()	paints all that isn't painted yet
 *	program
 *	rex_measure()	rex_measure_call()	looks: that was the program
 *	helper
 *	rex_measure()	rex_measure_return()	paints
 *	program
 *	dispatcher	rex_measure_end()	looks, paints
 *
 * All of these run on the stack of the hook, so as not to write on what they look
 * at. An interrupt is noticed by the count that the CPU keeps of them: then it
 * can't be told whose the words are, and only the stack pointer counts.
 *
 * A frame has less than a page, and a call writes its return address. So where
 * a page is painted all over nobody has been beyond it.
 */
#include <linux/hardirq.h>
#include <linux/kernel_stat.h>
#include <linux/kprobes.h>
#include <linux/string.h>

#include "layout.h"
#include "rex.h"

#define REX_PAINT	0x5b8d6e2f91c3a74dUL

/* Below its frame an interrupt leaves words on the stack; an NMI does not. */
static u64 interrupts(void)
{
	unsigned int cpu = smp_processor_id();

	return kstat_cpu_irqs_sum(cpu) + arch_irq_stat_cpu(cpu);
}

/* The lowest word below @from that has lost its paint, or @from. */
static __no_sanitize_address unsigned long *lowest(const struct rex_frame *frame,
						   unsigned long *from)
{
	unsigned long *begin = rex_frame_stack(frame);
	unsigned long *low = from;
	unsigned long *word = from;

	while (word > begin && low - word < PAGE_SIZE / sizeof(*word)) {
		if (READ_ONCE(*--word) != REX_PAINT)
			low = word;
	}
	return low;
}

static void paint(unsigned long *low, unsigned long *from)
{
	memset64((u64 *)low, REX_PAINT, from - low);
}

/* Paints below @from again; whoever has been there counts. */
static void renew(struct rex_frame *frame, unsigned long *from)
{
	unsigned long *low = lowest(frame, from);
	u32 used = rex_stack_used(frame, (unsigned long)low);

	if (used > frame->usage->total)
		WRITE_ONCE(frame->usage->total, used);
	paint(low, from);
	frame->irqs = interrupts();
}

/* Keeps how deep the program was that has the stack down to @from now. */
static void look(struct rex_frame *frame, unsigned long *from)
{
	const struct rex_func *func = frame->func;
	unsigned long *low = from;
	u32 used;

	if (frame->irqs == interrupts())
		low = lowest(frame, from);
	else
		frame->interrupted = true;
	used = rex_stack_used(frame, (unsigned long)low);
	rex_stack_seen(frame, used);
	WARN_ONCE(frame->mark == &frame->usage->stack && func->desc.stack_bytes &&
		  used > func->desc.stack_bytes,
		  "rex: program %s of %s has used %u bytes of stack, its bound is %u\n",
		  func->desc.name, func->obj->name, used, func->desc.stack_bytes);
}

/**
 * rex_measure_begin() - a program of a measured object is about to run
 * @frame: taken for it
 *
 * Context: that of the program, on the stack of the hook.
 */
void rex_measure_begin(struct rex_frame *frame)
{
	void *stack = rex_frame_stack(frame);

	if (!frame->painted)
		paint(stack, rex_stack_top(stack));
	frame->painted = true;
	frame->interrupted = false;
	frame->irqs = interrupts();
}

NOKPROBE_SYMBOL(rex_measure_begin);

/**
 * rex_measure_end() - it has returned, or was ended
 * @frame: its frame
 *
 * Context: that of the program, on the stack of the hook.
 */
void rex_measure_end(struct rex_frame *frame)
{
	unsigned long *top = rex_stack_top(rex_frame_stack(frame));

	/* After an exit, the words on the stack are not the program's. */
	if (frame->state == REX_STATE_PROGRAM) {
		look(frame, top);
		frame->usage->measured += !frame->interrupted;
	}
	renew(frame, top);
}

NOKPROBE_SYMBOL(rex_measure_end);

/**
 * rex_measure_call() - a measured program calls a helper
 * @sp: its stack pointer, where the return address is
 *
 * Context: that of the program, on the stack of the hook.
 */
void rex_measure_call(unsigned long sp)
{
	look(rex_current_frame(), (unsigned long *)sp);
}

NOKPROBE_SYMBOL(rex_measure_call);

/**
 * rex_measure_return() - the helper has returned
 * @sp: as in rex_measure_call()
 *
 * Context: that of the program, on the stack of the hook.
 */
void rex_measure_return(unsigned long sp)
{
	renew(rex_current_frame(), (unsigned long *)sp);
}

NOKPROBE_SYMBOL(rex_measure_return);
