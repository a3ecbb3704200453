// SPDX-License-Identifier: GPL-2.0-only

use std::cell::Cell;

use super::*;

const SIZE: usize = 64;

/// A buffer with records from `tail` on.
struct Memory {
    data: [u8; SIZE],
    head: u64,
    tail: Cell<u64>,
}

impl Memory {
    fn new(tail: u64) -> Self {
        Memory {
            data: [0xee; SIZE],
            head: tail,
            tail: Cell::new(tail),
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.data[(self.head % SIZE as u64) as usize] = *byte;
            self.head += 1;
        }
    }

    fn header(&mut self, record_type: u32, size: u16) {
        self.put(&record_type.to_ne_bytes());
        self.put(&[0, 0]);
        self.put(&size.to_ne_bytes());
    }
}

impl PerfRing for Memory {
    fn size(&self) -> usize {
        SIZE
    }
    fn head(&self) -> u64 {
        self.head
    }
    fn tail(&self) -> u64 {
        self.tail.get()
    }
    fn set_tail(&self, position: u64) {
        assert!(position > self.tail.get() && position <= self.head);
        self.tail.set(position);
    }
    fn byte(&self, offset: usize) -> u8 {
        self.data[offset]
    }
}

#[test]
fn an_empty_buffer_has_no_records() {
    assert_eq!(drain(&Memory::new(4096)).unwrap(), PerfRecords::default());
}

#[test]
fn samples_and_losses_are_read_also_across_the_end() {
    let mut ring = Memory::new(3 * SIZE as u64 - 12);
    ring.header(SAMPLE, 24);
    ring.put(&12u32.to_ne_bytes());
    ring.put(b"abcdefghijkl");
    ring.header(77, 8);
    ring.header(LOST, 24);
    ring.put(&1u64.to_ne_bytes());
    ring.put(&5u64.to_ne_bytes());
    let found = drain(&ring).unwrap();
    assert_eq!(found.samples, [b"abcdefghijkl".to_vec()]);
    assert_eq!(found.lost, 5);
    assert_eq!(ring.tail(), ring.head());
}

#[test]
fn what_makes_no_sense_is_told() {
    for size in [0, 7, 48] {
        let mut ring = Memory::new(0);
        ring.header(SAMPLE, size);
        assert_eq!(drain(&ring), None);
    }
    let mut ring = Memory::new(0);
    ring.header(SAMPLE, 16);
    ring.put(&100u32.to_ne_bytes());
    ring.put(&[0; 4]);
    assert_eq!(drain(&ring), None);
}
