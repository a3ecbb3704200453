// SPDX-License-Identifier: GPL-2.0-only
//! Reading a ring buffer.
//!
//! The kernel and the reader share two positions, both ever growing, and the
//! bytes between them. A record is a header of 8 bytes, the first 4 of which
//! are its length and two flags, and its data, padded to 8 bytes. The kernel
//! maps the data twice in a row, so a record is never in two pieces.

/// enum bpf_map_type: a ring buffer.
pub const MAP_TYPE: u32 = 27;

const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
const HEADER_BYTES: usize = 8;

/// A ring buffer as its reader sees it.
pub(crate) trait Ring {
    /// Bytes of data, a power of two.
    fn size(&self) -> usize;
    /// Bytes that were ever reserved; what is in front of it can be seen.
    fn producer(&self) -> u64;
    /// Bytes that were ever read.
    fn consumer(&self) -> u64;
    /// Tells the kernel that everything in front of a position has been read.
    fn set_consumer(&self, position: u64);
    /// The first 4 bytes of the header at an offset below the size.
    fn header(&self, offset: usize) -> u32;
    /// A copy of `len` bytes at an offset up to the size, with at most the size between them.
    fn bytes(&self, offset: usize, len: usize) -> Vec<u8>;
}

/// Why reading ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadEnd {
    /// There is nothing more.
    #[default]
    Empty,
    /// The next record is reserved and not submitted yet.
    Busy,
    /// There is more than was asked for.
    Limit,
}

/// What was in a ring buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The records, oldest first.
    pub records: Vec<Vec<u8>>,
    /// How many between them were discarded.
    pub discarded: u32,
    /// Why there are no more.
    pub end: ReadEnd,
}

/// Takes records out, until there are `max_bytes` of them or more.
///
/// `None` for a buffer whose headers make no sense.
pub(crate) fn drain(ring: &impl Ring, max_bytes: usize) -> Option<Records> {
    let mut found = Records::default();
    let mut bytes = 0;
    loop {
        let consumer = ring.consumer();
        if consumer >= ring.producer() {
            return Some(found);
        }
        if bytes >= max_bytes {
            found.end = ReadEnd::Limit;
            return Some(found);
        }
        // A power of two: the remainder is below the size, which is a usize.
        let offset = usize::try_from(consumer % ring.size() as u64).ok()?;
        let header = ring.header(offset);
        if header & BUSY != 0 {
            found.end = ReadEnd::Busy;
            return Some(found);
        }
        let len = (header & !DISCARDED) as usize;
        let whole = (len + HEADER_BYTES).next_multiple_of(HEADER_BYTES);
        if whole > ring.size() {
            return None;
        }
        if header & DISCARDED == 0 {
            found.records.push(ring.bytes(offset + HEADER_BYTES, len));
        } else {
            found.discarded += 1;
        }
        bytes += whole;
        ring.set_consumer(consumer + whole as u64);
    }
}

#[cfg(test)]
mod tests;
