/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For helpers that XDP and tc programs both have: eBPF has one for each, because
 * a packet is an xdp_buff to one and an sk_buff to the other.
 */
#ifndef _KERNEL_REX_PACKET_H
#define _KERNEL_REX_PACKET_H

#include <linux/filter.h>
#include <linux/init.h>

#include "bpf_func.h"
#include "context.h"

struct rex_packet_func {
	rex_bpf_func_t xdp;
	rex_bpf_func_t skb;
};

/**
 * rex_packet_func_find() - look a helper up, when the kernel starts
 * @id: BPF_FUNC_*, in the tables of both program types
 *
 * Return: both of its versions.
 */
static inline struct rex_packet_func __init rex_packet_func_find(enum bpf_func_id id)
{
	return (struct rex_packet_func) {
		.xdp = rex_bpf_func(&xdp_verifier_ops, id),
		.skb = rex_bpf_func(&tc_cls_act_verifier_ops, id),
	};
}

/**
 * rex_packet_func_of() - the version for the running program
 * @func: both
 * @ctx: what the program passed as its context
 *
 * Context: any, called by a program.
 * Return: the helper, or NULL if that is not the context of the running
 * program, or not a packet.
 */
static inline rex_bpf_func_t rex_packet_func_of(const struct rex_packet_func *func,
						const void *ctx)
{
	if (rex_is_own_ctx(ctx, BPF_PROG_TYPE_XDP))
		return func->xdp;
	if (rex_is_own_ctx(ctx, BPF_PROG_TYPE_SCHED_CLS))
		return func->skb;
	return NULL;
}

#endif /* _KERNEL_REX_PACKET_H */
