// SPDX-License-Identifier: GPL-2.0-only
//! What XDP and tc programs have in common: a packet, and its headers.

mod data;
mod headers;
mod helpers;
mod route;

pub use data::PacketData;
pub(crate) use data::header;
pub use headers::{Unaligned, compute_ip_checksum, ethhdr, iphdr, tcphdr, udphdr};
pub(crate) use helpers::packet_helpers;
pub use route::{bpf_fib_lookup, bpf_redir_neigh};

/// A length for the kernel. None that it could have is longer.
pub(crate) fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// What a kernel function says that gives a checksum, which uses all 32 bits.
pub(crate) fn sum_from_kernel(value: i64) -> core::result::Result<u32, i32> {
    // Everything else is an errno.
    u32::try_from(value).map_err(|_| value as i32)
}

/// The methods of a program object that give a packet's headers, for packets
/// of IPv4 without VLAN tags; `$context` has a field `data_slice`.
macro_rules! header_methods {
    ($object:ty, $context:ty) => {
        impl $object {
            /// The Ethernet header. Like all of these panics when the packet
            /// is shorter.
            #[track_caller]
            #[inline]
            pub fn eth_header<'a>(&self, ctx: &'a mut $context) -> &'a mut ethhdr {
                $crate::packet::header(&mut ctx.data_slice, 0)
            }

            /// The IPv4 header, taken to follow the Ethernet header.
            #[track_caller]
            #[inline]
            pub fn ip_header<'a>(&self, ctx: &'a mut $context) -> &'a mut iphdr {
                $crate::packet::header(&mut ctx.data_slice, size_of::<ethhdr>())
            }

            /// The TCP header, taken to follow the IPv4 header, whose length is
            /// heeded.
            #[track_caller]
            #[inline]
            pub fn tcp_header<'a>(&self, ctx: &'a mut $context) -> &'a mut tcphdr {
                let offset = size_of::<ethhdr>() + self.ip_header(ctx).header_bytes();
                $crate::packet::header(&mut ctx.data_slice, offset)
            }

            /// The UDP header, taken to follow the IPv4 header, whose length is
            /// heeded.
            #[track_caller]
            #[inline]
            pub fn udp_header<'a>(&self, ctx: &'a mut $context) -> &'a mut udphdr {
                let offset = size_of::<ethhdr>() + self.ip_header(ctx).header_bytes();
                $crate::packet::header(&mut ctx.data_slice, offset)
            }
        }
    };
}

pub(crate) use header_methods;
