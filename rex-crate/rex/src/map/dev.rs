// SPDX-License-Identifier: GPL-2.0-only
//! Network devices that XDP programs redirect to.

use super::RexMapHandle;
use crate::linux::bpf::{BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH};
use crate::linux::errno::EINVAL;
use crate::{Result, ffi, from_kernel};

/// Devices by index: user space stores the number of an interface.
pub type RexDevMap = RexMapHandle<BPF_MAP_TYPE_DEVMAP, u32, u32>;

/// Devices by any number.
pub type RexDevMapHash = RexMapHandle<BPF_MAP_TYPE_DEVMAP_HASH, u32, u32>;

/// Maps of what a packet can be redirected to.
///
/// # Safety
///
/// The kernel's maps of this type must take redirections.
#[diagnostic::on_unimplemented(
    message = "a packet can't be redirected to what this map has",
    note = "a `RexDevMap` or `RexDevMapHash` has devices"
)]
pub unsafe trait Redirecting {}

// SAFETY: both do.
unsafe impl Redirecting for RexDevMap {}
// SAFETY: as above.
unsafe impl Redirecting for RexDevMapHash {}

impl<const MT: u32> RexMapHandle<MT, u32, u32>
where
    Self: Redirecting,
{
    /// As [`bpf_redirect_map`](crate::xdp::xdp::bpf_redirect_map). Any other
    /// program than an XDP program gets `XDP_ABORTED`, and nothing is sent.
    pub fn redirect(&'static self, key: u32, flags: u64) -> Result {
        let map = self.map().ok_or(-(EINVAL as i32))?;
        // SAFETY: the kernel compared the map's type with the record.
        from_kernel(unsafe { ffi::rex_xdp_redirect_map(map.as_ptr(), key.into(), flags) })
    }
}
