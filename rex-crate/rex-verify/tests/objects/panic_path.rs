// SPDX-License-Identifier: GPL-2.0-only
//! What the panic handler begins with.

use crate::common::{Code, GOT, Object, RET, TEXT};
use rex_verify::{Rule, verify};

const HANDLER: &str = "__rustc::rust_begin_unwind";

/// `call [rip + …]` at an offset of the text, through the word of the import.
fn call_import(at: u64, import: u64) -> Vec<u8> {
    let next = TEXT + at + 6;
    let distance = (GOT + 8 * import).wrapping_sub(next) as u32;
    [&[0xff, 0x15][..], &distance.to_le_bytes()].concat()
}

/// An object with this panic handler in front of its program.
fn verdict(handler: Vec<u8>, extra: Option<Code>) -> Result<(), Vec<Rule>> {
    let mut object = Object::good();
    object.imports = vec!["rex_panic_begin", "rex_trace_print"];
    object.functions.insert(
        0,
        Code {
            name: HANDLER,
            bytes: handler,
        },
    );
    object.functions.extend(extra);
    let program = TEXT + object.functions[0].bytes.len() as u64;
    object.entry = Some(program);
    let findings = verify(&object.build()).map(drop);
    findings.map_err(|findings| findings.iter().map(|finding| finding.rule).collect())
}

#[test]
fn a_handler_that_releases_first_is_fine() {
    // push rbp; sub rsp, 16; call [rex_panic_begin]; call [rex_trace_print]; ud2
    let mut code = vec![0x55, 0x48, 0x83, 0xec, 0x10];
    code.extend(call_import(5, 0));
    code.extend(call_import(11, 1));
    code.extend([0x0f, 0x0b]);
    assert_eq!(verdict(code, None), Ok(()));
}

#[test]
fn a_handler_that_does_something_else_first_is_refused() {
    let other_import = [call_import(0, 1), call_import(6, 0), RET.to_vec()].concat();
    // call the program, which follows; jz over nothing
    let own_code = [&[0xe8, 7, 0, 0, 0][..], &call_import(5, 0), RET].concat();
    let branch = [&[0x74, 0][..], &call_import(2, 0), RET].concat();
    for code in [other_import, own_code, branch, RET.to_vec()] {
        assert_eq!(verdict(code, None), Err(vec![Rule::Panic]));
    }
}

#[test]
fn the_stack_check_may_come_before_it() {
    // call mcount, which comes behind the program; call [rex_panic_begin]; ret
    let code = [&[0xe8, 8, 0, 0, 0][..], &call_import(5, 0), RET].concat();
    let mcount = Code {
        name: "mcount",
        bytes: RET.to_vec(),
    };
    assert_eq!(verdict(code, Some(mcount)), Ok(()));
}
