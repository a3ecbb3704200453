// SPDX-License-Identifier: GPL-2.0-only
//! Programs on packets on their way through a network device (tc): behind XDP
//! when they come in, last thing when they go out.

use core::ffi::c_void;
use core::ptr::NonNull;

use crate::Result;
use crate::descriptor::{Entry, ProgRecord};
use crate::linux::bpf::BPF_PROG_TYPE_SCHED_CLS;
pub use crate::linux::bpf::{
    BPF_ADJ_ROOM_MAC, BPF_ADJ_ROOM_NET, BPF_CSUM_LEVEL_DEC, BPF_CSUM_LEVEL_INC,
    BPF_CSUM_LEVEL_QUERY, BPF_CSUM_LEVEL_RESET, BPF_F_INGRESS, BPF_F_INVALIDATE_HASH,
    BPF_F_PSEUDO_HDR, BPF_F_RECOMPUTE_CSUM, BPF_HDR_START_MAC, BPF_HDR_START_NET,
};
pub use crate::linux::r#in::{IPPROTO_TCP, IPPROTO_UDP};
pub use crate::linux::pkt_cls::*;
pub use crate::packet::{
    PacketData, bpf_fib_lookup, bpf_redir_neigh, compute_ip_checksum, ethhdr, iphdr, tcphdr, udphdr,
};
use crate::packet::{header_methods, packet_helpers};
use crate::program::{PacketProgram, ProgramObject};

mod context;
mod helpers;

pub use context::__sk_buff;
pub(crate) use context::unshare;

/// The program object of a `#[rex_tc]` function.
#[allow(non_camel_case_types)]
pub struct sched_cls {
    _private: (),
}

common_helpers! { impl [] sched_cls }
header_methods! { sched_cls, __sk_buff }
packet_helpers! { sched_cls, __sk_buff }

impl ProgramObject for sched_cls {
    type Context = __sk_buff;
}

impl PacketProgram for sched_cls {}

#[doc(hidden)]
pub const fn record(name: &str, entry: Entry) -> ProgRecord {
    ProgRecord::new(BPF_PROG_TYPE_SCHED_CLS, 0, name, "", entry)
}

/// Runs `program`.
///
/// # Safety
///
/// `ctx` must be the context of a tc program.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn enter(ctx: *mut c_void, program: fn(&sched_cls, &mut __sk_buff) -> Result) -> u64 {
    let Some(ctx) = NonNull::new(ctx) else {
        return 0;
    };
    // SAFETY: the caller's duty; the program only borrows it.
    let mut skb = unsafe { __sk_buff::new(ctx) };
    crate::descriptor::to_hook(program(&sched_cls { _private: () }, &mut skb))
}
