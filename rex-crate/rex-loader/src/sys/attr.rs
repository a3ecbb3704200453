// SPDX-License-Identifier: GPL-2.0-only
//! Layouts of bpf(2) and perf_event_open(2), from linux/bpf.h and
//! linux/perf_event.h. Both only ever grow at their ends, so the parts that
//! are used here have their final layout; the assertions state it.

use std::mem::{offset_of, size_of};

/// Commands of bpf(2).
pub const BPF_MAP_CREATE: u32 = 0;
pub const BPF_MAP_LOOKUP_ELEM: u32 = 1;
pub const BPF_MAP_UPDATE_ELEM: u32 = 2;
pub const BPF_MAP_DELETE_ELEM: u32 = 3;
pub const BPF_MAP_GET_NEXT_KEY: u32 = 4;
pub const BPF_PROG_LOAD: u32 = 5;
pub const BPF_OBJ_PIN: u32 = 6;
pub const BPF_OBJ_GET: u32 = 7;
pub const BPF_PROG_TEST_RUN: u32 = 10;
pub const BPF_PROG_GET_NEXT_ID: u32 = 11;
pub const BPF_MAP_GET_NEXT_ID: u32 = 12;
pub const BPF_PROG_GET_FD_BY_ID: u32 = 13;
pub const BPF_MAP_GET_FD_BY_ID: u32 = 14;
pub const BPF_OBJ_GET_INFO_BY_FD: u32 = 15;
pub const BPF_MAP_LOOKUP_AND_DELETE_ELEM: u32 = 21;
pub const BPF_BTF_LOAD: u32 = 18;
pub const BPF_LINK_CREATE: u32 = 28;
pub const BPF_LINK_UPDATE: u32 = 29;
pub const BPF_LINK_GET_FD_BY_ID: u32 = 30;
pub const BPF_BTF_GET_FD_BY_ID: u32 = 19;
pub const BPF_BTF_GET_NEXT_ID: u32 = 23;
pub const BPF_LINK_GET_NEXT_ID: u32 = 31;
pub const BPF_LINK_DETACH: u32 = 34;

/// enum bpf_attach_type: a program on a perf event.
pub const BPF_PERF_EVENT: u32 = 41;
/// enum bpf_link_type.
pub const BPF_LINK_TYPE_XDP: u32 = 6;
pub const BPF_LINK_TYPE_PERF_EVENT: u32 = 7;
pub const BPF_LINK_TYPE_TCX: u32 = 11;
/// enum bpf_perf_event_type.
pub const BPF_PERF_EVENT_KPROBE: u64 = 3;
pub const BPF_PERF_EVENT_KRETPROBE: u64 = 4;
pub const BPF_PERF_EVENT_TRACEPOINT: u64 = 5;
pub const BPF_PERF_EVENT_EVENT: u64 = 6;
/// Flag of BPF_LINK_UPDATE: only in the place of old_prog_fd.
pub const BPF_F_REPLACE: u32 = 1 << 2;
/// Flag of BPF_PROG_TEST_RUN.
pub const BPF_F_TEST_XDP_LIVE_FRAMES: u32 = 1 << 1;
/// Bytes of a BPF object's name, NUL included.
pub const BPF_OBJ_NAME_LEN: usize = 16;

/// Structs that bpf(2) takes or fills: plain data without padding, so that all
/// of their bytes are initialised and any bytes are a value.
///
/// # Safety
/// The implementor is `repr(C)`, has no padding, and allows every bit pattern.
pub unsafe trait Plain: Default {}

macro_rules! plain {
    ($($(#[$doc:meta])* struct $name:ident [$size:literal] { $($field:ident: $type:ty = $offset:literal,)+ })+) => {$(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Default)]
        pub struct $name { $(pub $field: $type,)+ }

        const _: () = {
            assert!(size_of::<$name>() == $size);
            $(assert!(offset_of!($name, $field) == $offset);)+
            // No padding: the fields fill the struct.
            assert!($size == 0 $(+ size_of::<$type>())+);
        };

        // SAFETY: repr(C) integers and arrays of them, no padding (asserted above).
        unsafe impl Plain for $name {}
    )+};
}

plain! {
    /// BPF_MAP_CREATE.
    struct MapCreate[60] {
        map_type: u32 = 0,
        key_size: u32 = 4,
        value_size: u32 = 8,
        max_entries: u32 = 12,
        map_flags: u32 = 16,
        inner_map_fd: u32 = 20,
        numa_node: u32 = 24,
        map_name: [u8; BPF_OBJ_NAME_LEN] = 28,
        map_ifindex: u32 = 44,
        btf_fd: u32 = 48,
        btf_key_type_id: u32 = 52,
        btf_value_type_id: u32 = 56,
    }

    /// BPF_BTF_LOAD.
    struct BtfLoad[24] {
        btf: u64 = 0,
        btf_log_buf: u64 = 8,
        btf_size: u32 = 16,
        btf_log_size: u32 = 20,
    }

    /// BPF_MAP_*_ELEM and BPF_MAP_GET_NEXT_KEY.
    struct MapElement[32] {
        map_fd: u32 = 0,
        pad: u32 = 4,
        key: u64 = 8,
        value_or_next_key: u64 = 16,
        flags: u64 = 24,
    }

    /// BPF_PROG_LOAD up to expected_attach_type.
    struct ProgLoad[72] {
        prog_type: u32 = 0,
        insn_cnt: u32 = 4,
        insns: u64 = 8,
        license: u64 = 16,
        log_level: u32 = 24,
        log_size: u32 = 28,
        log_buf: u64 = 32,
        kern_version: u32 = 40,
        prog_flags: u32 = 44,
        prog_name: [u8; BPF_OBJ_NAME_LEN] = 48,
        prog_ifindex: u32 = 64,
        expected_attach_type: u32 = 68,
    }

    /// BPF_OBJ_PIN and BPF_OBJ_GET.
    struct Pin[16] {
        pathname: u64 = 0,
        bpf_fd: u32 = 8,
        file_flags: u32 = 12,
    }

    /// BPF_PROG_TEST_RUN.
    struct ProgTestRun[80] {
        prog_fd: u32 = 0,
        retval: u32 = 4,
        data_size_in: u32 = 8,
        data_size_out: u32 = 12,
        data_in: u64 = 16,
        data_out: u64 = 24,
        repeat: u32 = 32,
        duration: u32 = 36,
        ctx_size_in: u32 = 40,
        ctx_size_out: u32 = 44,
        ctx_in: u64 = 48,
        ctx_out: u64 = 56,
        flags: u32 = 64,
        cpu: u32 = 68,
        batch_size: u32 = 72,
        pad: u32 = 76,
    }

    /// BPF_*_GET_NEXT_ID and BPF_*_GET_FD_BY_ID.
    struct GetId[12] {
        id: u32 = 0,
        next_id: u32 = 4,
        open_flags: u32 = 8,
    }

    /// BPF_OBJ_GET_INFO_BY_FD.
    struct GetInfo[16] {
        bpf_fd: u32 = 0,
        info_len: u32 = 4,
        info: u64 = 8,
    }

    /// BPF_LINK_CREATE on a perf event or a network device.
    struct LinkCreate[24] {
        prog_fd: u32 = 0,
        target_fd_or_ifindex: u32 = 4,
        attach_type: u32 = 8,
        flags: u32 = 12,
        bpf_cookie: u64 = 16,
    }

    /// BPF_LINK_UPDATE.
    struct LinkUpdate[16] {
        link_fd: u32 = 0,
        new_prog_fd: u32 = 4,
        flags: u32 = 8,
        old_prog_fd: u32 = 12,
    }

    /// BPF_LINK_DETACH.
    struct LinkDetach[4] {
        link_fd: u32 = 0,
    }

    /// struct bpf_prog_info up to recursion_misses.
    struct ProgInfo[216] {
        prog_type: u32 = 0,
        id: u32 = 4,
        tag: [u8; 8] = 8,
        jited_prog_len: u32 = 16,
        xlated_prog_len: u32 = 20,
        jited_prog_insns: u64 = 24,
        xlated_prog_insns: u64 = 32,
        load_time: u64 = 40,
        created_by_uid: u32 = 48,
        nr_map_ids: u32 = 52,
        map_ids: u64 = 56,
        name: [u8; BPF_OBJ_NAME_LEN] = 64,
        ifindex: u32 = 80,
        gpl_compatible: u32 = 84,
        // Netns, symbols, BTF and line information, all of it unused here.
        unused: [u64; 13] = 88,
        run_time_ns: u64 = 192,
        run_cnt: u64 = 200,
        recursion_misses: u64 = 208,
    }

    /// struct bpf_map_info up to name.
    struct MapInfo[40] {
        map_type: u32 = 0,
        id: u32 = 4,
        key_size: u32 = 8,
        value_size: u32 = 12,
        max_entries: u32 = 16,
        map_flags: u32 = 20,
        name: [u8; BPF_OBJ_NAME_LEN] = 24,
    }

    /// struct bpf_link_info up to prog_id.
    struct LinkInfo[12] {
        link_type: u32 = 0,
        id: u32 = 4,
        prog_id: u32 = 8,
    }

    /// struct bpf_link_info of a link on a network device.
    struct DeviceLinkInfo[24] {
        link_type: u32 = 0,
        id: u32 = 4,
        prog_id: u32 = 8,
        pad: u32 = 12,
        ifindex: u32 = 16,
        attach_type: u32 = 20,
    }

    /// struct bpf_link_info of a link on a perf event. What the fields behind
    /// `perf_type` are depends on that.
    struct PerfLinkInfo[64] {
        link_type: u32 = 0,
        id: u32 = 4,
        prog_id: u32 = 8,
        pad: u32 = 12,
        // u32, and 4 bytes of padding
        perf_type: u64 = 16,
        // address of the name, or config of a counter
        name_or_config: u64 = 24,
        // length of the name, or type of a counter
        name_len_or_type: u32 = 32,
        offset: u32 = 36,
        // address of a function, or cookie of another event
        addr_or_cookie: u64 = 40,
        missed: u64 = 48,
        probe_cookie: u64 = 56,
    }

    /// struct perf_event_attr of PERF_ATTR_SIZE_VER1.
    struct PerfEventAttr[72] {
        event_type: u32 = 0,
        size: u32 = 4,
        config: u64 = 8,
        sample_period: u64 = 16,
        sample_type: u64 = 24,
        read_format: u64 = 32,
        flags: u64 = 40,
        wakeup_events: u32 = 48,
        bp_type: u32 = 52,
        // kprobe_func of the kprobe PMU
        config1: u64 = 56,
        // probe_offset of the kprobe PMU
        config2: u64 = 64,
    }
}

/// perf_event_attr.type of events of the kernel itself.
pub const PERF_TYPE_SOFTWARE: u32 = 1;
/// perf_event_attr.config: what programs write to a perf event array.
pub const PERF_COUNT_SW_BPF_OUTPUT: u64 = 10;
/// perf_event_attr.sample_type: the bytes that were written.
pub const PERF_SAMPLE_RAW: u64 = 1 << 10;
/// perf_event_attr.type of tracepoints.
pub const PERF_TYPE_TRACEPOINT: u32 = 2;
/// perf_event_attr.disabled, the first of the flag bits.
pub const PERF_FLAG_BIT_DISABLED: u64 = 1;
/// Flag of perf_event_open(2).
pub const PERF_FLAG_FD_CLOEXEC: u64 = 8;
/// _IO('$', 0)
pub const PERF_EVENT_IOC_ENABLE: u64 = 0x2400;
