// SPDX-License-Identifier: GPL-2.0-only
//! Small things that several program types share.

use core::ptr;

use crate::convert::as_bytes;
pub use crate::convert::{
    Aligned, AlignedMut, convert_slice_to_struct, convert_slice_to_struct_mut, u16be,
};
pub use crate::map::PerfEventMaskedCPU;
pub use crate::plain::{NoPadding, NoRef, Plain};
pub use crate::read_field;
use crate::{Result, ffi, from_kernel};

/// Copies a value from kernel memory at any address; see
/// `bpf_probe_read_kernel`.
pub(crate) fn probe_read_kernel<T: Plain>(to: &mut T, from: *const ()) -> Result {
    // SAFETY: `to` is valid for writes of its size, and whatever bytes the
    // kernel puts there, all zeroes on failure, are a valid T because T is
    // plain. `from` may be any address: the kernel checks it.
    from_kernel(unsafe {
        ffi::rex_probe_read_kernel(ptr::from_mut(to).cast(), size_of::<T>(), from.cast())
    })
}

/// Copies a value from user memory; see `bpf_probe_read_user`.
pub(crate) fn probe_read_user<T: Plain>(to: &mut T, from: *const ()) -> Result {
    // SAFETY: as in probe_read_kernel.
    from_kernel(unsafe {
        ffi::rex_probe_read_user(ptr::from_mut(to).cast(), size_of::<T>(), from.cast())
    })
}

/// Copies a value to user memory; see `bpf_probe_write_user`.
pub(crate) fn probe_write_user<T: Plain + NoPadding>(to: *mut (), from: &T) -> Result {
    let from = as_bytes(from);
    // SAFETY: the bytes are valid for reads of their length. `to` may be any
    // address: the kernel checks that it is user space's.
    from_kernel(unsafe { ffi::rex_probe_write_user(to.cast(), from.as_ptr().cast(), from.len()) })
}
