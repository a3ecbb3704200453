// SPDX-License-Identifier: GPL-2.0-only
//! Names of types, as bpftool writes them.

const PROGRAM_TYPES: &[&str] = &[
    "unspec",
    "socket_filter",
    "kprobe",
    "sched_cls",
    "sched_act",
    "tracepoint",
    "xdp",
    "perf_event",
    "cgroup_skb",
    "cgroup_sock",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sock_ops",
    "sk_skb",
    "cgroup_device",
    "sk_msg",
    "raw_tracepoint",
    "cgroup_sock_addr",
    "lwt_seg6local",
    "lirc_mode2",
    "sk_reuseport",
    "flow_dissector",
    "cgroup_sysctl",
    "raw_tracepoint_writable",
    "cgroup_sockopt",
    "tracing",
    "struct_ops",
    "ext",
    "lsm",
    "sk_lookup",
    "syscall",
    "netfilter",
];

const MAP_TYPES: &[&str] = &[
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
];

const LINK_TYPES: &[&str] = &[
    "unspec",
    "raw_tracepoint",
    "tracing",
    "cgroup",
    "iter",
    "netns",
    "xdp",
    "perf_event",
    "kprobe_multi",
    "struct_ops",
    "netfilter",
    "tcx",
    "uprobe_multi",
    "netkit",
    "sockmap",
];

fn name(table: &[&str], number: u32) -> String {
    match table.get(number as usize) {
        Some(name) => (*name).to_string(),
        None => format!("type_{number}"),
    }
}

/// Name of a value of enum bpf_prog_type.
pub fn program_type_name(number: u32) -> String {
    name(PROGRAM_TYPES, number)
}

/// The value of enum bpf_prog_type of that name.
pub(crate) fn program_type_number(name: &str) -> Option<u32> {
    let at = PROGRAM_TYPES.iter().position(|known| *known == name)?;
    u32::try_from(at).ok()
}

/// Name of a value of enum bpf_map_type.
pub fn map_type_name(number: u32) -> String {
    name(MAP_TYPES, number)
}

/// Name of a value of enum bpf_link_type.
pub fn link_type_name(number: u32) -> String {
    name(LINK_TYPES, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_unknown_numbers() {
        assert_eq!(program_type_name(2), "kprobe");
        assert_eq!(program_type_name(32), "netfilter");
        assert_eq!(program_type_number("kprobe"), Some(2));
        assert_eq!(program_type_number("type_2"), None);
        assert_eq!(map_type_name(27), "ringbuf");
        assert_eq!(link_type_name(7), "perf_event");
        assert_eq!(map_type_name(999), "type_999");
    }
}
