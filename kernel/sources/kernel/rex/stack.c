// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stacks that programs run on.
 *
 * Each CPU has one stack for each context level, allocated before the CPU
 * comes online the first time and kept from then on. A stack is REX_STACK_PAGES
 * pages, aligned to its size, between unmapped guard pages (every vmalloc area
 * is followed by one)::
 *
 *	begin                        + reserve                        begin + size
 *	| reserve: panic, helpers    | the program            | old rsp | ip      |
 *	  <------------------------ grows ------------------- rex_stack_top()
 *
 * rex_enter() stores the stack pointer it came with in the word at
 * rex_stack_top(); the unwinder finds the interrupted stack through it, as it
 * does for the irq stacks. rex_redirect() uses the word above it.
 *
 * Every function of a program looks at its stack pointer once its frame is
 * allocated, and calls rex_stack_low() where that is in the reserve. A frame
 * has less than a page, so none reaches far into the reserve unseen.
 */
#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/kasan.h>
#include <linux/kprobes.h>
#include <linux/vmalloc.h>

#include <asm/stacktrace.h>

#include "exports.h"
#include "rex.h"

DEFINE_PER_CPU(struct rex_cpu, rex_cpu);

/**
 * rex_stack_top() - the word that holds the old stack pointer
 * @stack: lowest address
 *
 * Return: its address, 16-byte aligned, so that the call from there leaves the
 * alignment that the ABI wants.
 */
unsigned long *rex_stack_top(void *stack)
{
	return stack + REX_STACK_SIZE - REX_STACK_OLD_SP;
}

/**
 * rex_frame_stack() - the stack that belongs to a frame
 * @frame: of this CPU
 *
 * Return: its lowest address.
 */
void *rex_frame_stack(const struct rex_frame *frame)
{
	const struct rex_cpu *cpu = raw_cpu_ptr(&rex_cpu);

	return cpu->stacks[frame - cpu->frames];
}

/**
 * rex_stack_rewind() - make room on the stack of a program that is to end
 * @frame: in use
 * @regs: where the program was interrupted
 *
 * What it has in the lower half of its stack is lost. The frame pointer skips
 * all of its frames, for the benefit of the unwinder.
 */
void rex_stack_rewind(const struct rex_frame *frame, struct pt_regs *regs)
{
	void *stack = rex_frame_stack(frame);

	regs->sp = (unsigned long)stack + REX_STACK_SIZE / 2;
	regs->bp = *rex_stack_top(stack) + REX_ENTER_SAVED;
}

/**
 * rex_stack_used() - depth of a frame's stack
 * @frame: in use
 * @sp: a stack pointer inside its stack
 *
 * Return: bytes between @sp and the top, 0 when @sp is elsewhere.
 */
u64 rex_stack_used(const struct rex_frame *frame, unsigned long sp)
{
	unsigned long begin = (unsigned long)rex_frame_stack(frame);

	if (sp < begin || sp >= begin + REX_STACK_SIZE)
		return 0;
	return begin + REX_STACK_SIZE - sp;
}

/* Left for the way out while the message of a panic is formatted. */
#define REX_STACK_EXIT_SIZE	(2 * PAGE_SIZE)

/**
 * rex_stack_low() - a function of a program has its frame in the reserve
 *
 * A program is ended. While it formats the message of a panic it may use part
 * of the reserve: the panic may have come when little else was left.
 *
 * Context: that of the program, on its stack.
 */
void rex_stack_low(void)
{
	static const char in_message[] =
		"stack overflow while the message of a panic was formatted";
	/* The check jumped here: what it was called with is on top. */
	unsigned long sp = (unsigned long)__builtin_frame_address(0) + sizeof(long);
	struct rex_frame *frame = rex_current_frame();
	u64 used = rex_stack_used(frame, sp);
	struct rex_exit_info info = {
		.reason = REX_EXIT_STACK_OVERFLOW,
		.msg = in_message,
		.msg_len = sizeof(in_message) - 1,
		.file = "",
		.stack_used = used,
	};
	char msg[64];

	if (frame->state == REX_STATE_REPORTING) {
		if (used <= REX_STACK_SIZE - REX_STACK_EXIT_SIZE)
			return;
	} else {
		info.msg = msg;
		info.msg_len = scnprintf(msg, sizeof(msg),
					 "stack overflow: %llu bytes deep, %lu allowed", used,
					 REX_STACK_PROGRAM_SIZE);
	}
	rex_exit(frame, &info);
}

NOKPROBE_SYMBOL(rex_stack_low);

/**
 * rex_stack_unpoison() - forget what KASAN knows of the frames on a stack
 * @frame: in use; its program is left without returning
 */
void rex_stack_unpoison(const struct rex_frame *frame)
{
	kasan_unpoison_range(rex_frame_stack(frame), REX_STACK_SIZE);
}

/**
 * in_rex_stack() - is this address on a Rex stack of this CPU?
 * @stack: any address
 * @info: filled in if so
 *
 * Called by the unwinder. Each level has a stack type of its own, because the
 * unwinder visits each type once.
 *
 * Return: true if so.
 */
bool noinstr in_rex_stack(unsigned long *stack, struct stack_info *info)
{
	const struct rex_cpu *cpu = raw_cpu_ptr(&rex_cpu);
	int level;

	for (level = 0; level < REX_NR_LEVELS; level++) {
		void *begin = cpu->stacks[level];
		void *end = begin + REX_STACK_SIZE;

		if (!begin || (void *)stack < begin || (void *)stack >= end)
			continue;
		info->type = STACK_TYPE_REX + level;
		info->begin = begin;
		info->end = end;
		info->next_sp = (unsigned long *)*(unsigned long *)(end - REX_STACK_OLD_SP);
		return true;
	}
	return false;
}

static int rex_cpu_prepare(unsigned int cpu)
{
	struct rex_cpu *rc = per_cpu_ptr(&rex_cpu, cpu);
	int level;

	for (level = 0; level < REX_NR_LEVELS; level++) {
		if (rc->stacks[level])
			continue;
		rc->stacks[level] = __vmalloc_node(REX_STACK_SIZE, REX_STACK_SIZE,
						   GFP_KERNEL | __GFP_ZERO, cpu_to_node(cpu),
						   __builtin_return_address(0));
		if (!rc->stacks[level])
			return -ENOMEM;
	}
	return 0;
}

static int __init rex_stack_init(void)
{
	int state = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "rex:prepare", rex_cpu_prepare, NULL);

	return state < 0 ? state : 0;
}
subsys_initcall(rex_stack_init);
