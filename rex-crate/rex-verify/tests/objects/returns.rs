// SPDX-License-Identifier: GPL-2.0-only
//! What a function ends with.

use crate::common::{Code, GOT, Object, TEXT};
use rex_verify::{Rule, verify};

/// An object of these functions, the first of which is the program. The
/// first import comes back, the second doesn't.
fn verdict(functions: &[&[u8]]) -> Result<(), String> {
    let mut object = Object::good();
    object.imports = vec!["rex_trace_print", "rex_panic_end"];
    let names = ["first", "second", "third"];
    object.functions = names
        .into_iter()
        .zip(functions)
        .map(|(name, bytes)| Code {
            name,
            bytes: bytes.to_vec(),
        })
        .collect();
    let findings = verify(&object.build()).err().unwrap_or_default();
    // Recursion without a check is another matter.
    let mut findings = findings.iter().filter(|f| f.rule != Rule::Stack);
    let Some(first) = findings.next() else {
        return Ok(());
    };
    assert_eq!((first.rule, findings.next()), (Rule::Target, None));
    Err(first.message.clone())
}

/// `call` of an import, from an offset of the text.
fn import(at: u64, index: u64) -> Vec<u8> {
    let distance = (GOT + 8 * index).wrapping_sub(TEXT + at + 6) as u32;
    [&[0xff, 0x15][..], &distance.to_le_bytes()].concat()
}

/// `call` from an offset of the text to another.
fn call(from: u64, to: u64) -> Vec<u8> {
    let distance = to.wrapping_sub(from + 5) as u32;
    [&[0xe8][..], &distance.to_le_bytes()].concat()
}

const RET: &[u8] = &[0xc3];
const UD2: &[u8] = &[0x0f, 0x0b];

#[test]
fn the_end_may_be_a_call_that_does_not_come_back() {
    assert_eq!(verdict(&[UD2]), Ok(()));
    assert_eq!(verdict(&[&import(0, 1)]), Ok(()));
    // first calls second, which calls what ends the program
    assert_eq!(verdict(&[&call(0, 5), &import(5, 1)]), Ok(()));
    // Nor do two that only call each other.
    assert_eq!(verdict(&[&call(0, 5), &call(5, 0)]), Ok(()));
    // Nor one that jumps to such a one: jmp second
    let jump = [0xe9, 0, 0, 0, 0];
    let calls_it = call(0, 5);
    assert_eq!(verdict(&[&calls_it, &jump, &import(10, 1)]), Ok(()));
}

#[test]
fn nothing_runs_on_into_the_next_function() {
    let refused: &[&[&[u8]]] = &[
        // nop; a branch that may not be taken
        &[&[0x90], RET],
        &[&[0x75, 0xfe], RET],
        // calls of an import, of a function and through a pointer that come back
        &[&import(0, 0), RET],
        &[&call(0, 5), RET],
        &[&[0xff, 0xd0], RET],
        // second returns on one way: je over ret; ud2
        &[&call(0, 5), &[0x74, 1, 0xc3, 0x0f, 0x0b]],
        // second is a jump to third, which returns
        &[&call(0, 5), &[0xe9, 0, 0, 0, 0], RET],
    ];
    for functions in refused {
        let message = verdict(functions).unwrap_err();
        assert!(
            message.starts_with("`first`+0x0: goes on behind the end"),
            "{functions:x?}: {message}"
        );
    }
}

#[test]
fn a_word_that_may_be_written_to_leads_nowhere() {
    let code = [&import(0, 0)[..], RET].concat();
    let mut object = Object::with_code(&code);
    assert!(verify(&object.build()).is_ok());
    // RELRO that ends before the page does is none, for that page.
    object.relro_size = 0xfff;
    let findings = verify(&object.build()).unwrap_err();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].rule, Rule::Target);
    assert!(findings[0].message.contains("may write to"));
}
