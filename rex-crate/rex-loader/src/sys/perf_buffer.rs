// SPDX-License-Identifier: GPL-2.0-only
//! A perf buffer's memory: a page of positions, then the data. The kernel
//! writes to it only as far as the reader has said that it has read.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};

use super::SysResult;
use super::pages::{PAGE, Pages};
use crate::error::Errno;
use crate::perf_buffer::{PerfReader, PerfRecords, PerfRing, drain};

/// Bytes of data: 16 pages.
const SIZE: usize = 16 * PAGE;
/// Offsets in struct perf_event_mmap_page.
const DATA_HEAD: usize = 1024;
const DATA_TAIL: usize = 1032;

/// A perf buffer in our address space.
pub struct PerfMapping {
    // Unmapped before the event is closed.
    pages: Pages,
    event: OwnedFd,
}

impl PerfMapping {
    /// Maps the buffer of an event.
    pub fn new(event: OwnedFd) -> SysResult<Self> {
        let write = libc::PROT_READ | libc::PROT_WRITE;
        let pages = Pages::map(event.as_fd(), PAGE + SIZE, write, 0)?;
        Ok(PerfMapping { pages, event })
    }

    /// The event.
    pub fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

impl PerfRing for PerfMapping {
    fn size(&self) -> usize {
        SIZE
    }

    fn head(&self) -> u64 {
        self.pages.word(DATA_HEAD).load(Ordering::Acquire)
    }

    fn tail(&self) -> u64 {
        self.pages.word(DATA_TAIL).load(Ordering::Relaxed)
    }

    fn set_tail(&self, position: u64) {
        // The kernel may overwrite what we have read before it.
        self.pages
            .word(DATA_TAIL)
            .store(position, Ordering::Release);
    }

    fn byte(&self, offset: usize) -> u8 {
        let address = self.pages.at(PAGE + offset, 1);
        // SAFETY: mapped for as long as self; the kernel does not write there
        // until we say that we have read it.
        unsafe { AtomicU8::from_ptr(address) }.load(Ordering::Relaxed)
    }
}

impl PerfReader for PerfMapping {
    fn read(&self) -> SysResult<PerfRecords> {
        drain(self).ok_or(Errno(libc::EPROTO))
    }
}
