// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack ids and perf output.
 *
 * eBPF has a helper of its own for each type of program, because each finds the
 * registers somewhere else in its context. Most are static; the verifier's
 * tables know them all. The context is always the one that the running program
 * was called with, so a program doesn't pass it.
 */
#include <linux/bpf.h>
#include <linux/filter.h>

#include "exports.h"
#include "helper.h"
#include "rex.h"

static const struct bpf_verifier_ops *verifier_ops(enum bpf_prog_type type)
{
	switch (type) {
#ifdef CONFIG_BPF_EVENTS
	case BPF_PROG_TYPE_KPROBE:
		return &kprobe_verifier_ops;
	case BPF_PROG_TYPE_TRACEPOINT:
		return &tracepoint_verifier_ops;
	case BPF_PROG_TYPE_PERF_EVENT:
		return &perf_event_verifier_ops;
#endif
#ifdef CONFIG_NET
	case BPF_PROG_TYPE_SCHED_CLS:
		return &tc_cls_act_verifier_ops;
	case BPF_PROG_TYPE_XDP:
		return &xdp_verifier_ops;
#endif
	default:
		return NULL;
	}
}

/* eBPF's helper for programs like the one that runs in this frame, or NULL. */
static const struct bpf_func_proto *find_helper(const struct rex_frame *frame,
						enum bpf_func_id id)
{
	const struct bpf_verifier_ops *ops = verifier_ops(frame->prog->type);

	return ops ? ops->get_func_proto(id, frame->prog) : NULL;
}

static bool has_stack(enum bpf_prog_type type)
{
	return type == BPF_PROG_TYPE_KPROBE || type == BPF_PROG_TYPE_TRACEPOINT ||
	       type == BPF_PROG_TYPE_PERF_EVENT;
}

static long get_stackid(struct bpf_map *map, u64 flags)
{
	const struct rex_frame *frame = rex_current_frame();
	const struct bpf_func_proto *proto = NULL;

	if (has_stack(frame->prog->type))
		proto = find_helper(frame, BPF_FUNC_get_stackid);
	if (!proto)
		return -EOPNOTSUPP;
	return proto->func((u64)frame->ctx, (u64)map, flags, 0, 0);
}

/**
 * rex_get_stackid() - store the stack at the hook, or find it stored
 * @map: a stack trace map
 * @flags: of bpf_get_stackid()
 *
 * Return: the id of the stack, or -errno; -EOPNOTSUPP for a program that no
 * stack leads to.
 */
long rex_get_stackid(struct bpf_map *map, u64 flags)
{
	return IN_HELPER(get_stackid(map, flags));
}

static long perf_event_output(struct bpf_map *map, u64 flags, void *data, u64 size)
{
	const struct rex_frame *frame = rex_current_frame();
	const struct bpf_func_proto *proto = find_helper(frame, BPF_FUNC_perf_event_output);

	if (!proto)
		return -EOPNOTSUPP;
	return proto->func((u64)frame->ctx, (u64)map, flags, (u64)data, size);
}

/**
 * rex_perf_event_output() - write to a perf buffer
 * @map: a perf event array
 * @cpu: whose buffer, or BPF_F_CURRENT_CPU
 * @data: what to write
 * @size: bytes of it
 *
 * Return: 0 or -errno.
 */
long rex_perf_event_output(struct bpf_map *map, u32 cpu, void *data, u64 size)
{
	return IN_HELPER(perf_event_output(map, cpu, data, size));
}

/**
 * rex_packet_event_output() - the same, and the beginning of the packet
 * @map: a perf event array
 * @cpu: whose buffer, or BPF_F_CURRENT_CPU
 * @data: what to write in front of the packet
 * @size: bytes of it
 * @packet_len: bytes of the packet
 *
 * Return: 0, or -errno; -EFAULT: the packet is shorter; -EINVAL: the program has
 * no packet.
 */
long rex_packet_event_output(struct bpf_map *map, u32 cpu, void *data, u64 size, u32 packet_len)
{
	/* 20 bits of the flags are for the length. */
	if (packet_len > BPF_F_CTXLEN_MASK >> 32)
		return -EFAULT;
	return IN_HELPER(perf_event_output(map, (u64)packet_len << 32 | cpu, data, size));
}
