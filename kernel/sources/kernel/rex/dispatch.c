// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running a program.
 *
 * The dispatcher takes the frame of the context it is called in, switches to
 * that frame's stack, calls the program, and leaves with everything as it was
 * on entry, whether the program returned or was ended. A mismatch is a bug of
 * the runtime (or of a helper): it warns once and is repaired.
 */
#include <linux/bpf.h>
#include <linux/debug_locks.h>
#include <linux/filter.h>
#include <linux/irqflags.h>
#include <linux/kprobes.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/timekeeping.h>

#include "rex.h"
#include "state.h"

/**
 * rex_current_frame() - the frame of this CPU and context level
 *
 * Context: any, preemption disabled.
 * Return: the frame, in use or not.
 */
struct rex_frame *rex_current_frame(void)
{
	return &this_cpu_ptr(&rex_cpu)->frames[interrupt_context_level()];
}

NOKPROBE_SYMBOL(rex_current_frame);

static __always_inline void take_frame(struct rex_frame *frame, const struct bpf_prog *prog,
				       const struct rex_func *func, const void *ctx)
{
	struct rex_usages *usages = this_cpu_ptr(rex_prog_of(prog)->usage);

	frame->usage = &usages->level[interrupt_context_level()];
	frame->usage->runs++;
	frame->mark = &frame->usage->stack;
	frame->measured = func->obj->image.measured;
	frame->func = func;
	frame->ctx = ctx;
	WRITE_ONCE(frame->start_ns, ktime_get_mono_fast_ns());
	frame->start_round = rex_watchdog_round();
	frame->ticks = 0;
	frame->expired = false;
	frame->preempt_count = preempt_count();
	frame->irqs_disabled = irqs_disabled();
	frame->rcu_depth = rcu_preempt_depth();
	frame->locks_held = lockdep_depth(current);
	frame->irqs_traced = lockdep_hardirqs_enabled();
	frame->nr_released = 0;
	rex_set_state(frame, REX_STATE_PROGRAM);
	/* Pairs with the watchdog, which may look from another CPU. */
	smp_store_release(&frame->prog, prog);
}

/*
 * Does lockdep believe what it believed at entry? It stops keeping books once
 * it has complained. Without it there is nothing to compare.
 */
static __always_inline bool lockdep_is_balanced(const struct rex_frame *frame)
{
	if (!IS_ENABLED(CONFIG_LOCKDEP) || !debug_locks)
		return true;
	return lockdep_depth(current) == frame->locks_held &&
	       lockdep_hardirqs_enabled() == frame->irqs_traced;
}

/* Puts the context back to what it was at entry, warning if it was not. */
static __always_inline void check_balance(const struct rex_frame *frame)
{
	bool irqs = irqs_disabled() == frame->irqs_disabled;
	bool preempt = preempt_count() == frame->preempt_count;
	bool rcu = rcu_preempt_depth() == frame->rcu_depth;
	bool lockdep = lockdep_is_balanced(frame);

	if (likely(irqs && preempt && rcu && lockdep))
		return;

	atomic64_inc(&rex_stats.unbalanced);
	WARN_ONCE(1, "rex: program %s left preempt_count %#x -> %#x, irqs %s, RCU depth %d -> %d, lockdep %s\n",
		  frame->func->desc.name, frame->preempt_count, preempt_count(),
		  irqs ? "kept" : "changed", frame->rcu_depth, rcu_preempt_depth(),
		  lockdep ? "kept" : "confused");
	while (rcu_preempt_depth() > frame->rcu_depth)
		rcu_read_unlock();
	preempt_count_set(frame->preempt_count);
	if (!irqs) {
		if (frame->irqs_disabled)
			local_irq_disable();
		else
			local_irq_enable();
	}
}

static __always_inline void release_frame(struct rex_frame *frame)
{
	rex_set_state(frame, REX_STATE_IDLE);
	/* The frame may be taken by an interrupt of the same level from here on. */
	barrier();
	WRITE_ONCE(frame->prog, NULL);
}

/**
 * rex_dispatcher_func() - run a program
 * @ctx: of the hook
 * @insn: prog->insnsi, as every bpf_func gets it
 * @func: from the thunk
 *
 * Context: any, in an RCU read-side section.
 * Return: what the program returned, or the default verdict of its type if it
 * was ended, skipped or stopped.
 */
unsigned int rex_dispatcher_func(const void *ctx, const struct bpf_insn *insn,
				 const struct rex_func *func)
{
	struct bpf_prog *prog = (void *)insn - offsetof(struct bpf_prog, insnsi);
	struct rex_frame *frame;
	unsigned int level;
	void *stack;
	u64 ret = func->verdict;

	if (unlikely(READ_ONCE(func->obj->stopped))) {
		atomic64_inc(&rex_stats.stopped_runs);
		return ret;
	}
	preempt_disable_notrace();
	level = interrupt_context_level();
	frame = &this_cpu_ptr(&rex_cpu)->frames[level];
	stack = this_cpu_read(rex_cpu.stacks[level]);
	if (unlikely(READ_ONCE(frame->prog) || !stack)) {
		atomic64_inc(&rex_stats.misses);
		bpf_prog_inc_misses_counter(prog);
	} else {
		take_frame(frame, prog, func, ctx);
		if (unlikely(frame->measured))
			rex_measure_begin(frame);
		else
			frame->painted = false;
		ret = rex_enter(ctx, func->entry, rex_stack_top(stack), &frame->sp);
		if (unlikely(frame->measured))
			rex_measure_end(frame);
		if (unlikely(frame->nr_resources))
			rex_release_leftovers(frame);
		check_balance(frame);
		if (level)
			rex_watchdog_interrupted(frame, level);
		release_frame(frame);
	}
	preempt_enable_notrace();
	return ret;
}

NOKPROBE_SYMBOL(rex_dispatcher_func);
