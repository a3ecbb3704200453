// SPDX-License-Identifier: GPL-2.0-only
//! Sockets that packets are for.

use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr::{self, NonNull};

use rex_abi::rex_sock_info;

use crate::ffi;
pub use crate::linux::bpf::{
    BPF_F_CURRENT_NETNS, BPF_TCP_CLOSE, BPF_TCP_CLOSE_WAIT, BPF_TCP_ESTABLISHED, BPF_TCP_FIN_WAIT1,
    BPF_TCP_FIN_WAIT2, BPF_TCP_LISTEN, BPF_TCP_NEW_SYN_RECV, BPF_TCP_TIME_WAIT,
};
use crate::linux::bpf::{
    bpf_sock_tuple__bindgen_ty_1__bindgen_ty_1 as KernelTuple4,
    bpf_sock_tuple__bindgen_ty_1__bindgen_ty_2 as KernelTuple6,
};

/// Addresses and ports of an IPv4 packet, big-endian as they stand there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SockTuple4 {
    /// Address of the sender.
    pub saddr: u32,
    /// Address of the receiver.
    pub daddr: u32,
    /// Port of the sender.
    pub sport: u16,
    /// Port of the receiver.
    pub dport: u16,
}

/// Addresses and ports of an IPv6 packet, likewise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SockTuple6 {
    /// Address of the sender.
    pub saddr: [u32; 4],
    /// Address of the receiver.
    pub daddr: [u32; 4],
    /// Port of the sender.
    pub sport: u16,
    /// Port of the receiver.
    pub dport: u16,
}

const _: () = {
    assert!(size_of::<SockTuple4>() == size_of::<KernelTuple4>());
    assert!(offset_of!(SockTuple4, dport) == offset_of!(KernelTuple4, dport));
    assert!(size_of::<SockTuple6>() == size_of::<KernelTuple6>());
    assert!(offset_of!(SockTuple6, dport) == offset_of!(KernelTuple6, dport));
};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::SockTuple4 {}
    impl Sealed for super::SockTuple6 {}
}

/// What a socket is looked up by: [`SockTuple4`] or [`SockTuple6`]. The kernel
/// tells them apart by their size.
pub trait SockTuple: sealed::Sealed {}

impl SockTuple for SockTuple4 {}
impl SockTuple for SockTuple6 {}

/// One of the kernel's lookups.
pub(crate) type Lookup =
    unsafe extern "C" fn(*mut c_void, *const c_void, u32, u64, u64) -> *mut c_void;

/// A socket, given back when this goes out of scope or when the program ends
/// in any other way.
///
/// ```ignore
/// let tuple = SockTuple4 { saddr: ip.saddr, daddr: ip.daddr, sport: tcp.source, dport: tcp.dest };
/// match program.bpf_sk_lookup_tcp(ctx, &tuple, BPF_F_CURRENT_NETNS, 0) {
///     Some(sock) if sock.state() == BPF_TCP_LISTEN => Ok(XDP_PASS as i32),
///     _ => Ok(XDP_DROP as i32),
/// }
/// ```
///
/// What it says of the socket is as of the lookup, or of the last
/// [`refresh`](Self::refresh).
pub struct OwnedSock {
    // A pointer, so neither Send nor Sync: no static can keep the socket
    // beyond the run of the program, when the kernel takes it back.
    sock: NonNull<c_void>,
    info: rex_sock_info,
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name(&self) -> u32 {
            self.info.$name
        }
    )*};
}

impl OwnedSock {
    pub(crate) fn look_up<T: SockTuple>(
        lookup: Lookup,
        ctx: NonNull<c_void>,
        tuple: &T,
        netns: i32,
        flags: u64,
    ) -> Option<Self> {
        // Any negative id is the current namespace's.
        let netns = i64::from(netns).cast_unsigned();
        // SAFETY: the context is the kernel's own, and the tuple has that
        // many bytes; only the two types that the kernel knows are tuples.
        let sock = unsafe {
            lookup(
                ctx.as_ptr(),
                ptr::from_ref(tuple).cast(),
                size_of::<T>() as u32,
                netns,
                flags,
            )
        };
        let mut owned = Self {
            sock: NonNull::new(sock)?,
            info: rex_sock_info::default(),
        };
        owned.refresh();
        Some(owned)
    }

    /// Asks the kernel again.
    pub fn refresh(&mut self) {
        // SAFETY: we hold the socket, and `info` is valid for writes. It never
        // fails.
        unsafe { ffi::rex_sk_read(self.sock.as_ptr(), &raw mut self.info) };
    }

    getters! {
        /// Number of the device that it is bound to, or 0.
        bound_dev_if
        /// `AF_INET` (2) or `AF_INET6` (10).
        family
        /// `IPPROTO_*`; 0 for what `bpf_skc_lookup_tcp` gives besides full sockets.
        protocol
        /// What its packets are marked with; likewise.
        mark
        /// Priority of its packets; likewise.
        priority
        /// Its own IPv4 address, big-endian; 0 for any.
        src_ip4
        /// Its own port, in the machine's byte order.
        src_port
        /// The other end's IPv4 address, big-endian; 0 if it is not connected.
        dst_ip4
        /// The other end's port, big-endian.
        dst_port
        /// `BPF_TCP_*`.
        state
    }

    /// `SOCK_*`; 0 for what `bpf_skc_lookup_tcp` gives besides full sockets.
    pub fn r#type(&self) -> u32 {
        self.info.type_
    }

    /// Its own IPv6 address, big-endian.
    pub fn src_ip6(&self) -> [u32; 4] {
        self.info.src_ip6
    }

    /// The other end's IPv6 address, big-endian.
    pub fn dst_ip6(&self) -> [u32; 4] {
        self.info.dst_ip6
    }
}

impl Drop for OwnedSock {
    fn drop(&mut self) {
        // SAFETY: we hold the socket, and nobody uses it after this.
        unsafe { ffi::rex_sk_release(self.sock.as_ptr()) };
    }
}
