// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel knows of a tc program's packet besides its bytes, to be
 * changed. None of this moves the packet. rex_skb_view() reads.
 */
#include <linux/bpf.h>
#include <linux/err.h>
#include <linux/filter.h>
#include <linux/init.h>
#include <linux/skbuff.h>
#include <net/sch_generic.h>
#include <net/sock.h>

#include "bpf_func.h"
#include "context.h"
#include "exports.h"
#include "helper.h"
#include "rex.h"

static struct {
	rex_bpf_func_t ancestor_cgroup_id;
	rex_bpf_func_t cgroup_id;
	rex_bpf_func_t change_type;
	rex_bpf_func_t get_hash_recalc;
	rex_bpf_func_t set_hash;
	rex_bpf_func_t set_hash_invalid;
} funcs __ro_after_init;

static bool is_own(const struct sk_buff *skb)
{
	return rex_is_own_ctx(skb, BPF_PROG_TYPE_SCHED_CLS);
}

static long call(rex_bpf_func_t func, const struct sk_buff *skb, u64 r2)
{
	if (!is_own(skb))
		return -EINVAL;
	return IN_HELPER((long)func((u64)skb, r2, 0, 0, 0));
}

static long set_cb(struct sk_buff *skb, u32 i, u32 value)
{
	u32 *words = (u32 *)qdisc_skb_cb(skb)->data;

	if (i >= QDISC_CB_PRIV_LEN / sizeof(*words))
		return -EINVAL;
	words[i] = value;
	return 0;
}

/**
 * rex_skb_set() - set a field that tc programs may write to
 * @skb: of the program
 * @field: enum rex_skb_field
 * @value: cut off to the size of the field
 *
 * Return: 0, or -EINVAL: no such field, or a queue that none can be.
 */
long rex_skb_set(struct sk_buff *skb, u32 field, u32 value)
{
	if (!is_own(skb))
		return -EINVAL;
	switch (field) {
	case REX_SKB_MARK:
		skb->mark = value;
		return 0;
	case REX_SKB_PRIORITY:
		skb->priority = value;
		return 0;
	case REX_SKB_TC_INDEX:
		skb->tc_index = value;
		return 0;
	case REX_SKB_TC_CLASSID:
		qdisc_skb_cb(skb)->tc_classid = value;
		return 0;
	case REX_SKB_QUEUE_MAPPING:
		/* One less than this is what the field can hold. */
		if (value >= NO_QUEUE_MAPPING)
			return -EINVAL;
		skb_set_queue_mapping(skb, value);
		return 0;
	default:
		return field < REX_SKB_CB ? -EINVAL : set_cb(skb, field - REX_SKB_CB, value);
	}
}

/**
 * rex_skb_change_type() - say whom the packet is for
 * @skb: of the program
 * @type: PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST or PACKET_OTHERHOST
 *
 * Return: 0, or -EINVAL: it is or would be of another type than those.
 */
long rex_skb_change_type(struct sk_buff *skb, u32 type)
{
	return call(funcs.change_type, skb, type);
}

/**
 * rex_skb_get_hash() - the hash of the packet's flow, computed if need be
 * @skb: of the program
 *
 * Return: the hash.
 */
u32 rex_skb_get_hash(struct sk_buff *skb)
{
	return call(funcs.get_hash_recalc, skb, 0);
}

/**
 * rex_skb_set_hash() - set the hash of the packet's flow
 * @skb: of the program
 * @hash: what rex_skb_get_hash() is to give
 *
 * Return: 0, or -EINVAL.
 */
long rex_skb_set_hash(struct sk_buff *skb, u32 hash)
{
	return call(funcs.set_hash, skb, hash);
}

/**
 * rex_skb_set_hash_invalid() - have the hash computed anew when it is asked for
 * @skb: of the program
 *
 * Return: 0, or -EINVAL.
 */
long rex_skb_set_hash_invalid(struct sk_buff *skb)
{
	return call(funcs.set_hash_invalid, skb, 0);
}

/* An id, or 0 for an error: no group has that. */
static u64 id_of(long answer)
{
	return IS_ERR_VALUE(answer) ? 0 : answer;
}

/**
 * rex_skb_cgroup_id() - the control group (version 2) of the packet's socket
 * @skb: of the program
 *
 * Return: its id, or 0: the packet comes from no socket of this machine, or the
 * kernel has no control groups.
 */
u64 rex_skb_cgroup_id(const struct sk_buff *skb)
{
	return id_of(call(funcs.cgroup_id, skb, 0));
}

/**
 * rex_skb_ancestor_cgroup_id() - a group that contains it
 * @skb: of the program
 * @level: 0 for the root
 *
 * Return: its id, or 0, also when the socket's group is not so deep.
 */
u64 rex_skb_ancestor_cgroup_id(const struct sk_buff *skb, s32 level)
{
	return id_of(call(funcs.ancestor_cgroup_id, skb, level));
}

static int __init rex_skb_fields_init(void)
{
	const struct bpf_verifier_ops *ops = &tc_cls_act_verifier_ops;

	funcs.ancestor_cgroup_id = rex_bpf_func(ops, BPF_FUNC_skb_ancestor_cgroup_id);
	funcs.cgroup_id = rex_bpf_func(ops, BPF_FUNC_skb_cgroup_id);
	funcs.change_type = rex_bpf_func(ops, BPF_FUNC_skb_change_type);
	funcs.get_hash_recalc = rex_bpf_func(ops, BPF_FUNC_get_hash_recalc);
	funcs.set_hash = rex_bpf_func(ops, BPF_FUNC_set_hash);
	funcs.set_hash_invalid = rex_bpf_func(ops, BPF_FUNC_set_hash_invalid);
	return 0;
}
subsys_initcall(rex_skb_fields_init);
