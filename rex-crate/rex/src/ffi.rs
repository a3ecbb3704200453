// SPDX-License-Identifier: GPL-2.0-only
//! The kernel functions that an object may import. `rex_abi::IMPORTS` lists
//! the same names; an import that is not listed doesn't link.

use core::ffi::c_void;

use rex_abi::{rex_perf_event_view, rex_skb_view, rex_sock_info, rex_task_info, rex_xdp_view};

use crate::linux::bpf::bpf_perf_event_value;
use crate::linux::ptrace::pt_regs;
use crate::pt_regs::PtRegs;

unsafe extern "C" {
    /// Address of the value for the key, or null.
    pub fn rex_map_lookup_elem(map: *mut c_void, key: *const c_void) -> *mut c_void;
    /// 0 or -errno.
    pub fn rex_map_update_elem(
        map: *mut c_void,
        key: *const c_void,
        value: *const c_void,
        flags: u64,
    ) -> i64;
    /// Address of the value that the key has for a CPU, or null.
    pub fn rex_map_lookup_percpu_elem(
        map: *mut c_void,
        key: *const c_void,
        cpu: u32,
    ) -> *mut c_void;
    /// 0 or -errno.
    pub fn rex_map_push_elem(map: *mut c_void, value: *const c_void, flags: u64) -> i64;
    /// 0 or -errno; the value is written on success.
    pub fn rex_map_pop_elem(map: *mut c_void, value: *mut c_void) -> i64;
    /// 0 or -errno; the value is written on success.
    pub fn rex_map_peek_elem(map: *mut c_void, value: *mut c_void) -> i64;
    /// Id of a stack, or -errno.
    pub fn rex_get_stackid(map: *mut c_void, flags: u64) -> i64;
    /// 0 or -errno.
    pub fn rex_perf_event_output(
        map: *mut c_void,
        cpu: u32,
        data: *const c_void,
        size: usize,
    ) -> i64;
    /// 0 or -errno.
    pub fn rex_packet_event_output(
        map: *mut c_void,
        cpu: u32,
        data: *const c_void,
        size: usize,
        packet_len: u32,
    ) -> i64;
    /// 0 or -errno.
    pub fn rex_map_delete_elem(map: *mut c_void, key: *const c_void) -> i64;

    /// Locks the value for the key and copies it: 0, `-ENOENT`, `-EDEADLK`,
    /// `-EOPNOTSUPP`, or `-EINVAL` for a map without locks. Ends the program
    /// when the record of what it holds is full.
    pub fn rex_map_lock(
        map: *mut c_void,
        key: *const c_void,
        copy: *mut c_void,
        value: *mut *mut c_void,
    ) -> i64;
    /// Writes the copy back, unless it is null, and unlocks.
    pub fn rex_map_unlock(map: *mut c_void, value: *mut c_void, copy: *const c_void);

    /// Bytes written to the trace pipe, or -errno.
    pub fn rex_trace_print(utf8: *const u8, len: usize) -> i64;

    pub safe fn rex_get_current_cgroup_id() -> u64;
    pub safe fn rex_get_current_pid_tgid() -> u64;
    pub safe fn rex_get_current_uid_gid() -> u64;
    /// 0 or -errno; the name ends with a NUL.
    pub fn rex_get_current_comm(buf: *mut u8, len: usize) -> i64;
    pub safe fn rex_get_smp_processor_id() -> u32;
    pub safe fn rex_get_numa_node_id() -> u32;
    pub safe fn rex_get_prandom_u32() -> u32;
    pub safe fn rex_ktime_get_ns() -> u64;
    pub safe fn rex_ktime_get_boot_ns() -> u64;
    pub safe fn rex_ktime_get_coarse_ns() -> u64;
    pub safe fn rex_jiffies64() -> u64;

    /// 0 or -EFAULT; `dst` is zeroed on failure.
    pub fn rex_probe_read_kernel(dst: *mut c_void, len: usize, src: *const c_void) -> i64;
    /// Bytes read, NUL included, or -errno; the rest of `dst` is zeroed, all
    /// of it on failure.
    pub fn rex_probe_read_kernel_str(dst: *mut u8, size: usize, src: *const c_void) -> i64;
    /// 0 or -EFAULT; `dst` is zeroed on failure.
    pub fn rex_probe_read_user(dst: *mut c_void, len: usize, src: *const c_void) -> i64;
    /// As `rex_probe_read_kernel_str`.
    pub fn rex_probe_read_user_str(dst: *mut u8, size: usize, src: *const c_void) -> i64;
    /// 0 or -errno.
    pub fn rex_probe_write_user(dst: *mut c_void, src: *const c_void, len: usize) -> i64;
    /// Bytes of the whole text, NUL included, or -errno.
    pub fn rex_snprintf(
        buf: *mut u8,
        size: usize,
        format: *const u8,
        format_len: usize,
        arguments: *const u64,
        count: usize,
    ) -> i64;
    /// 0 or -errno. Refused unless the program's descriptor has
    /// `REX_PROG_F_OVERRIDE`.
    pub fn rex_override_return(regs: *mut PtRegs, value: u64) -> i64;

    /// A reserved sample, on record, or null. Ends the program when the record
    /// is full.
    pub fn rex_ringbuf_reserve(map: *mut c_void, size: u64) -> *mut c_void;
    pub fn rex_ringbuf_submit(sample: *mut c_void, flags: u64);
    pub fn rex_ringbuf_discard(sample: *mut c_void, flags: u64);
    /// 0 or -errno.
    pub fn rex_ringbuf_output(map: *mut c_void, data: *const c_void, size: u64, flags: u64) -> i64;
    /// `what` is one of `BPF_RB_*`.
    pub fn rex_ringbuf_query(map: *mut c_void, what: u64) -> u64;

    /// For [`crate::stack`] alone: returns if the program may go on.
    pub safe fn rex_stack_low();

    /// The task of a thread id, referenced and on record, or null. Ends the
    /// program when the record is full.
    pub safe fn rex_task_from_pid(pid: i32) -> *mut c_void;
    /// 0 or -errno.
    pub fn rex_task_read(task: *mut c_void, info: *mut rex_task_info) -> i64;
    /// 0.
    pub fn rex_current_task_read(info: *mut rex_task_info) -> i64;
    /// The registers that a task, or the current one for null, entered the
    /// kernel with.
    pub fn rex_task_pt_regs(task: *mut c_void, regs: *mut pt_regs);
    /// Drops a reference.
    pub fn rex_task_release(task: *mut c_void);

    /// The cookie of the link that this run is for, or 0.
    pub safe fn rex_get_attach_cookie() -> u64;

    /// 0 or -errno.
    pub fn rex_perf_event_view(ctx: *const c_void, view: *mut rex_perf_event_view) -> i64;
    /// 0 or -errno; the value is zeroed on failure.
    pub fn rex_perf_prog_read_value(ctx: *mut c_void, value: *mut bpf_perf_event_value) -> i64;

    /// 0 or -errno: the context isn't that of a running XDP program.
    pub fn rex_xdp_view(ctx: *const c_void, view: *mut rex_xdp_view) -> i64;
    /// These may move the packet. 0 or -errno.
    pub fn rex_xdp_adjust_head(ctx: *mut c_void, offset: i32) -> i64;
    pub fn rex_xdp_adjust_meta(ctx: *mut c_void, offset: i32) -> i64;
    pub fn rex_xdp_adjust_tail(ctx: *mut c_void, offset: i32) -> i64;
    /// Bytes, or -errno.
    pub fn rex_xdp_get_buff_len(ctx: *mut c_void) -> i64;
    /// 0 or -errno; the buffer is zeroed on failure.
    pub fn rex_xdp_load_bytes(ctx: *mut c_void, offset: u32, to: *mut c_void, len: u32) -> i64;
    /// 0 or -errno.
    pub fn rex_xdp_store_bytes(ctx: *mut c_void, offset: u32, from: *const c_void, len: u32)
    -> i64;
    /// What to return from an XDP program.
    pub safe fn rex_xdp_redirect(ifindex: u32, flags: u64) -> i64;
    pub fn rex_xdp_redirect_map(map: *mut c_void, key: u64, flags: u64) -> i64;

    /// For a packet of either kind: `BPF_FIB_LKUP_RET_*`, or -errno. The struct
    /// is the kernel's `bpf_fib_lookup`.
    pub fn rex_fib_lookup(ctx: *mut c_void, params: *mut c_void, flags: u32) -> i64;
    /// `BPF_MTU_CHK_RET_*`, or -errno.
    pub fn rex_check_mtu(
        ctx: *mut c_void,
        ifindex: u32,
        mtu: *mut u32,
        len_diff: i32,
        flags: u64,
    ) -> i64;
    /// A sum of 32 bits, or -errno.
    pub fn rex_csum_diff(
        ctx: *const c_void,
        from: *const c_void,
        from_len: u32,
        to: *const c_void,
        to_len: u32,
        seed: u32,
    ) -> i64;
    /// A socket, on record, or null. These end the program when the record is
    /// full.
    pub fn rex_sk_lookup_tcp(
        ctx: *mut c_void,
        tuple: *const c_void,
        tuple_len: u32,
        netns: u64,
        flags: u64,
    ) -> *mut c_void;
    pub fn rex_sk_lookup_udp(
        ctx: *mut c_void,
        tuple: *const c_void,
        tuple_len: u32,
        netns: u64,
        flags: u64,
    ) -> *mut c_void;
    pub fn rex_skc_lookup_tcp(
        ctx: *mut c_void,
        tuple: *const c_void,
        tuple_len: u32,
        netns: u64,
        flags: u64,
    ) -> *mut c_void;
    /// 0.
    pub fn rex_sk_read(sock: *const c_void, info: *mut rex_sock_info) -> i64;
    /// Gives it back.
    pub fn rex_sk_release(sock: *mut c_void);

    /// 0 or -errno: the context isn't that of a running tc program.
    pub fn rex_skb_view(ctx: *const c_void, view: *mut rex_skb_view) -> i64;
    /// 0 or -errno; the buffer is zeroed on failure.
    pub fn rex_skb_load_bytes(ctx: *const c_void, offset: u32, to: *mut c_void, len: u32) -> i64;
    /// As above, from a header on.
    pub fn rex_skb_load_bytes_relative(
        ctx: *const c_void,
        offset: u32,
        to: *mut c_void,
        len: u32,
        start: u32,
    ) -> i64;
    /// None of these moves the packet. 0 or -errno.
    pub fn rex_skb_set(ctx: *mut c_void, field: u32, value: u32) -> i64;
    pub fn rex_skb_change_type(ctx: *mut c_void, pkt_type: u32) -> i64;
    pub fn rex_skb_set_hash(ctx: *mut c_void, hash: u32) -> i64;
    pub fn rex_skb_set_hash_invalid(ctx: *mut c_void) -> i64;
    /// The hash.
    pub fn rex_skb_get_hash(ctx: *mut c_void) -> u32;
    /// An id, or 0.
    pub fn rex_skb_cgroup_id(ctx: *const c_void) -> u64;
    pub fn rex_skb_ancestor_cgroup_id(ctx: *const c_void, level: i32) -> u64;
    /// The level, 0, or -errno.
    pub fn rex_skb_csum_level(ctx: *mut c_void, level: u64) -> i64;
    /// A sum of 32 bits, or -errno.
    pub fn rex_skb_csum_update(ctx: *mut c_void, csum: u32) -> i64;
    /// All of these may move the packet. 0 or -errno.
    pub fn rex_skb_unshare(ctx: *mut c_void) -> i64;
    pub fn rex_skb_pull_data(ctx: *mut c_void, len: u32) -> i64;
    pub fn rex_skb_store_bytes(
        ctx: *mut c_void,
        offset: u32,
        from: *const c_void,
        len: u32,
        flags: u64,
    ) -> i64;
    pub fn rex_skb_change_tail(ctx: *mut c_void, len: u32, flags: u64) -> i64;
    pub fn rex_skb_change_head(ctx: *mut c_void, len: u32, flags: u64) -> i64;
    pub fn rex_skb_change_proto(ctx: *mut c_void, protocol: u16, flags: u64) -> i64;
    pub fn rex_skb_adjust_room(ctx: *mut c_void, len_diff: i32, mode: u32, flags: u64) -> i64;
    pub fn rex_skb_vlan_push(ctx: *mut c_void, protocol: u16, tci: u16) -> i64;
    pub fn rex_skb_vlan_pop(ctx: *mut c_void) -> i64;
    pub fn rex_skb_l3_csum_replace(
        ctx: *mut c_void,
        offset: u32,
        from: u64,
        to: u64,
        flags: u64,
    ) -> i64;
    pub fn rex_skb_l4_csum_replace(
        ctx: *mut c_void,
        offset: u32,
        from: u64,
        to: u64,
        flags: u64,
    ) -> i64;
    pub fn rex_skb_clone_redirect(ctx: *mut c_void, ifindex: u32, flags: u64) -> i64;
    /// What to return from a tc program.
    pub safe fn rex_skb_redirect(ifindex: u32, flags: u64) -> i64;
    /// Likewise; null or the kernel's `bpf_redir_neigh`.
    pub fn rex_skb_redirect_neigh(ifindex: u32, next_hop: *const c_void, flags: u64) -> i64;
    pub safe fn rex_skb_redirect_peer(ifindex: u32, flags: u64) -> i64;

    /// Releases what the program holds. Doesn't return when this is a panic
    /// within a panic.
    pub safe fn rex_panic_begin();
    /// Records the exit and leaves the program.
    pub fn rex_panic_end(
        message: *const u8,
        message_len: usize,
        file: *const u8,
        file_len: usize,
        line: u32,
        column: u32,
    ) -> !;
}
