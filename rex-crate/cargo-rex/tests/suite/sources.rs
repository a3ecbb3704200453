// SPDX-License-Identifier: GPL-2.0-only
//! rex-abi is what rex.h says, and the rex crate declares what rex-abi lists
//! and is clean.

use crate::common;
use cargo_rex::bindings::abi;

#[test]
fn the_committed_bindings_are_the_generated_ones() {
    let header = common::repository().join("kernel/sources/include/uapi/linux/rex.h");
    let committed = common::repository().join("rex-crate/rex-abi/src/generated.rs");
    abi::check(&header, &committed).unwrap();
}

#[test]
fn the_rex_crate_declares_every_import_and_no_other() {
    let source = common::repository().join("rex-crate/rex/src/ffi.rs");
    let text = std::fs::read_to_string(source).unwrap();
    let declared = text
        .lines()
        .filter_map(|line| line.split_once("fn rex_"))
        .filter_map(|(_, rest)| rest.split('(').next());
    let mut declared: Vec<_> = declared.map(|name| format!("rex_{name}")).collect();
    declared.sort_unstable();
    assert_eq!(declared, rex_abi::IMPORTS);
}

#[test]
fn clippy_has_nothing_to_say_about_the_rex_crate() {
    let workshop = common::Workshop::open();
    assert_eq!(
        cargo_rex::sysroot::rex::lint(&workshop.sysroot).unwrap(),
        ""
    );
}
