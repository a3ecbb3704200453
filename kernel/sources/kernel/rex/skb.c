// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a tc program may do with its packet.
 *
 * The rex crate makes a slice of the linear part, which rex_skb_view() names,
 * and asks again after each call that may move it. Others may hold clones of
 * the packet and read the same bytes: before the crate makes a slice that can
 * be written to, it calls rex_skb_unshare(), as the verifier does at the start
 * of an eBPF program that writes.
 */
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/pkt_cls.h>
#include <linux/skbuff.h>
#include <net/busy_poll.h>
#include <net/sch_generic.h>

#include "bpf_func.h"
#include "context.h"
#include "exports.h"
#include "helper.h"
#include "rex.h"

static struct {
	rex_bpf_func_t adjust_room;
	rex_bpf_func_t change_head;
	rex_bpf_func_t change_proto;
	rex_bpf_func_t change_tail;
	rex_bpf_func_t clone_redirect;
	rex_bpf_func_t load_bytes;
	rex_bpf_func_t load_bytes_relative;
	rex_bpf_func_t pull_data;
	rex_bpf_func_t redirect;
	rex_bpf_func_t redirect_neigh;
	rex_bpf_func_t redirect_peer;
	rex_bpf_func_t store_bytes;
	rex_bpf_func_t vlan_pop;
	rex_bpf_func_t vlan_push;
} funcs __ro_after_init;

static bool is_own(const struct sk_buff *skb)
{
	return rex_is_own_ctx(skb, BPF_PROG_TYPE_SCHED_CLS);
}

static long call(rex_bpf_func_t func, const struct sk_buff *skb, u64 r2, u64 r3, u64 r4, u64 r5)
{
	if (!is_own(skb))
		return -EINVAL;
	return IN_HELPER((long)func((u64)skb, r2, r3, r4, r5));
}

/**
 * rex_skb_view() - where the packet is, and what the kernel knows of it
 * @skb: of the program
 * @view: filled in
 *
 * Return: 0, or -EINVAL for a context that is not the program's own.
 */
long rex_skb_view(const struct sk_buff *skb, struct rex_skb_view *view)
{
	if (!is_own(skb))
		return -EINVAL;
	*view = (struct rex_skb_view) {
		.data = (u64)skb->data,
		.linear_len = skb_headlen(skb),
		.meta_len = skb_metadata_len(skb),
		.len = skb->len,
		.data_len = skb->data_len,
		.pkt_type = skb->pkt_type,
		.mark = skb->mark,
		.queue_mapping = skb->queue_mapping,
		.protocol = (__force u16)skb->protocol,
		.vlan_present = skb_vlan_tag_present(skb),
		.vlan_tci = skb_vlan_tag_get(skb),
		.vlan_proto = (__force u16)skb->vlan_proto,
		.priority = skb->priority,
		.ingress_ifindex = skb->skb_iif,
		.ifindex = skb->dev->ifindex,
		.tc_index = skb->tc_index,
		.tc_classid = qdisc_skb_cb(skb)->tc_classid,
		.hash = skb->hash,
#ifdef CONFIG_NET_RX_BUSY_POLL
		.napi_id = skb->napi_id >= MIN_NAPI_ID ? skb->napi_id : 0,
#endif
	};
	BUILD_BUG_ON(sizeof(view->cb) != QDISC_CB_PRIV_LEN);
	memcpy(view->cb, qdisc_skb_cb(skb)->data, sizeof(view->cb));
	return 0;
}

/**
 * rex_skb_unshare() - make the linear part the packet's own
 * @skb: of the program
 *
 * Return: 0, or -ENOMEM.
 */
long rex_skb_unshare(struct sk_buff *skb)
{
	return call(funcs.pull_data, skb, 0, 0, 0, 0);
}

/**
 * rex_skb_pull_data() - make the first bytes of the packet linear
 * @skb: of the program
 * @len: how many; 0 for all that are linear already
 *
 * Return: 0, or -ENOMEM: the packet is shorter, or there is no memory.
 */
long rex_skb_pull_data(struct sk_buff *skb, u32 len)
{
	return call(funcs.pull_data, skb, len, 0, 0, 0);
}

/**
 * rex_skb_load_bytes() - copy bytes out of the packet, linear or not
 * @skb: of the program
 * @offset: from the Ethernet header
 * @to: filled in, with zeroes on failure
 * @len: bytes
 *
 * Return: 0, or -EFAULT: the packet is shorter.
 */
long rex_skb_load_bytes(const struct sk_buff *skb, u32 offset, void *to, u32 len)
{
	return call(funcs.load_bytes, skb, offset, (u64)to, len, 0);
}

/**
 * rex_skb_load_bytes_relative() - copy bytes out of the linear part
 * @skb: of the program
 * @offset: from the header that @start says, at most 65535
 * @to: filled in, with zeroes on failure
 * @len: bytes
 * @start: BPF_HDR_START_MAC or BPF_HDR_START_NET
 *
 * Return: 0, or -EFAULT: the linear part is shorter, or there is no such header.
 */
long rex_skb_load_bytes_relative(const struct sk_buff *skb, u32 offset, void *to, u32 len,
				 u32 start)
{
	return call(funcs.load_bytes_relative, skb, offset, (u64)to, len, start);
}

/**
 * rex_skb_store_bytes() - copy bytes into the packet, linear or not
 * @skb: of the program
 * @offset: from the Ethernet header
 * @from: the bytes
 * @len: how many
 * @flags: BPF_F_RECOMPUTE_CSUM, BPF_F_INVALIDATE_HASH
 *
 * Return: 0, -EINVAL, or -EFAULT: the packet is shorter.
 */
long rex_skb_store_bytes(struct sk_buff *skb, u32 offset, const void *from, u32 len, u64 flags)
{
	return call(funcs.store_bytes, skb, offset, (u64)from, len, flags);
}

/**
 * rex_skb_change_tail() - change the length of the packet
 * @skb: of the program
 * @len: the new one; new bytes are zeroes
 * @flags: 0
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
long rex_skb_change_tail(struct sk_buff *skb, u32 len, u64 flags)
{
	return call(funcs.change_tail, skb, len, flags, 0, 0);
}

/**
 * rex_skb_change_head() - make room in front of the packet
 * @skb: of the program
 * @len: bytes, which are zeroes
 * @flags: 0
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
long rex_skb_change_head(struct sk_buff *skb, u32 len, u64 flags)
{
	return call(funcs.change_head, skb, len, flags, 0, 0);
}

/**
 * rex_skb_change_proto() - make an IPv6 packet of one of IPv4, or the reverse
 * @skb: of the program
 * @proto: the new protocol, big-endian
 * @flags: 0
 *
 * Makes or takes the room; the new header is the program's business.
 *
 * Return: 0, -EINVAL, -ENOTSUPP, or -ENOMEM.
 */
long rex_skb_change_proto(struct sk_buff *skb, u16 proto, u64 flags)
{
	return call(funcs.change_proto, skb, proto, flags, 0, 0);
}

/**
 * rex_skb_adjust_room() - make or take room behind the Ethernet or IP header
 * @skb: of the program
 * @len_diff: bytes; negative to take
 * @mode: BPF_ADJ_ROOM_MAC or BPF_ADJ_ROOM_NET
 * @flags: BPF_F_ADJ_ROOM_*
 *
 * Return: 0, -EINVAL, -EFAULT, -ENOTSUPP, or -ENOMEM.
 */
long rex_skb_adjust_room(struct sk_buff *skb, s32 len_diff, u32 mode, u64 flags)
{
	return call(funcs.adjust_room, skb, len_diff, mode, flags, 0);
}

/**
 * rex_skb_vlan_push() - give the packet a VLAN tag
 * @skb: of the program
 * @proto: of the tag, big-endian
 * @tci: the tag
 *
 * A tag that it has goes into the data.
 *
 * Return: 0 or -errno.
 */
long rex_skb_vlan_push(struct sk_buff *skb, u16 proto, u16 tci)
{
	return call(funcs.vlan_push, skb, proto, tci, 0, 0);
}

/**
 * rex_skb_vlan_pop() - take the outermost VLAN tag off
 * @skb: of the program
 *
 * Return: 0, also if there is none, or -errno.
 */
long rex_skb_vlan_pop(struct sk_buff *skb)
{
	return call(funcs.vlan_pop, skb, 0, 0, 0, 0);
}

/**
 * rex_skb_clone_redirect() - send a copy of the packet by another device
 * @skb: of the program
 * @ifindex: of that device
 * @flags: BPF_F_INGRESS to have it received there instead
 *
 * Sending takes the locks of a queue and lets soft interrupts in. A program that
 * holds a spin lock must do neither: others may wait for it below such a lock.
 *
 * Return: 0 or more, or -errno; -EDEADLK while interrupts are off.
 */
long rex_skb_clone_redirect(struct sk_buff *skb, u32 ifindex, u64 flags)
{
	if (irqs_disabled())
		return -EDEADLK;
	return call(funcs.clone_redirect, skb, ifindex, flags, 0, 0);
}

/* A redirection is noted for when the program has returned. */
static long redirect(rex_bpf_func_t func, u32 ifindex, u64 r2, u64 r3, u64 r4)
{
	if (rex_current_frame()->func->desc.prog_type != BPF_PROG_TYPE_SCHED_CLS)
		return TC_ACT_SHOT;
	return IN_HELPER((long)func(ifindex, r2, r3, r4, 0));
}

/**
 * rex_skb_redirect() - have the packet sent by another device
 * @ifindex: of that device
 * @flags: BPF_F_INGRESS to have it received there instead
 *
 * Return: what the program is to return: TC_ACT_REDIRECT or TC_ACT_SHOT.
 */
long rex_skb_redirect(u32 ifindex, u64 flags)
{
	return redirect(funcs.redirect, ifindex, flags, 0, 0);
}

/**
 * rex_skb_redirect_neigh() - likewise, with addresses from the neighbour table
 * @ifindex: of that device
 * @next_hop: whose address, or NULL: what the routing table says
 * @flags: 0
 *
 * Return: what the program is to return: TC_ACT_REDIRECT or TC_ACT_SHOT.
 */
long rex_skb_redirect_neigh(u32 ifindex, const struct bpf_redir_neigh *next_hop, u64 flags)
{
	u32 len = next_hop ? sizeof(*next_hop) : 0;

	return redirect(funcs.redirect_neigh, ifindex, (u64)next_hop, len, flags);
}

/**
 * rex_skb_redirect_peer() - have the packet received by a device's other end
 * @ifindex: of the device, whose other end is in another network namespace
 * @flags: 0
 *
 * Return: what the program is to return: TC_ACT_REDIRECT or TC_ACT_SHOT.
 */
long rex_skb_redirect_peer(u32 ifindex, u64 flags)
{
	return redirect(funcs.redirect_peer, ifindex, flags, 0, 0);
}

static int __init rex_skb_init(void)
{
	const struct bpf_verifier_ops *ops = &tc_cls_act_verifier_ops;

	funcs.adjust_room = rex_bpf_func(ops, BPF_FUNC_skb_adjust_room);
	funcs.change_head = rex_bpf_func(ops, BPF_FUNC_skb_change_head);
	funcs.change_proto = rex_bpf_func(ops, BPF_FUNC_skb_change_proto);
	funcs.change_tail = rex_bpf_func(ops, BPF_FUNC_skb_change_tail);
	funcs.clone_redirect = rex_bpf_func(ops, BPF_FUNC_clone_redirect);
	funcs.load_bytes = rex_bpf_func(ops, BPF_FUNC_skb_load_bytes);
	funcs.load_bytes_relative = rex_bpf_func(ops, BPF_FUNC_skb_load_bytes_relative);
	funcs.pull_data = rex_bpf_func(ops, BPF_FUNC_skb_pull_data);
	funcs.redirect = rex_bpf_func(ops, BPF_FUNC_redirect);
	funcs.redirect_neigh = rex_bpf_func(ops, BPF_FUNC_redirect_neigh);
	funcs.redirect_peer = rex_bpf_func(ops, BPF_FUNC_redirect_peer);
	funcs.store_bytes = rex_bpf_func(ops, BPF_FUNC_skb_store_bytes);
	funcs.vlan_pop = rex_bpf_func(ops, BPF_FUNC_skb_vlan_pop);
	funcs.vlan_push = rex_bpf_func(ops, BPF_FUNC_skb_vlan_push);
	return 0;
}
subsys_initcall(rex_skb_init);
