// SPDX-License-Identifier: GPL-2.0-only
//! Questions to the routing table, as plain data.

use core::mem::offset_of;

use crate::linux::bpf;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// What the routing table is asked, and what it answers, in the same fields.
/// Addresses and ports are big-endian, as in the packet.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct bpf_fib_lookup {
    /// `AF_INET` or `AF_INET6`.
    pub family: u8,
    /// `IPPROTO_*`.
    pub l4_protocol: u8,
    /// Port of the sender.
    pub sport: u16,
    /// Port of the receiver.
    pub dport: u16,
    /// Bytes of the IP packet, or 0; then the MTU of the route.
    pub tot_len: u16,
    /// Number of the device that the packet came by, or with
    /// `BPF_FIB_LOOKUP_OUTPUT` is to leave by; then of that which it leaves by.
    pub ifindex: u32,
    /// Type of service, or flow and class of IPv6; then the metric of the
    /// route.
    pub tos: u32,
    /// Address of the sender; IPv4 has one word.
    pub src: [u32; 4],
    /// Address of the receiver; then of the next hop.
    pub dst: [u32; 4],
    /// Then the VLAN's protocol; with `BPF_FIB_LOOKUP_TBID` the lower half of
    /// the table's number before.
    pub h_vlan_proto: u16,
    /// Then the VLAN's tag; or the upper half of the table's number before.
    pub h_vlan_tci: u16,
    /// Then the hardware address of the device that the packet leaves by.
    pub smac: [u8; 6],
    /// Then the hardware address of the next hop.
    pub dmac: [u8; 6],
}

const _: () = {
    type Kernel = bpf::bpf_fib_lookup;
    assert!(size_of::<bpf_fib_lookup>() == size_of::<Kernel>());
    assert!(align_of::<bpf_fib_lookup>() == align_of::<Kernel>());
    assert!(offset_of!(bpf_fib_lookup, sport) == offset_of!(Kernel, sport));
    assert!(offset_of!(bpf_fib_lookup, tot_len) == offset_of!(Kernel, __bindgen_anon_1));
    assert!(offset_of!(bpf_fib_lookup, ifindex) == offset_of!(Kernel, ifindex));
    assert!(offset_of!(bpf_fib_lookup, tos) == offset_of!(Kernel, __bindgen_anon_2));
    assert!(offset_of!(bpf_fib_lookup, src) == offset_of!(Kernel, __bindgen_anon_3));
    assert!(offset_of!(bpf_fib_lookup, dst) == offset_of!(Kernel, __bindgen_anon_4));
    assert!(offset_of!(bpf_fib_lookup, h_vlan_proto) == offset_of!(Kernel, __bindgen_anon_5));
    assert!(offset_of!(bpf_fib_lookup, smac) == offset_of!(Kernel, __bindgen_anon_6));
};

impl bpf_fib_lookup {
    /// Where does a packet go that came by a device, from one IPv4 address to
    /// another?
    pub fn ipv4(ifindex: u32, saddr: u32, daddr: u32) -> Self {
        Self {
            family: AF_INET,
            ifindex,
            src: [saddr, 0, 0, 0],
            dst: [daddr, 0, 0, 0],
            ..Self::default()
        }
    }

    /// The same for IPv6.
    pub fn ipv6(ifindex: u32, saddr: [u32; 4], daddr: [u32; 4]) -> Self {
        Self {
            family: AF_INET6,
            ifindex,
            src: saddr,
            dst: daddr,
            ..Self::default()
        }
    }
}

/// The next hop of [`bpf_redirect_neigh`](crate::sched_cls::sched_cls::bpf_redirect_neigh).
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct bpf_redir_neigh {
    nh_family: u32,
    nh: [u32; 4],
}

const _: () = assert!(size_of::<bpf_redir_neigh>() == size_of::<bpf::bpf_redir_neigh>());

impl bpf_redir_neigh {
    /// An IPv4 address, big-endian.
    pub fn ipv4(address: u32) -> Self {
        Self {
            nh_family: AF_INET.into(),
            nh: [address, 0, 0, 0],
        }
    }

    /// An IPv6 address, big-endian.
    pub fn ipv6(address: [u32; 4]) -> Self {
        Self {
            nh_family: AF_INET6.into(),
            nh: address,
        }
    }
}
