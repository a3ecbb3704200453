// SPDX-License-Identifier: GPL-2.0-only
//! Frames: a little-endian `u32` byte length, then that many bytes of UTF-8
//! JSON.
//!
//! Nothing is believed of the other side. The length only bounds a read that
//! grows with what really arrives; an over-long frame is read to its end and
//! reported, so that the next frame is found; what is in a frame is the
//! business of [`envelope`](crate::envelope).

use std::io::{self, Read, Write};

/// Largest payload of a frame, in bytes.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// What [`read_frame`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A frame's payload.
    Frame(Vec<u8>),
    /// A frame longer than [`MAX_FRAME_BYTES`]; its bytes were dropped.
    TooLong {
        /// Length that the frame announced.
        bytes: usize,
    },
    /// The other side closed, between two frames.
    Closed,
}

/// Reads one frame.
///
/// # Errors
/// `UnexpectedEof` when the other side closes within a frame, and whatever the
/// reader itself returns.
pub fn read_frame(reader: &mut impl Read) -> io::Result<Incoming> {
    let mut header = [0; 4];
    match read_some(reader, &mut header)? {
        0 => return Ok(Incoming::Closed),
        n => reader.read_exact(&mut header[n..])?,
    }
    let bytes = u32::from_le_bytes(header) as usize;
    let mut body = reader.take(bytes as u64);
    if bytes > MAX_FRAME_BYTES {
        let drained = io::copy(&mut body, &mut io::sink())?;
        complete(drained, bytes)?;
        return Ok(Incoming::TooLong { bytes });
    }
    let mut payload = Vec::new();
    let read = body.read_to_end(&mut payload)?;
    complete(read as u64, bytes)?;
    Ok(Incoming::Frame(payload))
}

/// `read` that is repeated when a signal interrupts it.
fn read_some(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn complete(got: u64, announced: usize) -> io::Result<()> {
    if got == announced as u64 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("closed after {got} of the {announced} bytes of a frame"),
    ))
}

/// Writes one frame in a single `write_all`, so that a writer that is shared
/// under a lock never interleaves two.
///
/// # Errors
/// `InvalidInput` when the payload is longer than [`MAX_FRAME_BYTES`] (nothing
/// is written), and whatever the writer itself returns.
pub fn write_frame(writer: &mut impl Write, payload: &[u8]) -> io::Result<()> {
    if payload.len() > MAX_FRAME_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "a frame of {} bytes; at most {MAX_FRAME_BYTES} are allowed",
                payload.len()
            ),
        ));
    }
    let length = u32::try_from(payload.len()).expect("bounded above");
    let mut frame = Vec::with_capacity(4 + payload.len());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(payload);
    writer.write_all(&frame)?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives its bytes in the pieces asked for, to look like a serial port.
    struct Trickle<'a> {
        bytes: &'a [u8],
        piece: usize,
    }

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.piece.min(buffer.len()).min(self.bytes.len());
            buffer[..n].copy_from_slice(&self.bytes[..n]);
            self.bytes = &self.bytes[n..];
            Ok(n)
        }
    }

    proptest! {
        #[test]
        fn round_trip(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..8),
            piece in 1usize..64,
        ) {
            let mut wire = Vec::new();
            for payload in &payloads {
                write_frame(&mut wire, payload).unwrap();
            }
            let mut reader = Trickle { bytes: &wire, piece };
            for payload in payloads {
                prop_assert_eq!(read_frame(&mut reader).unwrap(), Incoming::Frame(payload));
            }
            prop_assert_eq!(read_frame(&mut reader).unwrap(), Incoming::Closed);
        }

        #[test]
        fn random_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), piece in 1usize..64) {
            let mut reader = Trickle { bytes: &bytes, piece };
            // Every frame takes at least its header, so this many reads reach the end.
            for _ in 0..=bytes.len() / 4 + 1 {
                match read_frame(&mut reader) {
                    Ok(Incoming::Closed) | Err(_) => return Ok(()),
                    Ok(_) => {}
                }
            }
            prop_assert!(false, "the reader did not come to the end");
        }

        #[test]
        fn every_cut_is_noticed(payload in proptest::collection::vec(any::<u8>(), 1..100), cut in any::<prop::sample::Index>()) {
            let mut wire = Vec::new();
            write_frame(&mut wire, &payload).unwrap();
            let cut = 1 + cut.index(wire.len() - 1);
            let error = read_frame(&mut &wire[..cut]).unwrap_err();
            prop_assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }

    }

    proptest! {
        // Each case moves 16 MiB.
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn an_over_long_frame_is_drained(extra in 1usize..100_000, next in proptest::collection::vec(any::<u8>(), 0..50)) {
            let bytes = MAX_FRAME_BYTES + extra;
            let mut tail = Vec::new();
            write_frame(&mut tail, &next).unwrap();
            let header = u32::try_from(bytes).unwrap().to_le_bytes();
            let mut reader = header.chain(io::repeat(b'x').take(bytes as u64)).chain(&tail[..]);
            prop_assert_eq!(read_frame(&mut reader).unwrap(), Incoming::TooLong { bytes });
            prop_assert_eq!(read_frame(&mut reader).unwrap(), Incoming::Frame(next));
        }
    }

    #[test]
    fn the_longest_frame_passes_and_one_byte_more_is_refused() {
        let payload = vec![b' '; MAX_FRAME_BYTES];
        let mut wire = Vec::new();
        write_frame(&mut wire, &payload).unwrap();
        assert_eq!(
            read_frame(&mut &wire[..]).unwrap(),
            Incoming::Frame(payload)
        );

        let mut wire = Vec::new();
        let error = write_frame(&mut wire, &vec![b' '; MAX_FRAME_BYTES + 1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(wire.is_empty());
    }

    #[test]
    fn a_huge_announcement_allocates_nothing() {
        let error = read_frame(&mut &u32::MAX.to_le_bytes()[..]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("4294967295"), "{error}");
    }
}
