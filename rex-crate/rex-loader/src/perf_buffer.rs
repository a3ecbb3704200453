// SPDX-License-Identifier: GPL-2.0-only
//! Reading perf buffers.
//!
//! The kernel and the reader share two positions, both ever growing, and the
//! bytes between them, which go on at the start when they reach the end. A
//! record is a header of 8 bytes (type, misc, size of the whole) and what its
//! type says: of a sample the length of the data and the data, padded to 8
//! bytes; of a loss an id and a count.

use crate::sys::SysResult;

/// enum bpf_map_type: a perf event array.
pub const MAP_TYPE: u32 = 4;

const LOST: u32 = 2;
const SAMPLE: u32 = 9;
const HEADER_BYTES: usize = 8;

/// A perf buffer that is open, and closed when dropped.
pub trait PerfReader: Send {
    /// Takes out all there is.
    ///
    /// # Errors
    /// EPROTO for a buffer that makes no sense.
    fn read(&self) -> SysResult<PerfRecords>;
}

/// A perf buffer as its reader sees it.
pub(crate) trait PerfRing {
    /// Bytes of data, a power of two.
    fn size(&self) -> usize;
    /// Bytes that were ever written.
    fn head(&self) -> u64;
    /// Bytes that were ever read.
    fn tail(&self) -> u64;
    /// Tells the kernel that everything in front of a position has been read.
    fn set_tail(&self, position: u64);
    /// The byte at an offset below the size.
    fn byte(&self, offset: usize) -> u8;
}

/// What was in a perf buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PerfRecords {
    /// The data of the samples, oldest first, padded with what follows it to a
    /// length that is 4 more than a multiple of 8.
    pub samples: Vec<Vec<u8>>,
    /// How many did not fit the buffer.
    pub lost: u64,
}

/// Takes out all records. `None` for a buffer that makes no sense.
pub(crate) fn drain(ring: &impl PerfRing) -> Option<PerfRecords> {
    let mut found = PerfRecords::default();
    let (head, mut tail) = (ring.head(), ring.tail());
    while tail < head {
        let header = bytes(ring, tail, HEADER_BYTES)?;
        let size = usize::from(u16::from_ne_bytes([header[6], header[7]]));
        if size < HEADER_BYTES || size as u64 > head - tail {
            return None;
        }
        let body = bytes(ring, tail + HEADER_BYTES as u64, size - HEADER_BYTES)?;
        match number(&header)? {
            SAMPLE => {
                let len = usize::try_from(number(&body)?).ok()?;
                found.samples.push(body.get(4..4 + len)?.to_vec());
            }
            LOST => found.lost += u64::from_ne_bytes(body.get(8..16)?.try_into().ok()?),
            _ => {}
        }
        tail += size as u64;
        ring.set_tail(tail);
    }
    Some(found)
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?))
}

fn bytes(ring: &impl PerfRing, position: u64, len: usize) -> Option<Vec<u8>> {
    let size = ring.size() as u64;
    (0..len as u64)
        .map(|index| Some(ring.byte(usize::try_from((position + index) % size).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests;
