// SPDX-License-Identifier: GPL-2.0-only
//! What is generated, and that a seed gives the same.

use super::*;
use crate::trial::bytes::SharedBytes;

fn calls(seed: u64, count: usize) -> Vec<(u32, Vec<u8>, Option<bool>)> {
    let elf = SharedBytes::new(&[0; 64]);
    let load = Load {
        elf: &elf,
        maps: &[],
        map_count: None,
        log_size: None,
        flags: 0,
    };
    let mut trial = Trial {
        random: Random::new(seed),
        load: &load,
        fds: vec![3, 4, 4, 5, 6, -1, 9_999],
        object: 3,
        program: "program",
        maps: Vec::new(),
    };
    let mut made = Vec::new();
    for _ in 0..count {
        let mut call = trial.next();
        // Addresses are those of this process.
        call.attr.drain(..call.attr.len().min(16));
        made.push((call.command, call.attr, call.succeeds));
    }
    made
}

#[test]
fn the_same_seed_makes_the_same_calls_of_all_kinds() {
    let made = calls(7, 2_000);
    assert_eq!(made, calls(7, 2_000));
    assert_ne!(made, calls(8, 2_000));
    for command in [REX_OBJ_LOAD, REX_OBJ_GET_PROG] {
        for succeeds in [true, false] {
            let is_one = |(made, _, told): &&(u32, Vec<u8>, Option<bool>)| {
                *made == command && *told == Some(succeeds)
            };
            assert!(
                made.iter().filter(is_one).count() > 10,
                "{command} {succeeds}"
            );
        }
    }
}

#[test]
fn an_attr_ends_where_the_mapping_does() {
    let mut edge = Edge::new().unwrap();
    let start = edge.0 as usize;
    let at = edge.put(&[7; 24], 24);
    assert_eq!(at as usize + 24, start + 2 * PAGE);
    // SAFETY: within the two pages.
    assert_eq!(unsafe { at.add(23).read() }, 7);
    assert_eq!(edge.put(&[7; 24], 8) as usize + 8, start + 2 * PAGE);
}
