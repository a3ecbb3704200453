// SPDX-License-Identifier: GPL-2.0-only
//! Damages an object at random, preferably where the loader looks, and has the
//! kernel load it. The same seed damages the same places.

use serde::Deserialize;

use super::bytes::SharedBytes;
use super::kernel::{self, Load};
use super::report::Report;

/// Which and how many.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mutate {
    seed: u64,
    rounds: u32,
}

/// xorshift64*: small, and the same everywhere.
pub struct Random(u64);

impl Random {
    /// Any seed will do.
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From 0 to `limit` - 1; 0 when there is nothing to choose from.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

const EHDR: usize = 64;
const PHDR: usize = 56;
const SHDR: usize = 64;

impl Mutate {
    /// Loads `rounds` damaged copies.
    pub fn run(&self, load: &Load<'_>) -> Report {
        let whole = load.elf.to_vec();
        let places = Places::of(&whole);
        let mut random = Random::new(self.seed);
        let mut report = Report::default();
        for _ in 0..self.rounds {
            let elf = SharedBytes::new(&places.damage(&whole, &mut random));
            let damaged = Load { elf: &elf, ..*load };
            report.add(&kernel::load_and_close(&damaged, None));
        }
        report
    }
}

/// The parts of an object that the loader reads, as ranges of the file.
struct Places(Vec<std::ops::Range<usize>>);

impl Places {
    fn of(elf: &[u8]) -> Self {
        let mut places = Vec::new();
        let mut add = |start: usize, size: usize| {
            let range = start..start.saturating_add(size).min(elf.len());
            if range.len() >= 8 {
                places.push(range);
            }
        };
        let (phoff, shoff) = (u64_at(elf, 32) as usize, u64_at(elf, 40) as usize);
        let (phnum, shnum) = (u16_at(elf, 56) as usize, u16_at(elf, 60) as usize);
        // Headers more often than anything else: most of the loader is about them.
        for _ in 0..4 {
            add(0, EHDR);
            add(phoff, phnum * PHDR);
            add(shoff, shnum * SHDR);
        }
        const NOBITS: u32 = 8;
        for header in (0..shnum).map(|i| shoff.saturating_add(i * SHDR)) {
            let text = u64_at(elf, header.saturating_add(8)) & 4 != 0;
            if u32_at(elf, header.saturating_add(4)) != NOBITS && !text {
                let (offset, size) = (
                    u64_at(elf, header.saturating_add(24)),
                    u64_at(elf, header.saturating_add(32)),
                );
                add(offset as usize, size as usize);
            }
        }
        if places.is_empty() {
            places.push(0..elf.len());
        }
        Places(places)
    }

    fn damage(&self, whole: &[u8], random: &mut Random) -> Vec<u8> {
        let mut elf = whole.to_vec();
        for _ in 0..=random.below(3) {
            let place = self.0[random.below(self.0.len())].clone();
            let at = place.start + random.below(place.len() / 8) * 8;
            match random.below(8) {
                0 => {
                    // Something that means something elsewhere.
                    let from = self.0[random.below(self.0.len())].start;
                    let size = 8 << random.below(4);
                    if let Some(copy) = whole.get(from..from + size) {
                        write(&mut elf, at, copy);
                    }
                }
                1 if random.below(8) == 0 => elf.truncate(random.below(whole.len())),
                1 | 2 => write(&mut elf, at + random.below(8), &[random.next() as u8]),
                3 => write(
                    &mut elf,
                    at,
                    &(value(random, whole, at) as u16).to_le_bytes(),
                ),
                4 | 5 => write(
                    &mut elf,
                    at + 4 * random.below(2),
                    &(value(random, whole, at) as u32).to_le_bytes(),
                ),
                _ => write(&mut elf, at, &value(random, whole, at).to_le_bytes()),
            }
        }
        elf
    }
}

/// Numbers at which checks go wrong.
fn value(random: &mut Random, elf: &[u8], at: usize) -> u64 {
    let old = u64_at(elf, at);
    let size = elf.len() as u64;
    match random.below(3) {
        0 => random.choose(&[0, 1, 7, 8, 63, 64, 0xfff, 0x1000, 0x1001, 0xffff, 4 << 20]),
        1 => random.choose(&[
            u64::MAX,
            u64::MAX - 7,
            u64::MAX << 12,
            i64::MAX as u64,
            1 << 63,
            u32::MAX.into(),
            1 << 31,
            size,
            size.wrapping_sub(1),
            size.wrapping_sub(old),
            old.wrapping_neg(),
        ]),
        _ => old.wrapping_add(random.choose(&[
            1,
            8,
            4096,
            24,
            u64::MAX,
            u64::MAX - 7,
            u64::MAX << 12,
        ])),
    }
}

fn write(elf: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = elf.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn u16_at(elf: &[u8], at: usize) -> u16 {
    u64_at(elf, at) as u16
}

fn u32_at(elf: &[u8], at: usize) -> u32 {
    u64_at(elf, at) as u32
}

/// What lies beyond the end is 0.
fn u64_at(elf: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(elf.iter().skip(at)) {
        *to = *from;
    }
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Vec<u8> {
        let mut elf = vec![0x11; 1024];
        elf[32..40].copy_from_slice(&64u64.to_le_bytes());
        elf[40..48].copy_from_slice(&512u64.to_le_bytes());
        elf[56..58].copy_from_slice(&2u16.to_le_bytes());
        elf[60..62].copy_from_slice(&3u16.to_le_bytes());
        elf
    }

    #[test]
    fn the_same_seed_damages_the_same_places() {
        let elf = object();
        let places = Places::of(&elf);
        let damaged = |seed| {
            let mut random = Random::new(seed);
            (0..50)
                .map(|_| places.damage(&elf, &mut random))
                .collect::<Vec<_>>()
        };
        assert_eq!(damaged(7), damaged(7));
        assert_ne!(damaged(7), damaged(8));
        assert!(damaged(7).iter().filter(|copy| **copy != elf).count() > 40);
    }

    #[test]
    fn nothing_is_too_short_to_be_damaged() {
        for length in [0, 1, 8, 63, 64] {
            let elf = vec![0xff; length];
            let mut random = Random::new(3);
            let places = Places::of(&elf);
            for _ in 0..100 {
                assert!(places.damage(&elf, &mut random).len() <= length);
            }
        }
    }
}
