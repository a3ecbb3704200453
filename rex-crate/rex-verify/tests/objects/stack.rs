// SPDX-License-Identifier: GPL-2.0-only
//! Frames, bounds, and the check that functions without a bound begin with.

use crate::common::{Code, GOT, Object, RET, TEXT};
use rex_verify::stack::{Bound, Unproven};
use rex_verify::{Rule, verify};

/// The import's word in the GOT.
const LOW: u64 = GOT + 8;
/// Length of the check.
const CHECK: u64 = 15;
/// Bytes above the first frame.
const ABOVE: i64 = 24;

/// `test esp, half; je 1f; ret; 1: jmp [rip + …]` at an address.
fn check(at: u64, half: u32, slot: u64) -> Code {
    let distance = slot.wrapping_sub(at + CHECK) as u32;
    let mut bytes = vec![0xf7, 0xc4];
    bytes.extend(half.to_le_bytes());
    bytes.extend([0x74, 0x01, 0xc3, 0xff, 0x25]);
    bytes.extend(distance.to_le_bytes());
    assert_eq!(bytes.len() as u64, CHECK);
    Code {
        name: "mcount",
        bytes,
    }
}

/// An object whose first function is the check and whose last is the program.
fn object(functions: &[&[u8]]) -> Object {
    let mut object = Object::good();
    object.imports = vec!["rex_trace_print", "rex_stack_low"];
    object.functions = vec![check(TEXT, 0x4000, LOW)];
    let names = ["first", "second", "third", "fourth", "fifth"];
    let mut entry = TEXT;
    for (name, bytes) in names.into_iter().zip(functions) {
        entry += object.functions.last().unwrap().bytes.len() as u64;
        let bytes = bytes.to_vec();
        object.functions.push(Code { name, bytes });
    }
    object.entry = Some(entry);
    object
}

fn bound(functions: &[&[u8]]) -> Bound {
    let verified = verify(&object(functions).build()).unwrap();
    verified.bounds["program"].clone()
}

#[track_caller]
fn refused(object: &Object) -> String {
    let findings = verify(&object.build()).unwrap_err();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].rule, Rule::Stack);
    findings[0].message.clone()
}

/// `call` or `jmp` from an offset of the text to another.
fn go(opcode: u8, from: u64, to: u64) -> Vec<u8> {
    let distance = to.wrapping_sub(from + 5) as u32;
    [&[opcode][..], &distance.to_le_bytes()].concat()
}

const CALL: u8 = 0xe8;
const JMP: u8 = 0xe9;
/// `push rbp; mov rbp, rsp`
const ENTER: &[u8] = &[0x55, 0x48, 0x89, 0xe5];
/// `pop rbp; ret`
const LEAVE: &[u8] = &[0x5d, 0xc3];
/// `call rax`
const INDIRECT: &[u8] = &[0xff, 0xd0];

/// `sub rsp, bytes`
fn sub(bytes: u32) -> Vec<u8> {
    [&[0x48, 0x81, 0xec][..], &bytes.to_le_bytes()].concat()
}

#[test]
fn a_frame_is_what_its_instructions_allocate() {
    let frame = |code: &[u8]| bound(&[code]).unwrap() - ABOVE;
    assert_eq!(frame(&[0xc3]), 0);
    assert_eq!(frame(&[ENTER, LEAVE].concat()), 8);
    // lea rsp, [rbp] before the end
    let lea = &[0x48, 0x8d, 0x65, 0x00];
    assert_eq!(frame(&[ENTER, &sub(0x100), lea, LEAVE].concat()), 0x108);
    // leave; ret
    assert_eq!(frame(&[ENTER, &sub(0x80), &[0xc9, 0xc3]].concat()), 0x88);
    // and rsp, -64 adds 63 at most
    let and = &[0x48, 0x83, 0xe4, 0xc0];
    assert_eq!(frame(&[ENTER, and, lea, LEAVE].concat()), 8 + 63);
    // A frame that only one of two ways allocates: je over push rax; pop rax
    let branch = &[0x74, 0x02, 0x50, 0x58, 0xc3];
    assert_eq!(frame(branch), 8);
    // Calling the kernel takes a return address.
    let distance = GOT.wrapping_sub(TEXT + CHECK + 6) as u32;
    let import = [&[0xff, 0x15][..], &distance.to_le_bytes(), &[0xc3]].concat();
    assert_eq!(frame(&import), 8);
}

#[test]
fn the_bound_goes_through_calls_and_tail_calls() {
    // first: push rbp; …; ret needs 8
    let leaf = [ENTER, LEAVE].concat();
    let size = leaf.len() as u64;
    // second: sub rsp, 0x40; call first; add rsp, 0x40; ret
    let add = [0x48, 0x83, 0xc4, 0x40];
    let at = CHECK + size;
    let caller = [&sub(0x40)[..], &go(CALL, at + 7, CHECK), &add, &[0xc3]].concat();
    assert_eq!(bound(&[&leaf, &caller]), Ok(ABOVE + 0x40 + 8 + 8));
    // third: jmp second
    let tail = go(JMP, at + caller.len() as u64, at);
    assert_eq!(bound(&[&leaf, &caller, &tail]), Ok(ABOVE + 0x40 + 8 + 8));
}

#[test]
fn what_has_no_bound_must_check() {
    // call first
    let recursion = [go(CALL, CHECK, CHECK), vec![0xc3]].concat();
    let message = refused(&object(&[&recursion]));
    assert!(
        message.contains("`first` doesn't check the stack"),
        "{message}"
    );
    assert!(message.contains("`first` may call itself"), "{message}");
    let checked = [go(CALL, CHECK, 0), go(CALL, CHECK + 5, CHECK), vec![0xc3]].concat();
    assert_eq!(bound(&[&checked]), Err(Unproven::Recursion("first".into())));

    let pointer = [INDIRECT, &[0xc3]].concat();
    let message = refused(&object(&[&pointer]));
    assert!(message.contains("calls through a pointer"), "{message}");
    let checked = [&go(CALL, CHECK, 0), INDIRECT, &[0xc3]].concat();
    assert_eq!(bound(&[&checked]), Err(Unproven::Indirect("first".into())));

    // What a program without a bound calls must check too.
    let caller = [
        &go(CALL, CHECK + 1, 0),
        &go(CALL, CHECK + 6, CHECK)[..],
        INDIRECT,
        &[0xc3],
    ];
    let message = refused(&object(&[&[0xc3], &caller.concat()]));
    assert!(
        message.contains("`first` doesn't check the stack"),
        "{message}"
    );
}

#[test]
fn the_check_comes_first_and_sees_the_whole_frame() {
    let recursion = |before: &[u8], behind: &[u8]| {
        let at = CHECK + before.len() as u64;
        let check = go(CALL, at, 0);
        let again = go(CALL, at + 5 + behind.len() as u64, CHECK);
        [before, &check, behind, &again, &[0xc3]].concat()
    };
    assert!(bound(&[&recursion(&sub(0x40), &[])]).is_err());
    // Allocated behind the check, or a branch before it.
    for code in [recursion(&[], &sub(0x40)), recursion(&[0x74, 0x00], &[])] {
        let message = refused(&object(&[&code]));
        assert!(message.contains("doesn't check the stack"), "{message}");
    }
}

#[test]
fn the_check_is_the_check() {
    let checked = [go(CALL, CHECK, 0), go(CALL, CHECK + 5, CHECK), vec![0xc3]].concat();
    let mut wrong_bit = object(&[&checked]);
    wrong_bit.functions[0] = check(TEXT, 0x2000, LOW);
    let mut wrong_import = object(&[&checked]);
    wrong_import.functions[0] = check(TEXT, 0x4000, GOT);
    let mut wrong_name = object(&[&checked]);
    wrong_name.functions[0].name = "mcoun";
    let mut nothing = object(&[&checked]);
    nothing.functions[0].bytes = [&[0x90; CHECK as usize - 1][..], &[0xc3]].concat();
    for object in [wrong_bit, wrong_import, wrong_name, nothing] {
        let findings = verify(&object.build()).unwrap_err();
        assert!(findings.iter().all(|finding| finding.rule == Rule::Stack));
    }
}

#[test]
fn a_frame_of_a_page_is_refused() {
    let frame = |bytes: u32| {
        let add = [&[0x48, 0x81, 0xc4][..], &bytes.to_le_bytes()].concat();
        [&sub(bytes)[..], &add, &[0xc3]].concat()
    };
    assert_eq!(bound(&[&frame(4088)]), Ok(ABOVE + 4088));
    let message = refused(&object(&[&frame(4096)]));
    assert_eq!(
        message,
        "`first` has a frame of 4096 bytes; less than 4096 are allowed: keep large values in a map"
    );
}

/// Functions of 4080 bytes, each of which calls the one before.
const UD2: &[u8] = &[0x0f, 0x0b];

fn chain(count: usize) -> Vec<Vec<u8>> {
    let mut functions = vec![[&sub(4080)[..], UD2].concat()];
    let mut at = CHECK;
    while functions.len() < count {
        let size = functions.last().unwrap().len() as u64;
        let call = go(CALL, at + size + 7, at);
        functions.push([&sub(4080)[..], &call, UD2].concat());
        at += size;
    }
    functions
}

#[test]
fn a_program_that_may_need_too_much_must_check() {
    let four = chain(4);
    let four: Vec<&[u8]> = four.iter().map(Vec::as_slice).collect();
    assert_eq!(bound(&four), Ok(ABOVE + 4 * 4080 + 3 * 8));
    let five = chain(5);
    let five: Vec<&[u8]> = five.iter().map(Vec::as_slice).collect();
    let findings = verify(&object(&five).build()).unwrap_err();
    assert_eq!(findings.len(), 5);
    for finding in findings {
        assert_eq!(finding.rule, Rule::Stack);
        let why = "it may need 20456 bytes, a program has 16384";
        assert!(finding.message.ends_with(why), "{finding}");
    }
}

#[test]
fn a_stack_pointer_that_can_t_be_followed_is_refused() {
    let lost: &[&[u8]] = &[
        // mov rsp, rax; pop rsp; sub rsp, rax; add rsp, 8 (the return address)
        &[0x48, 0x89, 0xc4, 0xc3],
        &[0x5c, 0xc3],
        &[0x48, 0x29, 0xc4, 0xc3],
        &[0x48, 0x83, 0xc4, 0x08, 0xc3],
        // leave without a frame pointer; xchg rsp, rax; push rax in a loop
        &[0xc9, 0xc3],
        &[0x48, 0x94, 0xc3],
        &[0x50, 0xeb, 0xfd],
    ];
    for code in lost {
        let message = refused(&object(&[code]));
        assert!(
            message.contains("can't be followed"),
            "{code:x?}: {message}"
        );
    }
}

#[test]
fn a_record_may_say_what_is_proved_and_no_less() {
    // push rbp; mov rbp, rsp; pop rbp; ret
    let leaf = [ENTER, LEAVE].concat();
    let claim = |bytes: u32, code: &[u8]| {
        let mut object = object(&[code]);
        object.stack_bytes = bytes;
        object
    };
    for enough in [ABOVE as u32 + 8, 4096] {
        assert!(verify(&claim(enough, &leaf).build()).is_ok());
    }
    let message = refused(&claim(ABOVE as u32 + 7, &leaf));
    assert_eq!(
        message,
        "the record of `program` says 31 bytes, it may need 32"
    );
    let checked = [&go(CALL, CHECK, 0), INDIRECT, &[0xc3]].concat();
    let message = refused(&claim(4096, &checked));
    assert_eq!(
        message,
        "the record of `program` says 4096 bytes, but `first` calls through a pointer"
    );
}

#[test]
fn checks_are_idle_where_only_programs_with_a_bound_get() {
    let idle = |functions: &[&[u8]]| verify(&object(functions).build()).unwrap().idle_checks;
    // first: call mcount; ret
    let leaf = [&go(CALL, CHECK, 0)[..], &[0xc3]].concat();
    assert_eq!(idle(&[&leaf]), [TEXT + CHECK]);
    // second: call mcount; call first; ret
    let at = CHECK + 6;
    let calls = |then: &[u8]| {
        let check = go(CALL, at, 0);
        [&check, &go(CALL, at + 5, CHECK)[..], then, &[0xc3]].concat()
    };
    assert_eq!(idle(&[&leaf, &calls(&[])]), [TEXT + CHECK, TEXT + at]);
    // One that also calls through a pointer has no bound, and what it calls has to check.
    assert_eq!(idle(&[&leaf, &calls(INDIRECT)]), []);
    // Without the check nothing is idle; a check further on is none.
    assert_eq!(idle(&[RET]), []);
    let late = [&[0x74, 0][..], &go(CALL, CHECK + 2, 0), &[0xc3]].concat();
    assert_eq!(idle(&[&late]), []);
}

#[test]
fn a_panic_that_formats_keeps_its_checks() {
    // The handler calls the kernel, then first, then through a pointer.
    let leaf = [&go(CALL, CHECK, 0)[..], &[0xc3]].concat();
    let at = CHECK + 6;
    let begin = (GOT + 16).wrapping_sub(TEXT + at + 5 + 6) as u32;
    let handler = [
        &go(CALL, at, 0)[..],
        &[0xff, 0x15],
        &begin.to_le_bytes(),
        &go(CALL, at + 11, CHECK),
        INDIRECT,
        &[0x0f, 0x0b],
    ]
    .concat();
    // third: call mcount; call the handler
    let at = at + handler.len() as u64;
    let program = [go(CALL, at, 0), go(CALL, at + 5, CHECK + 6)].concat();
    let mut object = object(&[&leaf, &handler, &program]);
    object.imports.push("rex_panic_begin");
    object.functions[2].name = "__rustc::rust_begin_unwind";
    let verified = verify(&object.build()).unwrap();
    assert!(verified.bounds["program"].is_ok());
    assert_eq!(verified.idle_checks, [TEXT + at]);
}
