// SPDX-License-Identifier: GPL-2.0-only
//! The shape of an object: headers, segments, relocations, records, symbols.

use crate::common::{Code, DATA, GOT, Object, RET, TEXT};
use object::elf::*;
use rex_verify::{Rule, verify};

/// The object that `spoil` makes of a good one is refused by `rule`, with
/// `words` in the message.
#[track_caller]
fn refused(spoil: impl FnOnce(&mut Object), rule: Rule, words: &str) {
    let mut object = Object::good();
    spoil(&mut object);
    let findings = verify(&object.build()).expect_err("it should be refused");
    let fits =
        |finding: &rex_verify::Finding| finding.rule == rule && finding.message.contains(words);
    assert!(findings.iter().any(fits), "{findings:#?}");
}

#[test]
fn a_good_object_is_verified() {
    let verified = verify(&Object::good().build()).unwrap();
    assert_eq!(verified.image.programs[0].name, "program");
    assert_eq!(verified.image.programs[0].entry, TEXT);
    assert_eq!(verified.image.maps[0].name, "MAP");
    assert_eq!(verified.image.functions[&TEXT].name, "good::program");
}

#[test]
fn garbage_is_no_object() {
    for bytes in [&b""[..], b"\x7fELF", &[0; 4096], b"#!/bin/sh\n"] {
        assert_eq!(verify(bytes).unwrap_err()[0].rule, Rule::Structure);
    }
}

#[test]
fn a_cut_object_never_panics_the_verifier() {
    let good = Object::good().build();
    for length in (0..good.len()).step_by(97) {
        assert!(verify(&good[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_flipped_byte_never_panics_the_verifier() {
    let good = Object::good().build();
    for at in 0..good.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            let _ = verify(&bytes);
        }
    }
}

#[test]
fn only_position_independent_files() {
    refused(
        |o| o.e_type = ET_EXEC,
        Rule::Structure,
        "not position-independent",
    );
}

#[test]
fn memory_is_never_writable_and_executable() {
    refused(
        |o| o.text_flags |= PF_W,
        Rule::Structure,
        "neither R, RX nor RW",
    );
    refused(
        |o| o.data_flags |= PF_X,
        Rule::Structure,
        "neither R, RX nor RW",
    );
    refused(
        |o| o.text_flags = PF_X,
        Rule::Structure,
        "neither R, RX nor RW",
    );
}

#[test]
fn nothing_for_a_dynamic_linker() {
    refused(
        |o| o.extra_header = Some(PT_INTERP),
        Rule::Structure,
        "interpreter",
    );
    refused(
        |o| o.extra_header = Some(PT_TLS),
        Rule::Structure,
        "thread-local",
    );
    for tag in [
        DT_JMPREL,
        DT_TEXTREL,
        DT_REL,
        DT_INIT,
        DT_INIT_ARRAY,
        DT_FINI_ARRAY,
    ] {
        refused(
            |o| o.extra_tag = Some(tag),
            Rule::Structure,
            "the dynamic section has DT_",
        );
    }
    refused(|o| o.hash_tag = false, Rule::Structure, "no DT_HASH");
}

#[test]
fn segments_do_not_share_pages() {
    refused(
        |o| o.extra_header = Some(PT_LOAD),
        Rule::Structure,
        "on pages of its own",
    );
}

#[test]
fn debug_sections_are_kept_elsewhere() {
    refused(
        |o| o.section_name = ".debug_info",
        Rule::Structure,
        "debug sections",
    );
}

#[test]
fn imports_are_on_the_list() {
    refused(|o| o.imports = vec!["_printk"], Rule::Import, "`_printk`");
    refused(|o| o.imports = vec![""], Rule::Import, "``");
    refused(
        |o| o.relocations = vec![(R_X86_64_64, GOT + 8, 1, 4)],
        Rule::Relocation,
        "offset",
    );
}

#[test]
fn relocations_are_of_few_types_and_in_writable_memory() {
    let place = DATA + 64;
    refused(
        |o| o.relocations = vec![(R_X86_64_PC32, place, 0, 0)],
        Rule::Relocation,
        "type 2",
    );
    refused(
        |o| o.relocations = vec![(R_X86_64_IRELATIVE, place, 0, 0)],
        Rule::Relocation,
        "type 37",
    );
    refused(
        |o| o.relocations = vec![(R_X86_64_RELATIVE, TEXT, 0, 0)],
        Rule::Relocation,
        "not in writable",
    );
    refused(
        |o| o.relocations = vec![(R_X86_64_RELATIVE, u64::MAX, 0, 0)],
        Rule::Relocation,
        "not in writable",
    );
    refused(
        |o| o.relocations = vec![(R_X86_64_RELATIVE, GOT, 0, 0)],
        Rule::Relocation,
        "twice",
    );
}

#[test]
fn records_are_whole_and_of_this_version() {
    refused(|o| o.prog_version = 2, Rule::Record, "version 2");
    refused(|o| o.progs_size -= 8, Rule::Record, "loaded records");
    refused(|o| o.progs_size = 0, Rule::Record, "no program");
    refused(|o| o.prog_name = "", Rule::Record, "malformed");
    refused(|o| o.prog_name = "a b", Rule::Record, "malformed");
    refused(|o| o.prog_name = "1st", Rule::Record, "malformed");
}

#[test]
fn an_entry_is_a_function_s_start() {
    refused(|o| o.entry = None, Rule::Record, "no entry point");
    refused(|o| o.entry = Some(DATA), Rule::Record, "no function");
    refused(
        |o| {
            o.functions[0].bytes = vec![0x90, 0xc3];
            o.entry = Some(TEXT + 1);
        },
        Rule::Record,
        "no function",
    );
}

#[test]
fn a_map_s_handle_is_in_writable_memory() {
    refused(
        |o| o.map_handle = TEXT,
        Rule::Record,
        "no place for its handle",
    );
    refused(
        |o| o.map_handle = u64::MAX - 3,
        Rule::Record,
        "no place for its handle",
    );
}

#[test]
fn symbols_are_printable_and_cover_the_text() {
    refused(
        |o| o.functions[0].name = "a b",
        Rule::Symbol,
        "not printable",
    );
    refused(
        |o| o.functions[0].name = "größe",
        Rule::Symbol,
        "not printable",
    );
    refused(|o| o.functions[0].name = "", Rule::Symbol, "0 bytes");
    refused(
        |o| o.padding = vec![0x0f, 0x05],
        Rule::Symbol,
        "belong to no function",
    );
    let empty = Code {
        name: "empty",
        bytes: Vec::new(),
    };
    refused(|o| o.functions.push(empty), Rule::Symbol, "no code");
}

#[test]
fn padding_between_functions_is_fine() {
    for padding in [
        &[0xcc; 7][..],
        &[0x90; 3],
        &[0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
    ] {
        let mut object = Object::with_code(RET);
        object.padding = padding.to_vec();
        verify(&object.build()).unwrap();
    }
}
