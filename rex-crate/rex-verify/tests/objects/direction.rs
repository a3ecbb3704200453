// SPDX-License-Identifier: GPL-2.0-only
//! The direction flag: set and cleared again within a function.

use crate::common::{GOT, Object, TEXT};
use rex_verify::{Finding, Rule, verify};

const STD: u8 = 0xfd;
const CLD: u8 = 0xfc;
const RET: u8 = 0xc3;
/// `rep movsb`
const COPY: [u8; 2] = [0xf3, 0xa4];

fn findings(code: &[u8]) -> Vec<Finding> {
    let verified = verify(&Object::with_code(code).build());
    verified.err().unwrap_or_default()
}

#[test]
fn copying_backwards_is_allowed() {
    // je over the copy; std; rep movsb; cld; ret
    let code = [&[0x74, 4, STD][..], &COPY, &[CLD, RET]].concat();
    assert_eq!(findings(&code), []);
    // A trap in between is the kernel's business.
    let trap = [&[STD][..], &COPY, &[0x0f, 0x0b]].concat();
    assert_eq!(findings(&trap), []);
    // A loop that comes back with the flag as it was: 1: std; cld; jne 1b
    assert_eq!(findings(&[STD, CLD, 0x75, 0xfc, RET]), []);
}

#[test]
fn nobody_else_sees_the_flag_set() {
    let distance = GOT.wrapping_sub(TEXT + 7) as u32;
    let import = [&[STD, 0xff, 0x15][..], &distance.to_le_bytes(), &[CLD, RET]].concat();
    let tail = [&[STD, 0xff, 0x25][..], &distance.to_le_bytes()].concat();
    // std; call the function itself; cld; ret
    let call = vec![STD, 0xe8, 0xfa, 0xff, 0xff, 0xff, CLD, RET];
    // std; call rax; cld; ret
    let pointer = vec![STD, 0xff, 0xd0, CLD, RET];
    // je 1f; std; 1: ret
    let one_way = vec![0x74, 1, STD, RET];
    // 1: cld; je 1f; std; jmp 1b would be fine; without cld it isn't
    let around = vec![0x74, 3, STD, 0xeb, 0xfb, RET];
    for code in [vec![STD, RET], import, tail, call, pointer, one_way, around] {
        let found = findings(&code);
        assert_eq!(found.len(), 1, "{code:x?}: {found:?}");
        assert_eq!(found[0].rule, Rule::Direction);
    }
}
