// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checksums of packets.
 *
 * A program that changes a packet brings the checksums in its headers up to
 * date, and where the hardware has computed one over the whole packet, that one
 * too.
 */
#include <linux/bpf.h>
#include <linux/init.h>
#include <linux/skbuff.h>

#include "exports.h"
#include "helper.h"
#include "packet.h"

static struct {
	struct rex_packet_func diff;
	rex_bpf_func_t l3_replace;
	rex_bpf_func_t l4_replace;
	rex_bpf_func_t level;
	rex_bpf_func_t update;
} funcs __ro_after_init;

/**
 * rex_csum_diff() - what a change of bytes does to a checksum
 * @ctx: of the program, XDP or tc
 * @from: what was there
 * @from_len: bytes of it
 * @to: what is there now
 * @to_len: bytes of it; at most 512 in all, both multiples of 4
 * @seed: the sum so far
 *
 * Return: the new sum, 32 bits that are yet to be folded, or -EINVAL.
 */
long rex_csum_diff(const void *ctx, const void *from, u32 from_len, const void *to, u32 to_len,
		   u32 seed)
{
	rex_bpf_func_t func = rex_packet_func_of(&funcs.diff, ctx);

	if (!func)
		return -EINVAL;
	return IN_HELPER((long)func((u64)from, from_len, (u64)to, to_len, seed));
}

static long call(rex_bpf_func_t func, struct sk_buff *skb, u64 r2, u64 r3, u64 r4, u64 r5)
{
	if (!rex_is_own_ctx(skb, BPF_PROG_TYPE_SCHED_CLS))
		return -EINVAL;
	return IN_HELPER((long)func((u64)skb, r2, r3, r4, r5));
}

/**
 * rex_skb_csum_update() - add to the checksum that the hardware computed
 * @skb: of the program
 * @csum: what to add
 *
 * Return: the new sum, 32 bits, or -ENOTSUPP: it computed none.
 */
long rex_skb_csum_update(struct sk_buff *skb, u32 csum)
{
	return call(funcs.update, skb, csum, 0, 0, 0);
}

/**
 * rex_skb_csum_level() - how many checksums the hardware has found right
 * @skb: of the program
 * @level: BPF_CSUM_LEVEL_*
 *
 * Return: for BPF_CSUM_LEVEL_QUERY their number less one, or -EACCES for none;
 * else 0 or -EINVAL.
 */
long rex_skb_csum_level(struct sk_buff *skb, u64 level)
{
	return call(funcs.level, skb, level, 0, 0, 0);
}

/**
 * rex_skb_l3_csum_replace() - bring the checksum of an IP header up to date
 * @skb: of the program
 * @offset: of the checksum, from the Ethernet header
 * @from: what was changed
 * @to: what it was changed to
 * @flags: size of both in bytes: 0, 2 or 4
 *
 * Return: 0, -EINVAL, or -EFAULT.
 */
long rex_skb_l3_csum_replace(struct sk_buff *skb, u32 offset, u64 from, u64 to, u64 flags)
{
	return call(funcs.l3_replace, skb, offset, from, to, flags);
}

/**
 * rex_skb_l4_csum_replace() - bring the checksum of TCP or UDP up to date
 * @skb: of the program
 * @offset: of the checksum, from the Ethernet header
 * @from: what was changed
 * @to: what it was changed to
 * @flags: size of both in bytes: 0, 2 or 4; BPF_F_PSEUDO_HDR and the like
 *
 * Return: 0, -EINVAL, or -EFAULT.
 */
long rex_skb_l4_csum_replace(struct sk_buff *skb, u32 offset, u64 from, u64 to, u64 flags)
{
	return call(funcs.l4_replace, skb, offset, from, to, flags);
}

static int __init rex_csum_init(void)
{
	const struct bpf_verifier_ops *ops = &tc_cls_act_verifier_ops;

	funcs.diff = rex_packet_func_find(BPF_FUNC_csum_diff);
	funcs.l3_replace = rex_bpf_func(ops, BPF_FUNC_l3_csum_replace);
	funcs.l4_replace = rex_bpf_func(ops, BPF_FUNC_l4_csum_replace);
	funcs.level = rex_bpf_func(ops, BPF_FUNC_csum_level);
	funcs.update = rex_bpf_func(ops, BPF_FUNC_csum_update);
	return 0;
}
subsys_initcall(rex_csum_init);
