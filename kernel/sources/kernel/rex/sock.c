// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets that a packet is for, held by a guard of the program.
 *
 * A lookup takes a reference, and puts it on record before it does. Listeners
 * and UDP sockets are not counted: RCU keeps them for as long as the program
 * runs, and their release does nothing. All work is done by the functions behind
 * eBPF's helpers.
 *
 * Packet programs run with soft interrupts off, in task or softirq context, so
 * the last put of a socket may happen wherever they end.
 */
#include <linux/bpf.h>
#include <linux/err.h>
#include <linux/init.h>
#include <net/sock.h>

#include "exports.h"
#include "helper.h"
#include "packet.h"

static struct {
	struct rex_packet_func lookup_any_tcp;
	struct rex_packet_func lookup_tcp;
	struct rex_packet_func lookup_udp;
	rex_bpf_func_t release;
} funcs __ro_after_init;

static struct sock *lookup(const struct rex_packet_func *how, void *ctx,
			   const struct bpf_sock_tuple *tuple, u32 tuple_len, u64 netns, u64 flags)
{
	rex_bpf_func_t func = rex_packet_func_of(how, ctx);
	struct rex_frame *frame = rex_current_frame();
	struct rex_resource *res;
	void *sk;

	if (!func)
		return NULL;
	res = rex_resource_claim(frame, REX_RESOURCE_SOCK);
	sk = (void *)func((u64)ctx, (u64)tuple, tuple_len, netns, flags);
	/* An error for a kernel that has no such lookup. */
	if (IS_ERR_OR_NULL(sk)) {
		rex_resource_unclaim(frame);
		return NULL;
	}
	res->ptr = sk;
	return sk;
}

/**
 * rex_sk_lookup_tcp() - the TCP socket for a packet
 * @ctx: of the program, XDP or tc
 * @tuple: addresses and ports, as the packet has them
 * @tuple_len: bytes of the member of @tuple that is filled in, which says which it is
 * @netns: id of a network namespace, or BPF_F_CURRENT_NETNS
 * @flags: 0
 *
 * Ends the program when its table of resources is full.
 *
 * Return: a full socket, or NULL.
 */
struct sock *rex_sk_lookup_tcp(void *ctx, const struct bpf_sock_tuple *tuple, u32 tuple_len,
			       u64 netns, u64 flags)
{
	return IN_HELPER(lookup(&funcs.lookup_tcp, ctx, tuple, tuple_len, netns, flags));
}

/* Likewise for UDP. */
struct sock *rex_sk_lookup_udp(void *ctx, const struct bpf_sock_tuple *tuple, u32 tuple_len,
			       u64 netns, u64 flags)
{
	return IN_HELPER(lookup(&funcs.lookup_udp, ctx, tuple, tuple_len, netns, flags));
}

/* Likewise for TCP, connections that are only beginning or have ended included. */
struct sock *rex_skc_lookup_tcp(void *ctx, const struct bpf_sock_tuple *tuple, u32 tuple_len,
				u64 netns, u64 flags)
{
	return IN_HELPER(lookup(&funcs.lookup_any_tcp, ctx, tuple, tuple_len, netns, flags));
}

/**
 * rex_sock_put() - drop a reference on a socket
 * @sk: referenced by a program
 *
 * Context: task or softirq.
 */
void rex_sock_put(struct sock *sk)
{
	funcs.release((u64)sk, 0, 0, 0, 0);
}

static void sk_release(struct sock *sk)
{
	struct rex_resource taken;

	if (rex_resource_take(rex_current_frame(), REX_RESOURCE_SOCK, sk, &taken))
		rex_sock_put(sk);
}

void rex_sk_release(struct sock *sk)
{
	IN_HELPER_VOID(sk_release(sk));
}

/**
 * rex_sk_read() - what there is to know of a socket
 * @sk: referenced by the program
 * @info: filled in; what is not common to all kinds of sockets is 0 for one
 *	  that is no full socket
 *
 * Return: 0.
 */
long rex_sk_read(const struct sock *sk, struct rex_sock_info *info)
{
	*info = (struct rex_sock_info) {
		.bound_dev_if = READ_ONCE(sk->sk_bound_dev_if),
		.family = sk->sk_family,
		.state = READ_ONCE(sk->sk_state),
		.src_ip4 = (__force u32)sk->sk_rcv_saddr,
		.dst_ip4 = (__force u32)sk->sk_daddr,
		.src_port = READ_ONCE(sk->sk_num),
		.dst_port = (__force u16)sk->sk_dport,
	};
#if IS_ENABLED(CONFIG_IPV6)
	memcpy(info->src_ip6, &sk->sk_v6_rcv_saddr, sizeof(info->src_ip6));
	memcpy(info->dst_ip6, &sk->sk_v6_daddr, sizeof(info->dst_ip6));
#endif
	if (!sk_fullsock(sk))
		return 0;
	info->type = sk->sk_type;
	info->protocol = sk->sk_protocol;
	info->mark = READ_ONCE(sk->sk_mark);
	info->priority = READ_ONCE(sk->sk_priority);
	return 0;
}

static int __init rex_sock_init(void)
{
	funcs.lookup_any_tcp = rex_packet_func_find(BPF_FUNC_skc_lookup_tcp);
	funcs.lookup_tcp = rex_packet_func_find(BPF_FUNC_sk_lookup_tcp);
	funcs.lookup_udp = rex_packet_func_find(BPF_FUNC_sk_lookup_udp);
	funcs.release = rex_bpf_func(&xdp_verifier_ops, BPF_FUNC_sk_release);
	return 0;
}
subsys_initcall(rex_sock_init);
