// SPDX-License-Identifier: GPL-2.0-only
/*
 * The number that whoever attached a program gave to the link.
 *
 * It tells a program that is attached in several places which of them it is
 * running for. The hook knows it: the overflow of a perf event from the event,
 * kprobes and tracepoints from the entry of the array that they go through.
 */
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/sched.h>

#include "exports.h"
#include "rex.h"

/**
 * rex_get_attach_cookie() - the cookie of the link that this run is for
 *
 * Context: any, called by a program.
 * Return: the cookie; 0 if there is none, or for a type that has none.
 */
u64 rex_get_attach_cookie(void)
{
	const struct rex_frame *frame = rex_current_frame();
	const struct bpf_perf_event_data_kern *data = frame->ctx;

	switch (frame->func->desc.prog_type) {
	case BPF_PROG_TYPE_PERF_EVENT:
		return data->event->bpf_cookie;
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
		/* Other kinds of attachment (to many functions) have another context. */
		if (frame->prog->expected_attach_type || !current->bpf_ctx)
			return 0;
		return container_of(current->bpf_ctx, struct bpf_trace_run_ctx,
				    run_ctx)->bpf_cookie;
	default:
		return 0;
	}
}
