// SPDX-License-Identifier: GPL-2.0-only
//! Programs on packets that a network device receives, before the network
//! stack sees them.

use core::ffi::c_void;
use core::ptr::NonNull;

use rex_abi::rex_xdp_view;

use crate::descriptor::{Entry, ProgRecord};
use crate::linux::bpf::BPF_PROG_TYPE_XDP;
pub use crate::linux::bpf::{XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_REDIRECT, XDP_TX};
pub use crate::linux::r#in::{IPPROTO_TCP, IPPROTO_UDP};
use crate::map::{Redirecting, RexMapHandle};
pub use crate::packet::{
    PacketData, bpf_fib_lookup, compute_ip_checksum, ethhdr, iphdr, tcphdr, udphdr,
};
use crate::packet::{header_methods, length, packet_helpers};
use crate::program::{PacketProgram, ProgramObject};
use crate::{Result, ffi, from_kernel};

/// The program object of a `#[rex_xdp]` function.
#[allow(non_camel_case_types)]
pub struct xdp {
    _private: (),
}

common_helpers! { impl [] xdp }
header_methods! { xdp, xdp_md }
packet_helpers! { xdp, xdp_md }

impl ProgramObject for xdp {
    type Context = xdp_md;
}

impl PacketProgram for xdp {}

impl xdp {
    /// Moves the beginning of the packet: a negative `offset` makes room.
    /// `Err(-EINVAL)` when there is none, or less than an Ethernet header
    /// would be left.
    pub fn bpf_xdp_adjust_head(&self, ctx: &mut xdp_md, offset: i32) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = from_kernel(unsafe { ffi::rex_xdp_adjust_head(ctx.ctx.as_ptr(), offset) });
        ctx.refresh();
        result
    }

    /// Moves the beginning of the metadata in front of the packet: a negative
    /// `offset` makes room.
    pub fn bpf_xdp_adjust_meta(&self, ctx: &mut xdp_md, offset: i32) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = from_kernel(unsafe { ffi::rex_xdp_adjust_meta(ctx.ctx.as_ptr(), offset) });
        ctx.refresh();
        result
    }

    /// Moves the end of the packet: a positive `offset` makes room, which is
    /// zeroed. `Err(-EINVAL)` when there is none, or less than an Ethernet
    /// header would be left.
    pub fn bpf_xdp_adjust_tail(&self, ctx: &mut xdp_md, offset: i32) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = from_kernel(unsafe { ffi::rex_xdp_adjust_tail(ctx.ctx.as_ptr(), offset) });
        ctx.refresh();
        result
    }

    /// Has the packet sent by another device: return what this gives.
    pub fn bpf_redirect(&self, ifindex: u32, flags: u64) -> Result {
        from_kernel(ffi::rex_xdp_redirect(ifindex, flags))
    }

    /// Has the packet sent by the device that a devmap has for `key`: return
    /// what this gives. The lowest two bits of `flags` are the verdict when
    /// there is none; `BPF_F_BROADCAST` sends copies by all devices of the
    /// map, `BPF_F_EXCLUDE_INGRESS` not by the one that it came by.
    pub fn bpf_redirect_map<const MT: u32>(
        &self,
        map: &'static RexMapHandle<MT, u32, u32>,
        key: u32,
        flags: u64,
    ) -> Result
    where
        RexMapHandle<MT, u32, u32>: Redirecting,
    {
        map.redirect(key, flags)
    }

    /// Bytes of the whole packet.
    pub fn bpf_xdp_get_buff_len(&self, ctx: &xdp_md) -> u32 {
        // SAFETY: the context is the kernel's own.
        let len = unsafe { ffi::rex_xdp_get_buff_len(ctx.ctx.as_ptr()) };
        u32::try_from(len).unwrap_or(0)
    }

    /// Copies bytes out of the packet.
    pub fn bpf_xdp_load_bytes(&self, ctx: &xdp_md, offset: u32, to: &mut [u8]) -> Result {
        let len = length(to);
        // SAFETY: the context is the kernel's own, and `to` has `len` bytes.
        from_kernel(unsafe {
            ffi::rex_xdp_load_bytes(ctx.ctx.as_ptr(), offset, to.as_mut_ptr().cast(), len)
        })
    }

    /// Copies bytes into the packet.
    pub fn bpf_xdp_store_bytes(&self, ctx: &mut xdp_md, offset: u32, from: &[u8]) -> Result {
        let len = length(from);
        // SAFETY: the context is the kernel's own, and `from` has `len` bytes.
        let result = from_kernel(unsafe {
            ffi::rex_xdp_store_bytes(ctx.ctx.as_ptr(), offset, from.as_ptr().cast(), len)
        });
        ctx.refresh();
        result
    }
}

/// A received packet.
#[allow(non_camel_case_types)]
pub struct xdp_md {
    /// The packet, from its Ethernet header on.
    pub data_slice: PacketData,
    ctx: NonNull<c_void>,
    view: rex_xdp_view,
}

impl xdp_md {
    /// Bytes of the packet.
    pub fn data_length(&self) -> usize {
        self.data_slice.len()
    }

    /// The metadata in front of the packet.
    pub fn data_meta(&self) -> &[u8] {
        // SAFETY: the kernel says that so many bytes there are metadata. They
        // are not part of the slice that can be written to.
        unsafe { self.data_slice.in_front(self.view.meta_len) }
    }

    /// Number of the device that received it.
    pub fn ingress_ifindex(&self) -> u32 {
        self.view.ingress_ifindex
    }

    /// The device's queue.
    pub fn rx_queue_index(&self) -> u32 {
        self.view.rx_queue_index
    }

    /// Number of the device that is about to send it, for a program of a
    /// devmap; else 0.
    pub fn egress_ifindex(&self) -> u32 {
        self.view.egress_ifindex
    }

    fn read(ctx: NonNull<c_void>) -> rex_xdp_view {
        let mut view = rex_xdp_view::default();
        // SAFETY: the context is the kernel's own. When it says that it is
        // not, the view stays empty.
        unsafe { ffi::rex_xdp_view(ctx.as_ptr(), &mut view) };
        view
    }

    /// Asks again where the packet is.
    fn refresh(&mut self) {
        self.view = Self::read(self.ctx);
        // SAFETY: the kernel's answer, good until the next call that may move
        // the packet; all of those end here.
        unsafe { self.data_slice.set(self.view.data, self.view.len, None) };
    }
}

#[doc(hidden)]
pub const fn record(name: &str, entry: Entry) -> ProgRecord {
    ProgRecord::new(BPF_PROG_TYPE_XDP, 0, name, "", entry)
}

/// Runs `program`.
///
/// # Safety
///
/// `ctx` must be the context of an XDP program.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn enter(ctx: *mut c_void, program: fn(&xdp, &mut xdp_md) -> Result) -> u64 {
    let Some(ctx) = NonNull::new(ctx) else {
        return 0;
    };
    let view = xdp_md::read(ctx);
    let mut data = xdp_md {
        // SAFETY: the kernel's answer; see `refresh`.
        data_slice: unsafe { PacketData::new(view.data, view.len, None) },
        ctx,
        view,
    };
    crate::descriptor::to_hook(program(&xdp { _private: () }, &mut data))
}
