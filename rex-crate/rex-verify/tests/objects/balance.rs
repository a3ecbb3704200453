// SPDX-License-Identifier: GPL-2.0-only
//! What a function gives back.

use crate::common::Object;
use rex_verify::{Rule, verify};

fn is_refused(code: &[u8]) -> bool {
    match verify(&Object::with_code(code).build()) {
        Ok(_) => false,
        Err(findings) => {
            let [finding] = &findings[..] else {
                panic!("{findings:?}")
            };
            assert_eq!(finding.rule, Rule::Stack);
            assert!(finding.message.contains("another rsp or rbp"), "{finding}");
            true
        }
    }
}

const RET: u8 = 0xc3;
const PUSH_RAX: u8 = 0x50;
const POP_RAX: u8 = 0x58;
const PUSH_RBP: u8 = 0x55;
const POP_RBP: u8 = 0x5d;
const LEAVE: u8 = 0xc9;
const MOV_RBP_RSP: [u8; 3] = [0x48, 0x89, 0xe5];
const MOV_RSP_RBP: [u8; 3] = [0x48, 0x89, 0xec];
const AND_RSP_64: [u8; 4] = [0x48, 0x83, 0xe4, 0xc0];
const LEA_RSP_RBP_8: [u8; 4] = [0x48, 0x8d, 0x65, 0xf8];

#[test]
fn frames_as_the_compiler_makes_them_are_taken() {
    let frame = [&[PUSH_RBP][..], &MOV_RBP_RSP].concat();
    for code in [
        &[RET][..],
        &[PUSH_RAX, POP_RAX, RET],
        &[&frame[..], &[POP_RBP, RET]].concat(),
        &[&frame[..], &[PUSH_RAX], &MOV_RSP_RBP, &[POP_RBP, RET]].concat(),
        &[&frame[..], &[PUSH_RAX, LEAVE, RET]].concat(),
        &[
            &frame[..],
            &[PUSH_RAX],
            &AND_RSP_64,
            &[PUSH_RAX],
            &LEA_RSP_RBP_8,
            &[POP_RAX, POP_RBP, RET],
        ]
        .concat(),
    ] {
        assert!(!is_refused(code), "{code:x?}");
    }
}

#[test]
fn a_return_goes_where_the_call_came_from() {
    // push rax; ret: wherever rax says
    assert!(is_refused(&[PUSH_RAX, RET]));
    assert!(is_refused(&[&AND_RSP_64[..], &[RET]].concat()));
    // je +1; push rax; ret: it depends
    assert!(is_refused(&[0x74, 1, PUSH_RAX, RET]));
}

#[test]
fn rbp_is_the_caller_s_again() {
    assert!(is_refused(&[PUSH_RAX, POP_RBP, RET]));
    assert!(is_refused(
        &[&[PUSH_RBP, POP_RAX][..], &MOV_RBP_RSP, &[RET]].concat()
    ));
    // Pushed over: push rbp; pop rax; push rax; pop rbp
    assert!(is_refused(&[PUSH_RBP, POP_RAX, PUSH_RAX, POP_RBP, RET]));
    // push rbp; mov rbp, rsp; again: pop rax; je again; push rax; leave; ret
    let looping = [
        &[PUSH_RBP][..],
        &MOV_RBP_RSP,
        &[PUSH_RAX, POP_RAX, 0x74, 0xfd, PUSH_RAX, POP_RAX, LEAVE, RET],
    ]
    .concat();
    assert!(is_refused(&looping));
}
