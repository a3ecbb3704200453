// SPDX-License-Identifier: GPL-2.0-only
//! A ring buffer's memory, as the kernel maps it: a page with the consumer's
//! position, which the reader writes, then read-only a page with the producer's
//! and the data, twice in a row.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering, fence};

use super::pages::{PAGE, Pages};
use super::{MapFd, SysResult};
use crate::error::Errno;
use crate::ringbuf::{MAP_TYPE, Records, Ring, drain};

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
            consumer: Pages::map(map.as_fd(), PAGE, write, 0)?,
            producer: Pages::map(map.as_fd(), PAGE + 2 * size, libc::PROT_READ, PAGE)?,
            size,
        })
    }
}

impl Ring for Mapping {
    fn size(&self) -> usize {
        self.size
    }

    fn producer(&self) -> u64 {
        let position = self.producer.word(0).load(Ordering::Relaxed);
        // What was written before it is seen after it. An acquiring load would
        // not do by the letter: the page is read-only.
        fence(Ordering::Acquire);
        position
    }

    fn consumer(&self) -> u64 {
        self.consumer.word(0).load(Ordering::Relaxed)
    }

    fn set_consumer(&self, position: u64) {
        // The kernel may overwrite what we have read before it.
        self.consumer.word(0).store(position, Ordering::Release);
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
