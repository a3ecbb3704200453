// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the network stack would send a packet.
 *
 * The program fills in what it knows of the packet and gets the answer in the
 * same struct, which is plain data: the rex crate has its own picture of it,
 * compared with the kernel's when it is built.
 */
#include <linux/bpf.h>
#include <linux/init.h>

#include "exports.h"
#include "helper.h"
#include "packet.h"

static struct {
	struct rex_packet_func check_mtu;
	struct rex_packet_func fib_lookup;
} funcs __ro_after_init;

/**
 * rex_fib_lookup() - ask the routing table and the neighbours
 * @ctx: of the program, XDP or tc
 * @params: the question, and then the answer
 * @flags: BPF_FIB_LOOKUP_*
 *
 * Return: BPF_FIB_LKUP_RET_*, or -EINVAL, -ENODEV, -EAFNOSUPPORT.
 */
long rex_fib_lookup(void *ctx, struct bpf_fib_lookup *params, u32 flags)
{
	rex_bpf_func_t func = rex_packet_func_of(&funcs.fib_lookup, ctx);

	if (!func)
		return -EINVAL;
	return IN_HELPER((long)func((u64)ctx, (u64)params, sizeof(*params), flags, 0));
}

/**
 * rex_check_mtu() - does a packet fit through a device?
 * @ctx: of the program, XDP or tc
 * @ifindex: of the device; 0 for the one that the packet is at
 * @mtu: bytes of the IP packet, 0 for this packet's; then the device's MTU
 * @len_diff: what the program is about to add
 * @flags: 0; BPF_MTU_CHK_SEGS in tc
 *
 * Return: BPF_MTU_CHK_RET_*, or -EINVAL, -ENODEV.
 */
long rex_check_mtu(void *ctx, u32 ifindex, u32 *mtu, s32 len_diff, u64 flags)
{
	rex_bpf_func_t func = rex_packet_func_of(&funcs.check_mtu, ctx);

	if (!func)
		return -EINVAL;
	return IN_HELPER((long)func((u64)ctx, ifindex, (u64)mtu, len_diff, flags));
}

static int __init rex_route_init(void)
{
	funcs.check_mtu = rex_packet_func_find(BPF_FUNC_check_mtu);
	funcs.fib_lookup = rex_packet_func_find(BPF_FUNC_fib_lookup);
	return 0;
}
subsys_initcall(rex_route_init);
