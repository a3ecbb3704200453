// SPDX-License-Identifier: GPL-2.0-only

use std::cell::{Cell, RefCell};

use proptest::prelude::*;

use super::*;

/// A ring buffer in plain memory, with the kernel's side of it.
struct Memory {
    data: RefCell<Vec<u8>>,
    producer: Cell<u64>,
    consumer: Cell<u64>,
}

impl Memory {
    fn new(size: usize, position: u64) -> Self {
        Memory {
            data: RefCell::new(vec![0xee; size]),
            producer: Cell::new(position),
            consumer: Cell::new(position),
        }
    }

    fn put(&self, at: u64, bytes: &[u8]) {
        let mut data = self.data.borrow_mut();
        let size = data.len();
        for (index, byte) in bytes.iter().enumerate() {
            data[(at as usize + index) % size] = *byte;
        }
    }

    /// False when there is no room.
    fn write(&self, record: &[u8], flags: u32) -> bool {
        let whole = (record.len() + HEADER_BYTES).next_multiple_of(HEADER_BYTES) as u64;
        let at = self.producer.get();
        if at + whole - self.consumer.get() > self.size() as u64 {
            return false;
        }
        self.put(at, &(record.len() as u32 | flags).to_le_bytes());
        self.put(at + HEADER_BYTES as u64, record);
        self.producer.set(at + whole);
        true
    }
}

impl Ring for Memory {
    fn size(&self) -> usize {
        self.data.borrow().len()
    }
    fn producer(&self) -> u64 {
        self.producer.get()
    }
    fn consumer(&self) -> u64 {
        self.consumer.get()
    }
    fn set_consumer(&self, position: u64) {
        self.consumer.set(position);
    }
    fn header(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.data.borrow()[offset..offset + 4].try_into().unwrap())
    }
    fn bytes(&self, offset: usize, len: usize) -> Vec<u8> {
        let data = self.data.borrow();
        (offset..offset + len)
            .map(|at| data[at % data.len()])
            .collect()
    }
}

#[test]
fn discarded_records_are_counted_and_open_ones_end_the_reading() {
    let ring = Memory::new(64, 0);
    assert!(ring.write(b"one", 0) && ring.write(b"", DISCARDED) && ring.write(b"two", BUSY));
    let read = drain(&ring, 1000).unwrap();
    assert_eq!(read.records, [b"one".to_vec()]);
    assert_eq!((read.discarded, read.end), (1, ReadEnd::Busy));
    assert_eq!(drain(&ring, 1000).unwrap().end, ReadEnd::Busy);
}

#[test]
fn a_limit_leaves_the_rest_for_the_next_time() {
    let ring = Memory::new(64, 0);
    assert!(ring.write(b"one", 0) && ring.write(b"two", 0));
    let read = drain(&ring, 1).unwrap();
    assert_eq!((read.records.len(), read.end), (1, ReadEnd::Limit));
    let read = drain(&ring, 1).unwrap();
    assert_eq!(read.records, [b"two".to_vec()]);
    assert_eq!(read.end, ReadEnd::Empty);
}

#[test]
fn a_record_longer_than_the_buffer_makes_no_sense() {
    let ring = Memory::new(64, 0);
    assert!(ring.write(b"one", 100));
    assert_eq!(drain(&ring, 1000), None);
}

proptest! {
    #[test]
    fn what_is_written_is_read_wherever_the_buffer_stands(
        rounds in 0u64..20,
        records in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..70), any::<bool>()), 0..40),
    ) {
        let ring = Memory::new(128, rounds * 8);
        let (mut expected, mut read, mut discarded) = (Vec::new(), Vec::new(), 0);
        for (record, kept) in &records {
            let flags = if *kept { 0 } else { DISCARDED };
            if !ring.write(record, flags) {
                let part = drain(&ring, usize::MAX).unwrap();
                prop_assert_eq!(part.end, ReadEnd::Empty);
                discarded += part.discarded;
                read.extend(part.records);
                prop_assert!(ring.write(record, flags));
            }
            if *kept {
                expected.push(record.clone());
            }
        }
        let part = drain(&ring, usize::MAX).unwrap();
        discarded += part.discarded;
        read.extend(part.records);
        prop_assert_eq!(&read, &expected);
        prop_assert_eq!(discarded as usize, records.len() - expected.len());
        prop_assert_eq!(ring.consumer(), ring.producer());
    }
}
