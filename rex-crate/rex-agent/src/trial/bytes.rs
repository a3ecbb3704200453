// SPDX-License-Identifier: GPL-2.0-only
//! An object file that another thread may change while the kernel reads it.

use std::sync::atomic::{AtomicU8, Ordering};

/// Bytes that threads share and change without any order.
pub struct SharedBytes(Vec<AtomicU8>);

impl SharedBytes {
    /// A copy of `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        SharedBytes(bytes.iter().copied().map(AtomicU8::new).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// For the kernel to read; AtomicU8 has the layout of u8.
    pub fn address(&self) -> u64 {
        if self.0.is_empty() {
            0
        } else {
            self.0.as_ptr() as u64
        }
    }

    /// One byte.
    pub fn get(&self, at: usize) -> u8 {
        self.0[at].load(Ordering::Relaxed)
    }

    /// Changes one byte.
    pub fn set(&self, at: usize, byte: u8) {
        self.0[at].store(byte, Ordering::Relaxed);
    }

    /// All of them, as they are now.
    pub fn to_vec(&self) -> Vec<u8> {
        (0..self.len()).map(|at| self.get(at)).collect()
    }
}
