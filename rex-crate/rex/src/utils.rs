// SPDX-License-Identifier: GPL-2.0-only
//! Small things that several program types share.

use core::ptr;

pub use crate::plain::{NoRef, Plain};
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
