// SPDX-License-Identifier: GPL-2.0-only
//! The import allow-list.

/// Every kernel function that an object may import, in alphabetical order.
///
/// The linker's stub library is made from this list, `rex-verify` refuses any
/// other import, and the kernel resolves only these.
pub const IMPORTS: &[&str] = &[
    "rex_check_mtu",
    "rex_csum_diff",
    "rex_current_task_read",
    "rex_fib_lookup",
    "rex_get_attach_cookie",
    "rex_get_current_cgroup_id",
    "rex_get_current_comm",
    "rex_get_current_pid_tgid",
    "rex_get_current_uid_gid",
    "rex_get_numa_node_id",
    "rex_get_prandom_u32",
    "rex_get_smp_processor_id",
    "rex_get_stackid",
    "rex_jiffies64",
    "rex_ktime_get_boot_ns",
    "rex_ktime_get_coarse_ns",
    "rex_ktime_get_ns",
    "rex_map_delete_elem",
    "rex_map_lock",
    "rex_map_lookup_elem",
    "rex_map_lookup_percpu_elem",
    "rex_map_peek_elem",
    "rex_map_pop_elem",
    "rex_map_push_elem",
    "rex_map_unlock",
    "rex_map_update_elem",
    "rex_override_return",
    "rex_packet_event_output",
    "rex_panic_begin",
    "rex_panic_end",
    "rex_perf_event_output",
    "rex_perf_event_view",
    "rex_perf_prog_read_value",
    "rex_probe_read_kernel",
    "rex_probe_read_kernel_str",
    "rex_probe_read_user",
    "rex_probe_read_user_str",
    "rex_probe_write_user",
    "rex_ringbuf_discard",
    "rex_ringbuf_output",
    "rex_ringbuf_query",
    "rex_ringbuf_reserve",
    "rex_ringbuf_submit",
    "rex_sk_lookup_tcp",
    "rex_sk_lookup_udp",
    "rex_sk_read",
    "rex_sk_release",
    "rex_skb_adjust_room",
    "rex_skb_ancestor_cgroup_id",
    "rex_skb_cgroup_id",
    "rex_skb_change_head",
    "rex_skb_change_proto",
    "rex_skb_change_tail",
    "rex_skb_change_type",
    "rex_skb_clone_redirect",
    "rex_skb_csum_level",
    "rex_skb_csum_update",
    "rex_skb_get_hash",
    "rex_skb_l3_csum_replace",
    "rex_skb_l4_csum_replace",
    "rex_skb_load_bytes",
    "rex_skb_load_bytes_relative",
    "rex_skb_pull_data",
    "rex_skb_redirect",
    "rex_skb_redirect_neigh",
    "rex_skb_redirect_peer",
    "rex_skb_set",
    "rex_skb_set_hash",
    "rex_skb_set_hash_invalid",
    "rex_skb_store_bytes",
    "rex_skb_unshare",
    "rex_skb_view",
    "rex_skb_vlan_pop",
    "rex_skb_vlan_push",
    "rex_skc_lookup_tcp",
    "rex_snprintf",
    "rex_stack_low",
    "rex_task_from_pid",
    "rex_task_pt_regs",
    "rex_task_read",
    "rex_task_release",
    "rex_trace_print",
    "rex_xdp_adjust_head",
    "rex_xdp_adjust_meta",
    "rex_xdp_adjust_tail",
    "rex_xdp_get_buff_len",
    "rex_xdp_load_bytes",
    "rex_xdp_redirect",
    "rex_xdp_redirect_map",
    "rex_xdp_store_bytes",
    "rex_xdp_view",
];

/// Whether an object may import `name`.
pub fn is_import(name: &str) -> bool {
    IMPORTS.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_sorted_so_that_they_can_be_searched() {
        assert!(IMPORTS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn only_listed_names_are_imports() {
        assert!(IMPORTS.iter().all(|name| is_import(name)));
        assert!(!is_import("memcpy"));
        assert!(!is_import("rex_"));
        assert!(!is_import("_printk"));
    }
}
