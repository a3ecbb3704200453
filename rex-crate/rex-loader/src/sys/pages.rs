// SPDX-License-Identifier: GPL-2.0-only
//! Memory that the kernel shares with us.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use super::SysResult;
use crate::error::Errno;

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// A mapped range, unmapped when dropped.
pub struct Pages {
    address: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to this object, whichever thread has it.
unsafe impl Send for Pages {}

impl Pages {
    /// Maps `len` bytes of a file of the kernel, shared with it.
    pub fn map(
        file: BorrowedFd<'_>,
        len: usize,
        protection: i32,
        offset: usize,
    ) -> SysResult<Self> {
        let offset = libc::off_t::try_from(offset).map_err(|_| Errno(libc::EINVAL))?;
        let fd = file.as_raw_fd();
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                protection,
                libc::MAP_SHARED,
                fd,
                offset,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let address = NonNull::new(address.cast()).ok_or(Errno(libc::ENOMEM))?;
        Ok(Pages { address, len })
    }

    /// The address of `len` bytes at an offset.
    pub fn at(&self, offset: usize, len: usize) -> *mut u8 {
        assert!(offset <= self.len && len <= self.len - offset);
        // SAFETY: within the mapping (asserted).
        unsafe { self.address.as_ptr().add(offset) }
    }

    /// The word at an offset that is a multiple of 8.
    pub fn word(&self, offset: usize) -> &AtomicU64 {
        let address = self.at(offset, 8);
        assert!(address.cast::<u64>().is_aligned());
        // SAFETY: mapped for as long as self and aligned (asserted); the
        // kernel accesses it by atomic operations too.
        unsafe { AtomicU64::from_ptr(address.cast()) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: our own mapping, to which no reference is left.
        unsafe { libc::munmap(self.address.as_ptr().cast(), self.len) };
    }
}
