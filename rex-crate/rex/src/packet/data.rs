// SPDX-License-Identifier: GPL-2.0-only
//! The bytes of a packet.

use core::ffi::c_void;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::slice;

use crate::plain::Plain;

/// The bytes of a packet: a slice, to all intents and purposes.
///
/// Not a `&mut [u8]` that a program could take out of the context and keep
/// when the packet has moved: it is borrowed from the context, and so are the
/// slices that are made of it.
pub struct PacketData {
    data: NonNull<u8>,
    len: usize,
    /// The socket buffer, while others may read the same bytes.
    shared: Option<NonNull<c_void>>,
}

impl PacketData {
    /// # Safety
    ///
    /// The bytes must be valid for reads, and without `shared` for writes,
    /// until [`set`](Self::set) is called or the program returns. Nobody else
    /// may write to them meanwhile, and nobody may read them while they are
    /// not `shared`, which is the context of a tc program.
    pub(crate) unsafe fn new(address: u64, len: u32, shared: Option<NonNull<c_void>>) -> Self {
        let mut data = Self {
            data: NonNull::dangling(),
            len: 0,
            shared,
        };
        // SAFETY: the caller's duty.
        unsafe { data.set(address, len, shared) };
        data
    }

    /// The packet has moved, or may have.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new).
    pub(crate) unsafe fn set(&mut self, address: u64, len: u32, shared: Option<NonNull<c_void>>) {
        let data = NonNull::new(ptr::with_exposed_provenance_mut(address as usize));
        self.len = if data.is_some() { len as usize } else { 0 };
        self.data = data.unwrap_or(NonNull::dangling());
        self.shared = shared;
    }

    /// Makes the bytes the packet's own, which may move them.
    #[cold]
    fn unshare(&mut self, skb: NonNull<c_void>) {
        let Some((address, len)) = crate::sched_cls::unshare(skb) else {
            panic!("no memory to write to a packet that others share");
        };
        // SAFETY: the kernel says that they are good, and nobody else's.
        unsafe { self.set(address, len, None) };
    }

    /// The `len` bytes in front of the packet.
    ///
    /// # Safety
    ///
    /// They must be valid for reads as those of the packet are, and nobody
    /// may write to them.
    pub(crate) unsafe fn in_front(&self, len: u32) -> &[u8] {
        let len = len as usize;
        if len == 0 {
            return &[];
        }
        // SAFETY: the caller's duty.
        unsafe { slice::from_raw_parts(self.data.as_ptr().sub(len), len) }
    }
}

impl Deref for PacketData {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `new` was promised that they are valid until `set`, which
        // takes `&mut self`.
        unsafe { slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }
}

impl DerefMut for PacketData {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        if let Some(skb) = self.shared {
            self.unshare(skb);
        }
        // SAFETY: as above, and they are nobody else's by now.
        unsafe { slice::from_raw_parts_mut(self.data.as_ptr(), self.len) }
    }
}

/// The header at `offset`.
#[track_caller]
#[inline]
pub(crate) fn header<T: Plain>(data: &mut PacketData, offset: usize) -> &mut T {
    const { assert!(align_of::<T>() == 1, "a packet has headers at any address") };
    let bytes = &mut data[offset..offset + size_of::<T>()];
    // SAFETY: as many bytes as T has, at an address that is aligned for it;
    // any bytes are a T, and any T is bytes: a type of alignment 1 has no
    // padding.
    unsafe { &mut *bytes.as_mut_ptr().cast() }
}
