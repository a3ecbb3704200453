// SPDX-License-Identifier: GPL-2.0-only
//! What a tc program may do with its packet.

use super::{__sk_buff, bpf_redir_neigh, sched_cls};
use crate::packet::{length, sum_from_kernel};
use crate::{Result, ffi, from_kernel};

/// What a call made of the packet.
fn refreshed(skb: &mut __sk_buff, result: i64) -> Result {
    skb.refresh();
    from_kernel(result)
}

/// What a call that leaves the bytes where they are made of the rest.
fn reread(skb: &mut __sk_buff, result: i64) -> Result {
    skb.reread();
    from_kernel(result)
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

    /// The same with the hardware addresses of a neighbour: of the packet's
    /// receiver by the routing table, or of `next_hop`.
    pub fn bpf_redirect_neigh(
        &self,
        ifindex: u32,
        next_hop: Option<&bpf_redir_neigh>,
        flags: u64,
    ) -> Result {
        let next_hop = next_hop.map_or(core::ptr::null(), core::ptr::from_ref);
        // SAFETY: null, or a struct with the layout of the kernel's.
        from_kernel(unsafe { ffi::rex_skb_redirect_neigh(ifindex, next_hop.cast(), flags) })
    }

    /// Has the packet received by the other end of a device, which is in
    /// another network namespace: return what this gives.
    pub fn bpf_redirect_peer(&self, ifindex: u32, flags: u64) -> Result {
        from_kernel(ffi::rex_skb_redirect_peer(ifindex, flags))
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

    /// Makes room of `len` zeroes in front of the packet.
    pub fn bpf_skb_change_head(&self, skb: &mut __sk_buff, len: u32, flags: u64) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_change_head(skb.ctx.as_ptr(), len, flags) };
        refreshed(skb, result)
    }

    /// Makes or takes the room that an IPv6 header needs more than one of
    /// IPv4. `protocol`: the new one, `ETH_P_*`, big-endian.
    pub fn bpf_skb_change_proto(&self, skb: &mut __sk_buff, protocol: u16, flags: u64) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_change_proto(skb.ctx.as_ptr(), protocol, flags) };
        refreshed(skb, result)
    }

    /// Makes room of `len_diff` bytes, or takes them when it is negative,
    /// behind the Ethernet header (`BPF_ADJ_ROOM_MAC`) or the IP header
    /// (`BPF_ADJ_ROOM_NET`). `flags`: `BPF_F_ADJ_ROOM_*`.
    pub fn bpf_skb_adjust_room(
        &self,
        skb: &mut __sk_buff,
        len_diff: i32,
        mode: u32,
        flags: u64,
    ) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_adjust_room(skb.ctx.as_ptr(), len_diff, mode, flags) };
        refreshed(skb, result)
    }

    /// Gives the packet a VLAN tag; one that it has goes into the data.
    /// `protocol`: `ETH_P_8021Q` or `ETH_P_8021AD`, big-endian.
    pub fn bpf_skb_vlan_push(&self, skb: &mut __sk_buff, protocol: u16, tci: u16) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_vlan_push(skb.ctx.as_ptr(), protocol, tci) };
        refreshed(skb, result)
    }

    /// Takes the outermost VLAN tag off, if there is one.
    pub fn bpf_skb_vlan_pop(&self, skb: &mut __sk_buff) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_vlan_pop(skb.ctx.as_ptr()) };
        refreshed(skb, result)
    }

    /// Says whom the packet is for: `PACKET_*` of linux/if_packet.h.
    pub fn bpf_skb_change_type(&self, skb: &mut __sk_buff, pkt_type: u32) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_change_type(skb.ctx.as_ptr(), pkt_type) };
        reread(skb, result)
    }

    /// The hash of the packet's flow, computed if it is not known.
    pub fn bpf_get_hash_recalc(&self, skb: &mut __sk_buff) -> u32 {
        // SAFETY: the context is the kernel's own.
        let hash = unsafe { ffi::rex_skb_get_hash(skb.ctx.as_ptr()) };
        skb.reread();
        hash
    }

    /// Sets the hash of the packet's flow.
    pub fn bpf_set_hash(&self, skb: &mut __sk_buff, hash: u32) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_set_hash(skb.ctx.as_ptr(), hash) };
        reread(skb, result)
    }

    /// Has the hash computed anew when it is asked for.
    pub fn bpf_set_hash_invalid(&self, skb: &mut __sk_buff) -> Result {
        // SAFETY: the context is the kernel's own.
        let result = unsafe { ffi::rex_skb_set_hash_invalid(skb.ctx.as_ptr()) };
        reread(skb, result)
    }

    /// Id of the control group (version 2) of the socket that the packet
    /// comes from; 0 if it comes from none of this machine.
    pub fn bpf_skb_cgroup_id(&self, skb: &__sk_buff) -> u64 {
        // SAFETY: the context is the kernel's own.
        unsafe { ffi::rex_skb_cgroup_id(skb.ctx.as_ptr()) }
    }

    /// Id of the group `level` steps below the root that contains it, or 0.
    pub fn bpf_skb_ancestor_cgroup_id(&self, skb: &__sk_buff, level: i32) -> u64 {
        // SAFETY: the context is the kernel's own.
        unsafe { ffi::rex_skb_ancestor_cgroup_id(skb.ctx.as_ptr(), level) }
    }

    /// Copies bytes out of the packet, linear or not.
    pub fn bpf_skb_load_bytes(&self, skb: &__sk_buff, offset: u32, to: &mut [u8]) -> Result {
        let len = length(to);
        // SAFETY: the context is the kernel's own, and `to` has `len` bytes.
        from_kernel(unsafe {
            ffi::rex_skb_load_bytes(skb.ctx.as_ptr(), offset, to.as_mut_ptr().cast(), len)
        })
    }

    /// Copies bytes out of the linear part, from the Ethernet header
    /// (`BPF_HDR_START_MAC`) or the IP header (`BPF_HDR_START_NET`) on.
    pub fn bpf_skb_load_bytes_relative(
        &self,
        skb: &__sk_buff,
        offset: u32,
        to: &mut [u8],
        start: u32,
    ) -> Result {
        let len = length(to);
        // SAFETY: the context is the kernel's own, and `to` has `len` bytes.
        from_kernel(unsafe {
            ffi::rex_skb_load_bytes_relative(
                skb.ctx.as_ptr(),
                offset,
                to.as_mut_ptr().cast(),
                len,
                start,
            )
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

    /// Adds to the checksum over the packet that the hardware has computed,
    /// and gives the new one; `Err(-ENOTSUPP)` (-524) when it has not.
    pub fn bpf_csum_update(
        &self,
        skb: &mut __sk_buff,
        csum: u32,
    ) -> core::result::Result<u32, i32> {
        // SAFETY: the context is the kernel's own.
        sum_from_kernel(unsafe { ffi::rex_skb_csum_update(skb.ctx.as_ptr(), csum) })
    }

    /// How many checksums, from the outermost on, need not be looked at any
    /// more: `BPF_CSUM_LEVEL_INC`, `_DEC` and `_RESET` change it, and `_QUERY`
    /// gives their number less one, or `Err(-EACCES)` for none.
    pub fn bpf_csum_level(&self, skb: &mut __sk_buff, level: u32) -> Result {
        // SAFETY: the context is the kernel's own.
        from_kernel(unsafe { ffi::rex_skb_csum_level(skb.ctx.as_ptr(), level.into()) })
    }
}
