// SPDX-License-Identifier: GPL-2.0-only
//! Ring buffers: records that programs write and user space reads.

use core::ffi::c_void;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::slice;

use super::RexMapHandle;
use crate::linux::bpf::{
    BPF_MAP_TYPE_RINGBUF, BPF_RB_AVAIL_DATA, BPF_RB_CONS_POS, BPF_RB_PROD_POS, BPF_RB_RING_SIZE,
};
use crate::linux::errno::EINVAL;
use crate::text::cut;
use crate::{Result, ffi, from_kernel};

/// A ring buffer of `max_entries` bytes, a power of two and whole pages.
///
/// ```ignore
/// #[rex_map]
/// static EVENTS: RexRingBuf = RexRingBuf::new(4096, 0);
///
/// if let Some(mut event) = EVENTS.reserve(16) {
///     event[..8].copy_from_slice(&now.to_ne_bytes());
///     event.submit(0);
/// }
/// ```
pub type RexRingBuf = RexMapHandle<BPF_MAP_TYPE_RINGBUF, (), ()>;

impl RexMapHandle<BPF_MAP_TYPE_RINGBUF, (), ()> {
    /// Room for a record of `size` bytes, to fill and [submit]; `None` when
    /// there is none. The bytes are as an earlier record has left them.
    ///
    /// The reader can't read past an open reservation. A program holds at most
    /// 32 resources at once; one more ends it.
    ///
    /// [submit]: RexRingBufEntry::submit
    pub fn reserve(&'static self, size: usize) -> Option<RexRingBufEntry> {
        let map = self.map()?;
        // SAFETY: the map is a ring buffer: the loader compared it with the
        // record that rex_map wrote.
        let sample = unsafe { ffi::rex_ringbuf_reserve(map.as_ptr(), size as u64) };
        Some(RexRingBufEntry {
            sample: NonNull::new(sample.cast())?,
            len: size,
            written: 0,
        })
    }

    /// Writes a record at once; `Err(-EAGAIN)` when there is no room for it.
    /// `flags`: `BPF_RB_NO_WAKEUP`, `BPF_RB_FORCE_WAKEUP` or 0.
    pub fn output(&'static self, data: &[u8], flags: u64) -> Result {
        let map = self.map().ok_or(-(EINVAL as i32))?;
        let (data, size) = (data.as_ptr().cast::<c_void>(), data.len() as u64);
        // SAFETY: as in reserve; the data is valid for reads of its size.
        from_kernel(unsafe { ffi::rex_ringbuf_output(map.as_ptr(), data, size, flags) })
    }

    /// Bytes that were written and not read yet, the records' headers included.
    pub fn available_bytes(&'static self) -> u64 {
        self.query(BPF_RB_AVAIL_DATA)
    }

    /// Bytes of the buffer.
    pub fn size(&'static self) -> u64 {
        self.query(BPF_RB_RING_SIZE)
    }

    /// Bytes that were ever read.
    pub fn consumer_position(&'static self) -> u64 {
        self.query(BPF_RB_CONS_POS)
    }

    /// Bytes that were ever reserved.
    pub fn producer_position(&'static self) -> u64 {
        self.query(BPF_RB_PROD_POS)
    }

    fn query(&'static self, what: u32) -> u64 {
        self.map().map_or(0, |map| {
            // SAFETY: as in reserve.
            unsafe { ffi::rex_ringbuf_query(map.as_ptr(), u64::from(what)) }
        })
    }
}

/// A reserved record: a slice of bytes to fill, then to [submit](Self::submit).
///
/// One that goes out of scope otherwise is discarded, as is one that a panic
/// finds open. `write!` fills it with text from the start; what doesn't fit is
/// cut off and an error.
pub struct RexRingBufEntry {
    // A pointer, so neither Send nor Sync: no static can keep the reservation
    // beyond the run of the program, when the kernel takes it back.
    sample: NonNull<u8>,
    len: usize,
    /// Bytes that `write!` has filled.
    written: usize,
}

impl RexRingBufEntry {
    /// Gives the record to the reader. `flags`: `BPF_RB_NO_WAKEUP`,
    /// `BPF_RB_FORCE_WAKEUP` or 0.
    pub fn submit(self, flags: u64) {
        let entry = ManuallyDrop::new(self);
        // SAFETY: the sample is reserved, and nobody uses it after this.
        unsafe { ffi::rex_ringbuf_submit(entry.sample.as_ptr().cast(), flags) }
    }

    /// Takes the record back; the reader skips it. `flags` as for submit.
    pub fn discard(self, flags: u64) {
        let entry = ManuallyDrop::new(self);
        // SAFETY: the sample is reserved, and nobody uses it after this.
        unsafe { ffi::rex_ringbuf_discard(entry.sample.as_ptr().cast(), flags) }
    }
}

impl Deref for RexRingBufEntry {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the kernel has reserved `len` bytes, which are initialised,
        // for us alone: user space maps them read-only.
        unsafe { slice::from_raw_parts(self.sample.as_ptr(), self.len) }
    }
}

impl DerefMut for RexRingBufEntry {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in deref.
        unsafe { slice::from_raw_parts_mut(self.sample.as_ptr(), self.len) }
    }
}

impl fmt::Write for RexRingBufEntry {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = self.written;
        let part = cut(text, self.len - start);
        self[start..start + part.len()].copy_from_slice(part.as_bytes());
        self.written += part.len();
        if part.len() < text.len() {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

impl Drop for RexRingBufEntry {
    fn drop(&mut self) {
        // SAFETY: the sample is reserved, and nobody uses it after this.
        unsafe { ffi::rex_ringbuf_discard(self.sample.as_ptr().cast(), 0) }
    }
}
