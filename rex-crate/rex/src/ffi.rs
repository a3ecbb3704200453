// SPDX-License-Identifier: GPL-2.0-only
//! The kernel functions that an object may import. `rex_abi::IMPORTS` lists
//! the same names; an import that is not listed doesn't link.

use core::ffi::c_void;

use rex_abi::{rex_perf_event_view, rex_skb_view, rex_task_info, rex_xdp_view};

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
    /// What to return from an XDP program.
    pub safe fn rex_xdp_redirect(ifindex: u32, flags: u64) -> i64;

    /// 0 or -errno: the context isn't that of a running tc program.
    pub fn rex_skb_view(ctx: *const c_void, view: *mut rex_skb_view) -> i64;
    /// 0 or -errno; the buffer is zeroed on failure.
    pub fn rex_skb_load_bytes(ctx: *const c_void, offset: u32, to: *mut c_void, len: u32) -> i64;
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
