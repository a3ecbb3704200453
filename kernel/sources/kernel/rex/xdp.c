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
	rex_bpf_func_t redirect;
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

static int __init rex_xdp_init(void)
{
	const struct bpf_verifier_ops *ops = &xdp_verifier_ops;

	funcs.adjust_head = rex_bpf_func(ops, BPF_FUNC_xdp_adjust_head);
	funcs.adjust_meta = rex_bpf_func(ops, BPF_FUNC_xdp_adjust_meta);
	funcs.adjust_tail = rex_bpf_func(ops, BPF_FUNC_xdp_adjust_tail);
	funcs.redirect = rex_bpf_func(ops, BPF_FUNC_redirect);
	return 0;
}
subsys_initcall(rex_xdp_init);
