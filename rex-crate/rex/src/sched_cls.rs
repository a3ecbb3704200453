// SPDX-License-Identifier: GPL-2.0-only
//! Programs on packets on their way through a network device (tc): behind XDP
//! when they come in, last thing when they go out.

use core::ffi::c_void;
use core::ptr::NonNull;

use rex_abi::rex_skb_view;

use crate::descriptor::{Entry, ProgRecord};
use crate::linux::bpf::BPF_PROG_TYPE_SCHED_CLS;
pub use crate::linux::bpf::{
    BPF_F_INGRESS, BPF_F_INVALIDATE_HASH, BPF_F_PSEUDO_HDR, BPF_F_RECOMPUTE_CSUM,
};
pub use crate::linux::r#in::{IPPROTO_TCP, IPPROTO_UDP};
pub use crate::linux::pkt_cls::*;
use crate::packet::header_methods;
pub use crate::packet::{PacketData, compute_ip_checksum, ethhdr, iphdr, tcphdr, udphdr};
use crate::{Result, ffi, from_kernel};

/// The program object of a `#[rex_tc]` function.
#[allow(non_camel_case_types)]
pub struct sched_cls {
    _private: (),
}

common_helpers! { impl [] sched_cls }
header_methods! { sched_cls, __sk_buff }

/// What a call made of the packet.
fn refreshed(skb: &mut __sk_buff, result: i64) -> Result {
    skb.refresh();
    from_kernel(result)
}

/// A length for the kernel. None that it could have is longer.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

impl sched_cls {
    /// Sends a copy of the packet by another device, or with `BPF_F_INGRESS`
    /// has it received there. `Err(-EDEADLK)` while the program holds a lock.
    pub fn bpf_clone_redirect(&self, skb: &mut __sk_buff, ifindex: u32, flags: u64) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_clone_redirect(skb.ctx.as_ptr(), ifindex, flags) };
        refreshed(skb, result)
    }

    /// Has the packet itself sent or received by another device: return what
    /// this gives.
    pub fn bpf_redirect(&self, ifindex: u32, flags: u64) -> Result {
        from_kernel(ffi::rex_skb_redirect(ifindex, flags))
    }

    /// Makes the first `len` bytes linear, so that `data_slice` has them.
    pub fn bpf_skb_pull_data(&self, skb: &mut __sk_buff, len: u32) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_pull_data(skb.ctx.as_ptr(), len) };
        refreshed(skb, result)
    }

    /// Changes the length of the packet; new bytes are zeroes.
    pub fn bpf_skb_change_tail(&self, skb: &mut __sk_buff, len: u32, flags: u64) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_change_tail(skb.ctx.as_ptr(), len, flags) };
        refreshed(skb, result)
    }

    /// Copies bytes out of the packet, linear or not.
    pub fn bpf_skb_load_bytes(&self, skb: &__sk_buff, offset: u32, to: &mut [u8]) -> Result {
        let len = length(to);
        // SAFETY: the context is the kernel's own, and `to` has `len` bytes.
        from_kernel(unsafe {
            ffi::rex_skb_load_bytes(skb.ctx.as_ptr(), offset, to.as_mut_ptr().cast(), len)
        })
    }

    /// Copies bytes into the packet, linear or not. `flags`:
    /// `BPF_F_RECOMPUTE_CSUM`, `BPF_F_INVALIDATE_HASH`.
    pub fn bpf_skb_store_bytes(
        &self,
        skb: &mut __sk_buff,
        offset: u32,
        from: &[u8],
        flags: u64,
    ) -> Result {
        let len = length(from);
        // SAFETY: the context is the kernel's own, and `from` has `len` bytes.
        let result = unsafe {
            ffi::rex_skb_store_bytes(skb.ctx.as_ptr(), offset, from.as_ptr().cast(), len, flags)
        };
        refreshed(skb, result)
    }

    /// Brings the checksum of an IP header at `offset` up to date: `from` has
    /// become `to`, of the size in `flags` (2 or 4).
    pub fn bpf_l3_csum_replace(
        &self,
        skb: &mut __sk_buff,
        offset: u32,
        from: u64,
        to: u64,
        flags: u64,
    ) -> Result {
        // SAFETY: the context is the kernel's own.
        let result =
            unsafe { ffi::rex_skb_l3_csum_replace(skb.ctx.as_ptr(), offset, from, to, flags) };
        refreshed(skb, result)
    }

    /// Brings the checksum of TCP or UDP at `offset` up to date: `from` has
    /// become `to`, of the size in `flags` (2 or 4); `BPF_F_PSEUDO_HDR` when
    /// that is part of the IP header.
    pub fn bpf_l4_csum_replace(
        &self,
        skb: &mut __sk_buff,
        offset: u32,
        from: u64,
        to: u64,
        flags: u64,
    ) -> Result {
        // SAFETY: the context is the kernel's own.
        let result =
            unsafe { ffi::rex_skb_l4_csum_replace(skb.ctx.as_ptr(), offset, from, to, flags) };
        refreshed(skb, result)
    }
}

/// A packet on its way.
#[allow(non_camel_case_types)]
pub struct __sk_buff {
    /// The linear part of the packet, from its Ethernet header on. The first
    /// write gives the packet memory of its own, if others share it.
    pub data_slice: PacketData,
    ctx: NonNull<c_void>,
    view: rex_skb_view,
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name(&self) -> u32 {
            self.view.$name
        }
    )*};
}

// A packet always has an Ethernet header.
#[allow(clippy::len_without_is_empty)]
impl __sk_buff {
    getters! {
        /// Bytes of the whole packet.
        len
        /// Those of them that are not linear.
        data_len
        /// `ETH_P_*`, big-endian.
        protocol
        /// Priority of the packet.
        priority
        /// Number of the device that received it.
        ingress_ifindex
        /// Number of the device that it is at.
        ifindex
        /// Hash of its flow; 0 if it was not computed.
        hash
        /// The mark that firewall rules set and look at.
        mark
        /// `PACKET_*` of linux/if_packet.h.
        pkt_type
        /// Queue of the device.
        queue_mapping
        /// Whether it has a VLAN tag that is not in the data: 0 or 1.
        vlan_present
        /// That tag.
        vlan_tci
        /// That tag's protocol, big-endian.
        vlan_proto
        /// Class of the scheduler.
        tc_classid
        /// Index of the scheduler.
        tc_index
        /// The NAPI instance that received it; 0 if that is not known.
        napi_id
    }

    /// What programs and the scheduler hand on to each other.
    pub fn cb(&self) -> &[u32; 5] {
        &self.view.cb
    }

    /// Bytes of the linear part.
    pub fn data_length(&self) -> usize {
        self.data_slice.len()
    }

    /// The metadata that an XDP program put in front of the packet.
    pub fn data_meta(&self) -> &[u8] {
        // SAFETY: the kernel says that so many bytes there are metadata. They
        // are not part of the slice that can be written to.
        unsafe { self.data_slice.in_front(self.view.meta_len) }
    }

    fn read(ctx: NonNull<c_void>) -> rex_skb_view {
        let mut view = rex_skb_view::default();
        // SAFETY: the context is the kernel's own. When it says that it is
        // not, the view stays empty.
        unsafe { ffi::rex_skb_view(ctx.as_ptr(), &mut view) };
        view
    }

    /// Asks again where the packet is. It may be shared from now on.
    fn refresh(&mut self) {
        self.view = Self::read(self.ctx);
        // SAFETY: the kernel's answer, good until the next call that may move
        // the packet; all of those end here, or in `unshare`.
        unsafe {
            self.data_slice
                .set(self.view.data, self.view.linear_len, Some(self.ctx))
        };
    }
}

/// Makes the linear part the packet's own, wherever it then is.
pub(crate) fn unshare(ctx: NonNull<c_void>) -> Option<(u64, u32)> {
    // SAFETY: the context is the kernel's own.
    let error = unsafe { ffi::rex_skb_unshare(ctx.as_ptr()) };
    let view = __sk_buff::read(ctx);
    (error == 0).then_some((view.data, view.linear_len))
}

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
    let view = __sk_buff::read(ctx);
    let mut skb = __sk_buff {
        // SAFETY: the kernel's answer; see `refresh`.
        data_slice: unsafe { PacketData::new(view.data, view.linear_len, Some(ctx)) },
        ctx,
        view,
    };
    crate::descriptor::to_hook(program(&sched_cls { _private: () }, &mut skb))
}
