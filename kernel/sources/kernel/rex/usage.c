// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each program has done so far, for <debugfs>/rex/programs::
 *
 *	program 3		the kernel's id of it
 *	name hello
 *	object hello
 *	type 2			enum bpf_prog_type
 *	runs 17			begun, in the end one way or the other
 *	misses 0		skipped, because the frame was in use
 *	exits 1			ended abnormally
 *	stopped 0		1: does not run any more, see stop.c
 *	stack_bound 344		bytes, by proof; 0: it looks itself
 *	stack_used 312		bytes, the deepest so far
 *	report_used 0		likewise, while messages of panics were formatted
 *	total_used 1688		likewise, with helpers and all; measured objects only
 *	measured 15		runs that stack_used is exact for
 *	end
 *
 * Where nothing is measured (see measure.c), the depths are those at calls of
 * helpers and at exits.
 *
 * A run counts in a struct rex_usage that is its frame's alone, so nothing is
 * locked but the list of programs.
 */
#include <linux/bpf.h>
#include <linux/cpumask.h>
#include <linux/filter.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/u64_stats_sync.h>

#include "rex.h"

static DEFINE_MUTEX(programs_lock);
static LIST_HEAD(programs);

/**
 * rex_usage_track() - there is one program more
 * @rp: complete
 *
 * Context: process.
 */
void rex_usage_track(struct rex_prog *rp)
{
	mutex_lock(&programs_lock);
	list_add_tail(&rp->node, &programs);
	mutex_unlock(&programs_lock);
}

/**
 * rex_usage_untrack() - there is one program less
 * @rp: that was tracked
 *
 * Context: process.
 */
void rex_usage_untrack(struct rex_prog *rp)
{
	mutex_lock(&programs_lock);
	list_del(&rp->node);
	mutex_unlock(&programs_lock);
}

static void add_level(struct rex_usage *sum, const struct rex_usage *usage)
{
	sum->runs += READ_ONCE(usage->runs);
	sum->measured += READ_ONCE(usage->measured);
	sum->stack = max(sum->stack, READ_ONCE(usage->stack));
	sum->report = max(sum->report, READ_ONCE(usage->report));
	sum->total = max(sum->total, READ_ONCE(usage->total));
}

static struct rex_usage sum_up(const struct rex_prog *rp)
{
	struct rex_usage sum = {};
	unsigned int cpu;
	int level;

	for_each_possible_cpu(cpu) {
		const struct rex_usages *usages = per_cpu_ptr(rp->usage, cpu);

		for (level = 0; level < REX_NR_LEVELS; level++)
			add_level(&sum, &usages->level[level]);
	}
	return sum;
}

/* As bpf_prog_info.recursion_misses has them. */
static u64 misses(const struct bpf_prog *prog)
{
	unsigned int cpu, start;
	u64 one, sum = 0;

	for_each_possible_cpu(cpu) {
		const struct bpf_prog_stats *stats = per_cpu_ptr(prog->stats, cpu);

		do {
			start = u64_stats_fetch_begin(&stats->syncp);
			one = u64_stats_read(&stats->misses);
		} while (u64_stats_fetch_retry(&stats->syncp, start));
		sum += one;
	}
	return sum;
}

static void show(struct seq_file *m, const struct rex_prog *rp)
{
	const struct rex_usage sum = sum_up(rp);
	u32 id = READ_ONCE(rp->prog->aux->id);

	/* Not published yet, or gone already. */
	if (!id)
		return;
	seq_printf(m, "program %u\nname %s\n", id, rp->func->desc.name);
	seq_puts(m, "object ");
	rex_escape(m, rp->obj->name, strlen(rp->obj->name));
	seq_printf(m, "\ntype %u\nruns %llu\nmisses %llu\nexits %lld\nstopped %d\n",
		   rp->prog->type, sum.runs, misses(rp->prog), atomic64_read(&rp->exits),
		   READ_ONCE(rp->obj->stopped));
	seq_printf(m, "stack_bound %u\nstack_used %u\nreport_used %u\ntotal_used %u\n",
		   rp->func->desc.stack_bytes, sum.stack, sum.report, sum.total);
	seq_printf(m, "measured %llu\nend\n", sum.measured);
}

/**
 * rex_usage_show() - write what all programs have done
 * @m: to write to
 *
 * Context: process.
 */
void rex_usage_show(struct seq_file *m)
{
	const struct rex_prog *rp;

	mutex_lock(&programs_lock);
	list_for_each_entry(rp, &programs, node)
		show(m, rp);
	mutex_unlock(&programs_lock);
}
