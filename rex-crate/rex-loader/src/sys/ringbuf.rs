// SPDX-License-Identifier: GPL-2.0-only
//! A ring buffer's memory, as the kernel maps it: a page with the consumer's
//! position, which the reader writes, then read-only a page with the producer's
//! and the data, twice in a row.

use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

use super::{MapFd, SysResult};
use crate::error::Errno;
use crate::ringbuf::{MAP_TYPE, Records, Ring, drain};

const PAGE: usize = 4096;

/// A mapped range, unmapped when dropped.
struct Pages {
    address: NonNull<u8>,
    len: usize,
}

impl Pages {
    fn map(map: &MapFd, len: usize, protection: i32, offset: usize) -> SysResult<Self> {
        let offset = libc::off_t::try_from(offset).map_err(|_| Errno(libc::EINVAL))?;
        let fd = map.as_fd().as_raw_fd();
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
    fn at(&self, offset: usize, len: usize) -> *mut u8 {
        assert!(offset <= self.len && len <= self.len - offset);
        // SAFETY: within the mapping (asserted).
        unsafe { self.address.as_ptr().add(offset) }
    }

    fn position(&self) -> &AtomicU64 {
        // SAFETY: mapped for as long as self, aligned to a page; the kernel
        // accesses it by atomic operations too.
        unsafe { AtomicU64::from_ptr(self.at(0, 8).cast()) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: our own mapping, to which no reference is left.
        unsafe { libc::munmap(self.address.as_ptr().cast(), self.len) };
    }
}

/// A ring buffer in our address space.
pub struct Mapping {
    consumer: Pages,
    producer: Pages,
    size: usize,
}

impl Mapping {
    /// Maps a ring buffer.
    pub fn new(map: &MapFd) -> SysResult<Self> {
        let size = map.shape().max_entries as usize;
        if map.shape().map_type != MAP_TYPE || !size.is_power_of_two() {
            return Err(Errno(libc::EINVAL));
        }
        let write = libc::PROT_READ | libc::PROT_WRITE;
        Ok(Mapping {
            consumer: Pages::map(map, PAGE, write, 0)?,
            producer: Pages::map(map, PAGE + 2 * size, libc::PROT_READ, PAGE)?,
            size,
        })
    }
}

impl Ring for Mapping {
    fn size(&self) -> usize {
        self.size
    }

    fn producer(&self) -> u64 {
        let position = self.producer.position().load(Ordering::Relaxed);
        // What was written before it is seen after it. An acquiring load would
        // not do by the letter: the page is read-only.
        fence(Ordering::Acquire);
        position
    }

    fn consumer(&self) -> u64 {
        self.consumer.position().load(Ordering::Relaxed)
    }

    fn set_consumer(&self, position: u64) {
        // The kernel may overwrite what we have read before it.
        self.consumer.position().store(position, Ordering::Release);
    }

    fn header(&self, offset: usize) -> u32 {
        let address = self.producer.at(PAGE + offset, 4);
        assert!(address.cast::<u32>().is_aligned());
        // SAFETY: mapped, aligned (asserted); only relaxed loads are made.
        let header = unsafe { AtomicU32::from_ptr(address.cast()) }.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        header
    }

    fn bytes(&self, offset: usize, len: usize) -> Vec<u8> {
        let address = self.producer.at(PAGE + offset, len);
        // SAFETY: mapped; only relaxed loads are made.
        let load =
            |index| unsafe { AtomicU8::from_ptr(address.add(index)) }.load(Ordering::Relaxed);
        (0..len).map(load).collect()
    }
}

/// Takes records out of a ring buffer.
pub fn read(ring: &Mapping, max_bytes: usize) -> SysResult<Records> {
    drain(ring, max_bytes).ok_or(Errno(libc::EPROTO))
}
