// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an XDP program may do with its packet.
 *
 * The rex crate makes a slice of the bytes that rex_xdp_view() names, and asks
 * again after each call that may move them. A program never sees fragments:
 * like an eBPF program that does not say it can handle them, it gets packets
 * whose beginning is all it sees.
 */
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/init.h>
#include <linux/netdevice.h>
#include <net/xdp.h>

#include "bpf_func.h"
#include "context.h"
#include "exports.h"
#include "helper.h"
#include "rex.h"

static struct {
	rex_bpf_func_t adjust_head;
	rex_bpf_func_t adjust_meta;
	rex_bpf_func_t adjust_tail;
	rex_bpf_func_t get_buff_len;
	rex_bpf_func_t load_bytes;
	rex_bpf_func_t redirect;
	rex_bpf_func_t redirect_map;
	rex_bpf_func_t store_bytes;
} funcs __ro_after_init;

static bool is_own(const struct xdp_buff *xdp)
{
	return rex_is_own_ctx(xdp, BPF_PROG_TYPE_XDP);
}

/* Only a devmap's program has a device that the packet is about to leave by. */
static u32 egress_ifindex(const struct xdp_buff *xdp)
{
	if (rex_current_frame()->prog->expected_attach_type != BPF_XDP_DEVMAP)
		return 0;
	return xdp->txq->dev->ifindex;
}

/**
 * rex_xdp_view() - where the packet is, and where it came from
 * @xdp: of the program
 * @view: filled in
 *
 * Return: 0, or -EINVAL for a context that is not the program's own.
 */
long rex_xdp_view(const struct xdp_buff *xdp, struct rex_xdp_view *view)
{
	if (!is_own(xdp))
		return -EINVAL;
	view->data = (u64)xdp->data;
	view->len = xdp->data_end - xdp->data;
	view->meta_len = xdp_data_meta_unsupported(xdp) ? 0 : xdp->data - xdp->data_meta;
	view->ingress_ifindex = xdp->rxq->dev->ifindex;
	view->rx_queue_index = xdp->rxq->queue_index;
	view->egress_ifindex = egress_ifindex(xdp);
	view->reserved = 0;
	return 0;
}

static long adjust(rex_bpf_func_t func, struct xdp_buff *xdp, s32 offset)
{
	if (!is_own(xdp))
		return -EINVAL;
	return IN_HELPER((long)func((u64)xdp, offset, 0, 0, 0));
}

/**
 * rex_xdp_adjust_head() - move the beginning of the packet
 * @xdp: of the program
 * @offset: bytes, negative to make room
 *
 * Return: 0, or -EINVAL: there is no such room, or too little would be left.
 */
long rex_xdp_adjust_head(struct xdp_buff *xdp, s32 offset)
{
	return adjust(funcs.adjust_head, xdp, offset);
}

/**
 * rex_xdp_adjust_meta() - move the beginning of the metadata
 * @xdp: of the program
 * @offset: bytes, negative to make room
 *
 * Return: 0, -EINVAL, -EACCES, or -ENOTSUPP: the driver has none.
 */
long rex_xdp_adjust_meta(struct xdp_buff *xdp, s32 offset)
{
	return adjust(funcs.adjust_meta, xdp, offset);
}

/**
 * rex_xdp_adjust_tail() - move the end of the packet
 * @xdp: of the program
 * @offset: bytes, positive to make room, which is zeroed
 *
 * Return: 0, or -EINVAL: there is no such room, or too little would be left.
 */
long rex_xdp_adjust_tail(struct xdp_buff *xdp, s32 offset)
{
	return adjust(funcs.adjust_tail, xdp, offset);
}

/**
 * rex_xdp_get_buff_len() - how long the packet is
 * @xdp: of the program
 *
 * Return: bytes, those that are not in sight included, or -EINVAL.
 */
long rex_xdp_get_buff_len(struct xdp_buff *xdp)
{
	if (!is_own(xdp))
		return -EINVAL;
	return IN_HELPER((long)funcs.get_buff_len((u64)xdp, 0, 0, 0, 0));
}

static long load_bytes(struct xdp_buff *xdp, u32 offset, void *to, u32 len)
{
	long err = funcs.load_bytes((u64)xdp, offset, (u64)to, len, 0);

	if (err)
		memset(to, 0, len);
	return err;
}

/**
 * rex_xdp_load_bytes() - copy bytes out of the packet
 * @xdp: of the program
 * @offset: from the beginning
 * @to: filled in, with zeroes on failure
 * @len: bytes
 *
 * Return: 0, -EINVAL or -EFAULT: the packet is shorter.
 */
long rex_xdp_load_bytes(struct xdp_buff *xdp, u32 offset, void *to, u32 len)
{
	if (!is_own(xdp))
		return -EINVAL;
	return IN_HELPER(load_bytes(xdp, offset, to, len));
}

/**
 * rex_xdp_store_bytes() - copy bytes into the packet
 * @xdp: of the program
 * @offset: from the beginning
 * @from: the bytes
 * @len: how many
 *
 * Return: 0, -EINVAL or -EFAULT: the packet is shorter.
 */
long rex_xdp_store_bytes(struct xdp_buff *xdp, u32 offset, const void *from, u32 len)
{
	if (!is_own(xdp))
		return -EINVAL;
	return IN_HELPER((long)funcs.store_bytes((u64)xdp, offset, (u64)from, len, 0));
}

/**
 * rex_xdp_redirect() - have the packet sent by another device
 * @ifindex: of that device
 * @flags: 0
 *
 * Return: what the program is to return: XDP_REDIRECT or XDP_ABORTED.
 */
long rex_xdp_redirect(u32 ifindex, u64 flags)
{
	if (rex_current_frame()->func->desc.prog_type != BPF_PROG_TYPE_XDP)
		return XDP_ABORTED;
	return IN_HELPER((long)funcs.redirect(ifindex, flags, 0, 0, 0));
}

/**
 * rex_xdp_redirect_map() - have the packet sent by a device of a map
 * @map: a devmap
 * @key: of the device
 * @flags: BPF_F_BROADCAST, BPF_F_EXCLUDE_INGRESS; the lowest two bits are what
 *	   to return when the map has no such key
 *
 * Return: what the program is to return: XDP_REDIRECT, or those bits, or
 * XDP_ABORTED.
 */
long rex_xdp_redirect_map(struct bpf_map *map, u64 key, u64 flags)
{
	if (rex_current_frame()->func->desc.prog_type != BPF_PROG_TYPE_XDP ||
	    !map->ops->map_redirect)
		return XDP_ABORTED;
	return IN_HELPER((long)funcs.redirect_map((u64)map, key, flags, 0, 0));
}

static int __init rex_xdp_init(void)
{
	const struct bpf_verifier_ops *ops = &xdp_verifier_ops;

	funcs.adjust_head = rex_bpf_func(ops, BPF_FUNC_xdp_adjust_head);
	funcs.adjust_meta = rex_bpf_func(ops, BPF_FUNC_xdp_adjust_meta);
	funcs.adjust_tail = rex_bpf_func(ops, BPF_FUNC_xdp_adjust_tail);
	funcs.get_buff_len = rex_bpf_func(ops, BPF_FUNC_xdp_get_buff_len);
	funcs.load_bytes = rex_bpf_func(ops, BPF_FUNC_xdp_load_bytes);
	funcs.redirect = rex_bpf_func(ops, BPF_FUNC_redirect);
	funcs.redirect_map = rex_bpf_func(ops, BPF_FUNC_redirect_map);
	funcs.store_bytes = rex_bpf_func(ops, BPF_FUNC_xdp_store_bytes);
	return 0;
}
subsys_initcall(rex_xdp_init);
