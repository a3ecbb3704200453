// SPDX-License-Identifier: GPL-2.0-only
//! The methods of a program object that ask the kernel about a packet.

/// Implements them; `$context` has a field `ctx`, the kernel's own context.
macro_rules! packet_helpers {
    ($object:ty, $context:ty) => {
        impl $object {
            /// Where the network stack would send a packet: see
            /// [`bpf_fib_lookup`]. `flags`: `BPF_FIB_LOOKUP_*`. Gives
            /// `BPF_FIB_LKUP_RET_*`; the answer is good with 0.
            pub fn bpf_fib_lookup(
                &self,
                ctx: &$context,
                params: &mut bpf_fib_lookup,
                flags: u32,
            ) -> $crate::Result {
                // SAFETY: the context is the kernel's own, and `params` has
                // the layout of the kernel's struct, asserted where it is.
                $crate::from_kernel(unsafe {
                    $crate::ffi::rex_fib_lookup(
                        ctx.ctx.as_ptr(),
                        core::ptr::from_mut(params).cast(),
                        flags,
                    )
                })
            }

            /// Whether a packet of `mtu` bytes (0: this one), made longer by
            /// `len_diff`, fits through a device (0: that which it is at), whose
            /// MTU is then in `mtu`. Gives `BPF_MTU_CHK_RET_*`.
            pub fn bpf_check_mtu(
                &self,
                ctx: &$context,
                ifindex: u32,
                mtu: &mut u32,
                len_diff: i32,
                flags: u64,
            ) -> $crate::Result {
                // SAFETY: the context is the kernel's own, and `mtu` is valid
                // for reads and writes.
                $crate::from_kernel(unsafe {
                    $crate::ffi::rex_check_mtu(ctx.ctx.as_ptr(), ifindex, mtu, len_diff, flags)
                })
            }

            /// What it does to a checksum when the bytes `from` become `to`,
            /// with `seed` as the sum so far. Both have a multiple of 4 bytes,
            /// at most 512 together, or are empty.
            pub fn bpf_csum_diff(
                &self,
                ctx: &$context,
                from: &[u8],
                to: &[u8],
                seed: u32,
            ) -> core::result::Result<u32, i32> {
                // SAFETY: the context is the kernel's own, and each pointer is
                // valid for the length behind it.
                $crate::packet::sum_from_kernel(unsafe {
                    $crate::ffi::rex_csum_diff(
                        ctx.ctx.as_ptr(),
                        from.as_ptr().cast(),
                        $crate::packet::length(from),
                        to.as_ptr().cast(),
                        $crate::packet::length(to),
                        seed,
                    )
                })
            }

            /// The TCP connection, or else the listener, that a packet with
            /// these addresses and ports is for. `netns`: the id of a network
            /// namespace, or `BPF_F_CURRENT_NETNS`.
            ///
            /// A program holds at most 32 resources at once; one more ends it.
            pub fn bpf_sk_lookup_tcp<T: $crate::sock::SockTuple>(
                &self,
                ctx: &$context,
                tuple: &T,
                netns: i32,
                flags: u64,
            ) -> Option<$crate::sock::OwnedSock> {
                $crate::sock::OwnedSock::look_up(
                    $crate::ffi::rex_sk_lookup_tcp,
                    ctx.ctx,
                    tuple,
                    netns,
                    flags,
                )
            }

            /// The UDP socket that such a packet is for.
            pub fn bpf_sk_lookup_udp<T: $crate::sock::SockTuple>(
                &self,
                ctx: &$context,
                tuple: &T,
                netns: i32,
                flags: u64,
            ) -> Option<$crate::sock::OwnedSock> {
                $crate::sock::OwnedSock::look_up(
                    $crate::ffi::rex_sk_lookup_udp,
                    ctx.ctx,
                    tuple,
                    netns,
                    flags,
                )
            }

            /// As `bpf_sk_lookup_tcp`, but also a connection that is only
            /// beginning (`BPF_TCP_NEW_SYN_RECV`) or has ended
            /// (`BPF_TCP_TIME_WAIT`).
            pub fn bpf_skc_lookup_tcp<T: $crate::sock::SockTuple>(
                &self,
                ctx: &$context,
                tuple: &T,
                netns: i32,
                flags: u64,
            ) -> Option<$crate::sock::OwnedSock> {
                $crate::sock::OwnedSock::look_up(
                    $crate::ffi::rex_skc_lookup_tcp,
                    ctx.ctx,
                    tuple,
                    netns,
                    flags,
                )
            }

            /// Gives a socket back, as its going out of scope does.
            pub fn bpf_sk_release(&self, sock: $crate::sock::OwnedSock) {
                drop(sock);
            }
        }
    };
}

pub(crate) use packet_helpers;
