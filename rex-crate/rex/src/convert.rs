// SPDX-License-Identifier: GPL-2.0-only
//! Bytes as typed data, and back.

use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr;

use crate::plain::{NO_PADDING_MAX_BYTES, NoPadding, Plain};

/// The start of `bytes` as a `T`.
///
/// `T` must be [`Plain`]: whatever the bytes are, they are a value of it. A
/// slice that isn't aligned for `T` is copied, so it may begin anywhere.
///
/// # Panics
///
/// When `bytes` is shorter than a `T`.
#[track_caller]
pub fn convert_slice_to_struct<T: Plain>(bytes: &[u8]) -> Aligned<'_, T> {
    check_length::<T>(bytes.len());
    let start: *const T = bytes.as_ptr().cast();
    Aligned(if start.is_aligned() {
        // SAFETY: aligned, within the slice, borrowed for as long as it, and
        // any bytes are a valid T: T is plain.
        View::InPlace(unsafe { &*start })
    } else {
        // SAFETY: as above, and the read needs no alignment.
        View::Copy(unsafe { start.read_unaligned() })
    })
}

/// The start of `bytes` as a `T` that can be changed.
///
/// `T` must be [`Plain`] and have no padding: writing to padding would leave
/// bytes that are no data. A slice that isn't aligned for `T` is copied, and
/// written back when the [`AlignedMut`] goes out of scope.
///
/// # Panics
///
/// When `bytes` is shorter than a `T`.
#[track_caller]
pub fn convert_slice_to_struct_mut<T: Plain + NoPadding>(bytes: &mut [u8]) -> AlignedMut<'_, T> {
    const { assert!(size_of::<T>() <= NO_PADDING_MAX_BYTES) };
    check_length::<T>(bytes.len());
    let bytes = &mut bytes[..size_of::<T>()];
    let start: *mut T = bytes.as_mut_ptr().cast();
    AlignedMut(if start.is_aligned() {
        // SAFETY: aligned, all of the slice, borrowed mutably for as long as
        // it; any bytes are a valid T, and a T has no bytes that aren't data.
        ViewMut::InPlace(unsafe { &mut *start })
    } else {
        // SAFETY: as above, and the read needs no alignment.
        let copy = unsafe { start.read_unaligned() };
        ViewMut::Copy { copy, bytes }
    })
}

#[track_caller]
fn check_length<T>(len: usize) {
    let need = size_of::<T>();
    assert!(
        len >= need,
        "a {} has {need} bytes, the slice only {len}",
        core::any::type_name::<T>()
    );
}

/// A `T` in borrowed bytes; see [`convert_slice_to_struct`].
pub struct Aligned<'a, T: Plain>(View<'a, T>);

enum View<'a, T> {
    InPlace(&'a T),
    Copy(T),
}

impl<T: Plain> Deref for Aligned<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            View::InPlace(value) => value,
            View::Copy(value) => value,
        }
    }
}

/// A `T` in mutably borrowed bytes; see [`convert_slice_to_struct_mut`].
pub struct AlignedMut<'a, T: Plain + NoPadding>(ViewMut<'a, T>);

enum ViewMut<'a, T> {
    InPlace(&'a mut T),
    /// The bytes are as many as a T has.
    Copy {
        copy: T,
        bytes: &'a mut [u8],
    },
}

impl<T: Plain + NoPadding> Deref for AlignedMut<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            ViewMut::InPlace(value) => value,
            ViewMut::Copy { copy, .. } => copy,
        }
    }
}

impl<T: Plain + NoPadding> DerefMut for AlignedMut<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.0 {
            ViewMut::InPlace(value) => value,
            ViewMut::Copy { copy, .. } => copy,
        }
    }
}

impl<T: Plain + NoPadding> Drop for AlignedMut<'_, T> {
    fn drop(&mut self) {
        if let ViewMut::Copy { copy, bytes } = &mut self.0 {
            bytes.copy_from_slice(as_bytes(copy));
        }
    }
}

/// The bytes of a value.
pub(crate) fn as_bytes<T: Plain + NoPadding>(value: &T) -> &[u8] {
    const { assert!(size_of::<T>() <= NO_PADDING_MAX_BYTES) };
    // SAFETY: a T has no bytes that aren't initialised, as NoPadding says for
    // a T of this size, and the slice borrows it.
    unsafe { core::slice::from_raw_parts(ptr::from_ref(value).cast(), size_of::<T>()) }
}

/// A 16-bit number that lies in memory in network order: most significant byte
/// first, as in protocol headers. It compares with, and converts to, an
/// ordinary `u16`.
#[allow(non_camel_case_types)]
#[repr(transparent)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct u16be(u16);

impl u16be {
    /// `number` in network order.
    pub const fn new(number: u16) -> Self {
        Self(number.to_be())
    }

    /// The number.
    pub const fn get(self) -> u16 {
        u16::from_be(self.0)
    }
}

impl From<u16> for u16be {
    fn from(number: u16) -> Self {
        Self::new(number)
    }
}

impl From<u16be> for u16 {
    fn from(number: u16be) -> Self {
        number.get()
    }
}

impl PartialEq<u16> for u16be {
    fn eq(&self, other: &u16) -> bool {
        self.get() == *other
    }
}

impl PartialOrd for u16be {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for u16be {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.get().cmp(&other.get())
    }
}

impl fmt::Debug for u16be {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}

impl fmt::Display for u16be {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

/// A copy of a field, also of a packed struct, whose fields can't be borrowed:
/// `read_field!(header, ports.source)`.
#[macro_export]
macro_rules! read_field {
    ($value:expr, $first:tt $(. $more:tt)*) => {{
        let value = &$value;
        { value.$first $(. $more)* }
    }};
}
