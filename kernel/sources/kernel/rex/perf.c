// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program on a perf event may ask for.
 *
 * Such a program runs when the event overflows: in hardirq context for a
 * software clock, in an NMI for most counters of the hardware.
 */
#include <linux/bpf.h>
#include <linux/perf_event.h>

#include "context.h"
#include "exports.h"
#include "helper.h"
#include "rex.h"

/**
 * rex_perf_event_view() - what an overflow is about
 * @ctx: of the program
 * @view: filled in
 *
 * Return: 0, or -EINVAL for a context that is not the program's own.
 */
long rex_perf_event_view(const struct bpf_perf_event_data_kern *ctx,
			 struct rex_perf_event_view *view)
{
	if (!rex_is_own_ctx(ctx, BPF_PROG_TYPE_PERF_EVENT))
		return -EINVAL;
	view->regs = (u64)ctx->regs;
	view->sample_period = ctx->data->period;
	view->addr = ctx->data->addr;
	return 0;
}

/**
 * rex_perf_prog_read_value() - the event's counter
 * @ctx: of the program
 * @value: filled in, with zeroes on failure
 *
 * Return: 0, or -errno: -EOPNOTSUPP for an event that can't be read where it
 * overflows.
 */
long rex_perf_prog_read_value(struct bpf_perf_event_data_kern *ctx,
			      struct bpf_perf_event_value *value)
{
	memset(value, 0, sizeof(*value));
	if (!rex_is_own_ctx(ctx, BPF_PROG_TYPE_PERF_EVENT))
		return -EINVAL;
	return IN_HELPER(perf_event_read_local(ctx->event, &value->counter, &value->enabled,
					       &value->running));
}
