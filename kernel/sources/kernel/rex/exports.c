// SPDX-License-Identifier: GPL-2.0-only
/*
 * The allow-list: the loader resolves no other symbol. rex-abi has the same
 * list for the stub library and rex-verify; CI compares the two.
 */
#include <linux/bpf.h>
#include <linux/string.h>

#include "exports.h"
#include "rex.h"

#define EXPORT(symbol) { .name = #symbol, .addr = (unsigned long)(symbol) }
#define EXPORT_PREPARED(symbol, fn) \
	{ .name = #symbol, .addr = (unsigned long)(symbol), .prepare = (fn) }
/* Not called like a function: rex_measure() can't come between. */
#define EXPORT_DIRECT(symbol) \
	{ .name = #symbol, .addr = (unsigned long)(symbol), .direct = true }
#define EXPORT_IF_NOT(symbol, fn) \
	{ .name = #symbol, .addr = (unsigned long)(symbol), .refused = (fn) }

static const struct {
	const char *name;
	unsigned long addr;
	void (*prepare)(void);	/* run whenever an object imports it */
	const char *(*refused)(void);	/* why it can't be imported now, or NULL */
	bool direct;
} exports[] = {
	EXPORT(rex_check_mtu),
	EXPORT(rex_csum_diff),
	EXPORT(rex_current_task_read),
	EXPORT(rex_fib_lookup),
	EXPORT(rex_get_attach_cookie),
	EXPORT(rex_get_current_cgroup_id),
	EXPORT(rex_get_current_comm),
	EXPORT(rex_get_current_pid_tgid),
	EXPORT(rex_get_current_uid_gid),
	EXPORT(rex_get_numa_node_id),
	EXPORT_PREPARED(rex_get_prandom_u32, bpf_user_rnd_init_once),
	EXPORT(rex_get_smp_processor_id),
	EXPORT(rex_get_stackid),
	EXPORT(rex_jiffies64),
	EXPORT(rex_ktime_get_boot_ns),
	EXPORT(rex_ktime_get_coarse_ns),
	EXPORT(rex_ktime_get_ns),
	EXPORT(rex_map_delete_elem),
	EXPORT(rex_map_lock),
	EXPORT(rex_map_lookup_elem),
	EXPORT(rex_map_lookup_percpu_elem),
	EXPORT(rex_map_peek_elem),
	EXPORT(rex_map_pop_elem),
	EXPORT(rex_map_push_elem),
	EXPORT(rex_map_unlock),
	EXPORT(rex_map_update_elem),
	EXPORT(rex_override_return),
	EXPORT(rex_packet_event_output),
	EXPORT(rex_panic_begin),
	EXPORT(rex_panic_end),
	EXPORT(rex_perf_event_output),
	EXPORT(rex_perf_event_view),
	EXPORT(rex_perf_prog_read_value),
	EXPORT(rex_probe_read_kernel),
	EXPORT(rex_probe_read_kernel_str),
	EXPORT(rex_probe_read_user),
	EXPORT(rex_probe_read_user_str),
	EXPORT_IF_NOT(rex_probe_write_user, rex_probe_write_user_refused),
	EXPORT(rex_ringbuf_discard),
	EXPORT(rex_ringbuf_output),
	EXPORT(rex_ringbuf_query),
	EXPORT(rex_ringbuf_reserve),
	EXPORT(rex_ringbuf_submit),
	EXPORT(rex_sk_lookup_tcp),
	EXPORT(rex_sk_lookup_udp),
	EXPORT(rex_sk_read),
	EXPORT(rex_sk_release),
	EXPORT(rex_skb_adjust_room),
	EXPORT(rex_skb_ancestor_cgroup_id),
	EXPORT(rex_skb_cgroup_id),
	EXPORT(rex_skb_change_head),
	EXPORT(rex_skb_change_proto),
	EXPORT(rex_skb_change_tail),
	EXPORT(rex_skb_change_type),
	EXPORT(rex_skb_clone_redirect),
	EXPORT(rex_skb_csum_level),
	EXPORT(rex_skb_csum_update),
	EXPORT(rex_skb_get_hash),
	EXPORT(rex_skb_l3_csum_replace),
	EXPORT(rex_skb_l4_csum_replace),
	EXPORT(rex_skb_load_bytes),
	EXPORT(rex_skb_load_bytes_relative),
	EXPORT(rex_skb_pull_data),
	EXPORT(rex_skb_redirect),
	EXPORT(rex_skb_redirect_neigh),
	EXPORT(rex_skb_redirect_peer),
	EXPORT(rex_skb_set),
	EXPORT(rex_skb_set_hash),
	EXPORT(rex_skb_set_hash_invalid),
	EXPORT(rex_skb_store_bytes),
	EXPORT(rex_skb_unshare),
	EXPORT(rex_skb_view),
	EXPORT(rex_skb_vlan_pop),
	EXPORT(rex_skb_vlan_push),
	EXPORT(rex_skc_lookup_tcp),
	EXPORT(rex_snprintf),
	EXPORT_DIRECT(rex_stack_low),
	EXPORT(rex_task_from_pid),
	EXPORT(rex_task_pt_regs),
	EXPORT(rex_task_read),
	EXPORT(rex_task_release),
	EXPORT_PREPARED(rex_trace_print, rex_trace_print_prepare),
	EXPORT(rex_xdp_adjust_head),
	EXPORT(rex_xdp_adjust_meta),
	EXPORT(rex_xdp_adjust_tail),
	EXPORT(rex_xdp_get_buff_len),
	EXPORT(rex_xdp_load_bytes),
	EXPORT(rex_xdp_redirect),
	EXPORT(rex_xdp_redirect_map),
	EXPORT(rex_xdp_store_bytes),
	EXPORT(rex_xdp_view),
};

/**
 * rex_export_find() - the address behind an import
 * @name: NUL-terminated
 * @measured: set to its number, below rex_export_count(), or to -1 if no call of it
 *	is measured
 * @why_not: set to the reason for 0
 *
 * Context: process, may sleep.
 * Return: the address, or 0 for a name that is not on the list, or not now.
 */
unsigned long rex_export_find(const char *name, int *measured, const char **why_not)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(exports); i++) {
		if (strcmp(exports[i].name, name))
			continue;
		*why_not = exports[i].refused ? exports[i].refused() : NULL;
		if (*why_not)
			return 0;
		if (exports[i].prepare)
			exports[i].prepare();
		*measured = exports[i].direct ? -1 : i;
		return exports[i].addr;
	}
	*why_not = "not on the list of what a program may use";
	return 0;
}

/**
 * rex_export_count() - how many imports there are to choose from
 *
 * Return: their number.
 */
unsigned int rex_export_count(void)
{
	return ARRAY_SIZE(exports);
}
