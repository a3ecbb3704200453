// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time limit of programs.
 *
 * While there is a Rex program, each CPU has a timer that fires every
 * rex_tick_ms, in hardirq context even on PREEMPT_RT. A tick looks
 *
 *  - at the programs that its own CPU is running: one that is over the limit is
 *    redirected to its exit, see redirect.c;
 *  - at those of the next CPU (its buddy): one that is over the limit may be
 *    running with interrupts off, out of reach of its own tick, so the buddy
 *    gets an NMI that does the same. A buddy that needs one can't look after the
 *    CPU behind it either, so this goes on until a CPU is found that can.
 *
 * A program that can't be redirected, because it is in a helper or another
 * program has interrupted it, is marked as expired. The helper ends it when it
 * returns (rex_helper_end()), or the next tick does. So a program is ended at
 * most one tick after its limit, plus the time of the helper it is in.
 *
 * Time that a program did not get is not held against it. A host stops virtual
 * CPUs for as long as it likes, and a program is itself interrupted, by others
 * too; so the limit is only over once at least half of the ticks that it is long
 * have been seen:
 *
 *  - by the program's own CPU, each finding that program at work, if it could
 *    have been interrupted by them;
 *  - by any CPU, if it has interrupts off. Rounds count those, one for each
 *    half of a tick at most, so that they stand still while all CPUs do. Those
 *    that a program is interrupted for by another one are that one's.
 *
 * Where nothing stands still that is so long before the limit.
 *
 * Out of reach are a program in a real NMI, programs with interrupts off on all
 * CPUs at once (so on the only CPU there is), and a helper that never returns.
 *
 * Locking: users and the timers' being armed change under watchdog_lock, with
 * CPU hotplug held off. Ticks read frames of other CPUs without a lock: what they
 * see may be out of date, and the NMI looks again on the spot.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/kprobes.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/sprintf.h>
#include <linux/timekeeping.h>

#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/irq_regs.h>
#include <asm/nmi.h>

#include "rex.h"
#include "state.h"

static DEFINE_PER_CPU(struct hrtimer, watchdog_timer);
static DEFINE_PER_CPU(bool, watchdog_armed);
/* Set by the CPU that sends an NMI, so that the NMI knows what it is for. */
static DEFINE_PER_CPU(bool, watchdog_nmi);
static DEFINE_MUTEX(watchdog_lock);
static unsigned int watchdog_users;
static atomic64_t watchdog_rounds;
static atomic64_t watchdog_round_ns;	/* when the last one began */

static u64 limit_ns(void)
{
	return (u64)READ_ONCE(rex_timeout_ms) * NSEC_PER_MSEC;
}

static u64 tick_ns(void)
{
	return (u64)READ_ONCE(rex_tick_ms) * NSEC_PER_MSEC;
}

/**
 * rex_watchdog_round() - how far the ticks of all CPUs together have come
 *
 * Context: any.
 * Return: a number that grows, by two for each tick's time at most.
 */
u64 rex_watchdog_round(void)
{
	return atomic64_read(&watchdog_rounds);
}

/**
 * rex_watchdog_interrupted() - a program comes to its end that may have interrupted others
 * @frame: of the program, still in use
 * @level: of it
 *
 * Context: that of the program.
 */
void rex_watchdog_interrupted(const struct rex_frame *frame, unsigned int level)
{
	u64 rounds = rex_watchdog_round() - frame->start_round;
	struct rex_cpu *cpu = this_cpu_ptr(&rex_cpu);

	if (likely(!rounds))
		return;
	while (level--) {
		struct rex_frame *below = &cpu->frames[level];

		if (READ_ONCE(below->prog))
			WRITE_ONCE(below->start_round, below->start_round + rounds);
	}
}

NOKPROBE_SYMBOL(rex_watchdog_interrupted);

static void count_round(u64 now)
{
	u64 last = atomic64_read(&watchdog_round_ns);

	if ((s64)(now - last) >= (s64)(tick_ns() / 2) &&
	    atomic64_cmpxchg(&watchdog_round_ns, last, now) == last)
		atomic64_inc(&watchdog_rounds);
}

NOKPROBE_SYMBOL(count_round);

/* Is a frame, maybe of another CPU, in use for longer than the limit? */
static bool is_late(const struct rex_frame *frame, u64 now)
{
	/* Pairs with take_frame(): who sees the program sees when it began. */
	if (!smp_load_acquire(&frame->prog))
		return false;
	/* Signed: the clock of another CPU may be a little ahead. */
	return (s64)(now - READ_ONCE(frame->start_ns)) >= (s64)limit_ns();
}

/*
 * Has this interrupt, which has added @own to the preempt count, interrupted the
 * innermost program itself, and not another interrupt on top of it?
 */
static bool is_at_work(const struct rex_frame *frame, unsigned int own)
{
	unsigned int mask = NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET;

	return ((preempt_count() - own) & mask) == (frame->preempt_count & mask);
}

NOKPROBE_SYMBOL(is_at_work);

/*
 * Does a tick of this CPU get through to a program? Not asked of the flags: an
 * NMI also finds interrupts off in the first and last instructions of an
 * interrupt, where the preempt count is the program's.
 */
static bool can_be_interrupted(const struct rex_frame *frame)
{
	return this_cpu_read(watchdog_armed) && !frame->irqs_disabled && !rex_holds_lock(frame);
}

NOKPROBE_SYMBOL(can_be_interrupted);

/*
 * Has a program that is late had the CPU for a good part of the time? Asked by
 * a tick or NMI on its CPU. @out_of_reach: ticks do not get through to it.
 */
static bool had_its_time(const struct rex_frame *frame, bool out_of_reach)
{
	u64 enough = max(limit_ns() / tick_ns() / 2, 1ULL);

	if (out_of_reach)
		return rex_watchdog_round() - frame->start_round >= enough;
	return frame->ticks >= enough;
}

NOKPROBE_SYMBOL(had_its_time);

static size_t describe(char *msg, size_t size, enum rex_state state)
{
	return scnprintf(msg, size, "ran for more than %u ms%s", READ_ONCE(rex_timeout_ms),
			 state == REX_STATE_REPORTING ?
			 ", while the message of a panic was formatted" : "");
}

/**
 * rex_expire() - end a program that is over its time, as a helper returns
 * @frame: of the program
 * @from: the state that the helper would go back to
 *
 * Context: that of the program, inside a helper.
 */
void __noreturn rex_expire(struct rex_frame *frame, enum rex_state from)
{
	char msg[REX_REDIRECTION_MSG_LEN];
	const struct rex_exit_info info = {
		.reason = REX_EXIT_TIMEOUT,
		.msg = msg,
		.msg_len = describe(msg, sizeof(msg), from),
		.file = "",
	};

	rex_exit(frame, &info);
}

NOKPROBE_SYMBOL(rex_expire);

static bool end_program(struct pt_regs *regs, struct rex_frame *frame)
{
	char msg[REX_REDIRECTION_MSG_LEN];
	const struct rex_exit_info info = {
		.reason = REX_EXIT_TIMEOUT,
		.msg = msg,
		.msg_len = describe(msg, sizeof(msg), frame->state),
		.file = "",
	};

	return rex_redirect(regs, frame, &info);
}

/*
 * Ends the programs of this CPU that are over the limit, or has them end.
 * @own: what the caller's interrupt has added to the preempt count.
 */
static void check_own(struct pt_regs *regs, unsigned int own)
{
	struct rex_frame *executing = rex_executing_frame();
	bool reached = executing && can_be_interrupted(executing);
	bool at_work = executing && is_at_work(executing, own);
	u64 now = ktime_get_mono_fast_ns();
	struct rex_cpu *cpu = this_cpu_ptr(&rex_cpu);
	int level;

	for (level = 0; level < REX_NR_LEVELS; level++) {
		struct rex_frame *frame = &cpu->frames[level];

		if (!is_late(frame, now) ||
		    !had_its_time(frame, frame == executing && at_work && !reached))
			continue;
		if (frame != executing || !end_program(regs, frame))
			WRITE_ONCE(frame->expired, true);
	}
}

NOKPROBE_SYMBOL(check_own);

static bool is_stuck(unsigned int cpu)
{
	const struct rex_cpu *rc = per_cpu_ptr(&rex_cpu, cpu);
	u64 now = ktime_get_mono_fast_ns();
	int level;

	for (level = 0; level < REX_NR_LEVELS; level++) {
		if (is_late(&rc->frames[level], now))
			return true;
	}
	return false;
}

static unsigned int next_online(unsigned int cpu)
{
	cpu = cpumask_next(cpu, cpu_online_mask);
	return cpu < nr_cpu_ids ? cpu : cpumask_first(cpu_online_mask);
}

static void check_others(void)
{
	unsigned int self = smp_processor_id();
	unsigned int cpu;

	for (cpu = next_online(self); cpu != self && is_stuck(cpu); cpu = next_online(cpu)) {
		/* While one is on its way, another could find nothing left to claim. */
		if (!xchg(per_cpu_ptr(&watchdog_nmi, cpu), true))
			__apic_send_IPI(cpu, NMI_VECTOR);
	}
}

static enum hrtimer_restart rex_watchdog_tick(struct hrtimer *timer)
{
	struct rex_frame *executing = rex_executing_frame();

	count_round(ktime_get_mono_fast_ns());
	if (executing && is_at_work(executing, HARDIRQ_OFFSET))
		executing->ticks++;
	check_own(get_irq_regs(), HARDIRQ_OFFSET);
	check_others();
	hrtimer_forward_now(timer, ns_to_ktime(tick_ns()));
	return HRTIMER_RESTART;
}

/*
 * An NMI from kernel mode returns by the "iret" frame right above the
 * "outermost" frame that is the end of pt_regs, see asm_exc_nmi. An NMI that
 * nests in this one makes the iret frame lead to another round, which copies
 * the outermost frame to the iret frame again: then nothing is to be done here.
 * With FRED, NMIs don't nest and there is one frame.
 */
static void redirect_iret_frame(struct pt_regs *regs, unsigned long from)
{
	unsigned long *iret_ip = (unsigned long *)(regs + 1);

	if (!cpu_feature_enabled(X86_FEATURE_FRED))
		cmpxchg_local(iret_ip, from, regs->ip);
}

NOKPROBE_SYMBOL(redirect_iret_frame);

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	unsigned long ip = regs->ip;

	if (!this_cpu_xchg(watchdog_nmi, false))
		return NMI_DONE;
	check_own(regs, NMI_OFFSET + HARDIRQ_OFFSET);
	if (regs->ip != ip)
		redirect_iret_frame(regs, ip);
	return NMI_HANDLED;
}

NOKPROBE_SYMBOL(on_nmi);

static void arm(void *unused)
{
	this_cpu_write(watchdog_armed, true);
	hrtimer_start(this_cpu_ptr(&watchdog_timer), ms_to_ktime(READ_ONCE(rex_tick_ms)),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static void disarm(void *unused)
{
	this_cpu_write(watchdog_armed, false);
	hrtimer_cancel(this_cpu_ptr(&watchdog_timer));
}

/**
 * rex_watchdog_get() - there is one program more
 *
 * Context: process, may sleep.
 */
void rex_watchdog_get(void)
{
	cpus_read_lock();
	mutex_lock(&watchdog_lock);
	if (!watchdog_users++)
		on_each_cpu(arm, NULL, 1);
	mutex_unlock(&watchdog_lock);
	cpus_read_unlock();
}

/**
 * rex_watchdog_put() - there is one program less
 *
 * Context: process, may sleep.
 */
void rex_watchdog_put(void)
{
	unsigned int cpu;

	cpus_read_lock();
	mutex_lock(&watchdog_lock);
	if (!--watchdog_users) {
		for_each_online_cpu(cpu) {
			per_cpu(watchdog_armed, cpu) = false;
			hrtimer_cancel(per_cpu_ptr(&watchdog_timer, cpu));
		}
	}
	mutex_unlock(&watchdog_lock);
	cpus_read_unlock();
}

/* Both run on the CPU, with the write side of cpus_read_lock() held. */
static int rex_cpu_online(unsigned int cpu)
{
	hrtimer_init(this_cpu_ptr(&watchdog_timer), CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	this_cpu_ptr(&watchdog_timer)->function = rex_watchdog_tick;
	this_cpu_write(watchdog_nmi, false);
	if (watchdog_users)
		arm(NULL);
	return 0;
}

static int rex_cpu_offline(unsigned int cpu)
{
	disarm(NULL);
	return 0;
}

static int __init rex_watchdog_init(void)
{
	int err;

	err = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "rex:online", rex_cpu_online,
				rex_cpu_offline);
	if (err < 0)
		return err;
	return register_nmi_handler(NMI_LOCAL, on_nmi, 0, "rex");
}
subsys_initcall(rex_watchdog_init);
