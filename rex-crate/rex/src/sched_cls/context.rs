// SPDX-License-Identifier: GPL-2.0-only
//! The context of a tc program.

use core::ffi::c_void;
use core::ptr::NonNull;

use rex_abi::{rex_skb_field, rex_skb_view};

use crate::packet::PacketData;
use crate::{Result, ffi, from_kernel};

/// A packet on its way.
#[allow(non_camel_case_types)]
pub struct __sk_buff {
    /// The linear part of the packet, from its Ethernet header on. The first
    /// write gives the packet memory of its own, if others share it.
    pub data_slice: PacketData,
    pub(super) ctx: NonNull<c_void>,
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

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident $type:ty, $field:ident)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, value: $type) {
            // The kernel has the field, and any value will do.
            let _ = self.set(rex_skb_field::$field, value.into());
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

    fn set(&mut self, field: rex_skb_field, value: u32) -> Result {
        // SAFETY: the context is the kernel's own.
        let error = unsafe { ffi::rex_skb_set(self.ctx.as_ptr(), field.0, value) };
        self.reread();
        from_kernel(error)
    }

    setters! {
        /// Sets the mark that firewall rules look at.
        set_mark u32, REX_SKB_MARK
        /// Sets the priority of the packet.
        set_priority u32, REX_SKB_PRIORITY
        /// Sets the class of the scheduler.
        set_tc_classid u16, REX_SKB_TC_CLASSID
        /// Sets the index of the scheduler.
        set_tc_index u16, REX_SKB_TC_INDEX
    }

    /// Sets the queue of the device. `Err(-EINVAL)` for 65535, which stands for
    /// none.
    pub fn set_queue_mapping(&mut self, queue: u16) -> Result {
        self.set(rex_skb_field::REX_SKB_QUEUE_MAPPING, queue.into())
    }

    /// Sets what programs and the scheduler hand on to each other.
    pub fn set_cb(&mut self, words: [u32; 5]) {
        for (field, word) in (rex_skb_field::REX_SKB_CB.0..).zip(words) {
            // The kernel has five of them too.
            let _ = self.set(rex_skb_field(field), word);
        }
    }

    /// # Safety
    ///
    /// `ctx` must be the context of a tc program, which is borrowed for as
    /// long as the result lives.
    #[inline(always)]
    pub(super) unsafe fn new(ctx: NonNull<c_void>) -> Self {
        let view = Self::read(ctx);
        Self {
            // SAFETY: the kernel's answer; see `refresh`.
            data_slice: unsafe { PacketData::new(view.data, view.linear_len, Some(ctx)) },
            ctx,
            view,
        }
    }

    fn read(ctx: NonNull<c_void>) -> rex_skb_view {
        let mut view = rex_skb_view::default();
        // SAFETY: the context is the kernel's own. When it says that it is
        // not, the view stays empty.
        unsafe { ffi::rex_skb_view(ctx.as_ptr(), &mut view) };
        view
    }

    /// Asks again what the kernel knows of the packet, which has not moved.
    pub(super) fn reread(&mut self) {
        self.view = Self::read(self.ctx);
    }

    /// Asks again where the packet is. It may be shared from now on.
    pub(super) fn refresh(&mut self) {
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
