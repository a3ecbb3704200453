// SPDX-License-Identifier: GPL-2.0-only

use proptest::prelude::*;
use rex_abi::REX_MAX_ELF_SIZE;

use super::*;

const KPROBE: u32 = 2;

/// A record of .rex.progs.
fn prog(name: &str, program_type: u32, attach: &str) -> Vec<u8> {
    let mut record = vec![0; PROG];
    record[..4].copy_from_slice(&REX_ABI_VERSION.to_le_bytes());
    record[4..8].copy_from_slice(&program_type.to_le_bytes());
    let (name_at, attach_at) = (
        offset_of!(rex_prog_desc, name),
        offset_of!(rex_prog_desc, attach),
    );
    record[name_at..name_at + name.len()].copy_from_slice(name.as_bytes());
    record[attach_at..attach_at + attach.len()].copy_from_slice(attach.as_bytes());
    record
}

/// A record of .rex.maps: a hash of 4-byte keys and 8-byte values.
fn map_record(name: &str) -> Vec<u8> {
    let mut record = Vec::new();
    for word in [REX_ABI_VERSION, 1, 4, 8, 16, 0, REX_NO_LOCK, 0] {
        record.extend_from_slice(&word.to_le_bytes());
    }
    record.extend_from_slice(name.as_bytes());
    record.resize(MAP, 0);
    record
}

/// An ELF file of these sections, as small as can be.
pub(crate) fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut names = vec![0u8];
    let mut body = Vec::new();
    // One null section, the given ones, and the names.
    let mut headers = vec![0u8; 64];
    let mut header = |name: usize, kind: u32, offset: usize, size: usize| {
        let mut fields = Vec::new();
        fields.extend_from_slice(&(name as u32).to_le_bytes());
        fields.extend_from_slice(&kind.to_le_bytes());
        for word in [2, 0, 64 + offset as u64, size as u64] {
            fields.extend_from_slice(&u64::to_le_bytes(word));
        }
        fields.resize(64, 0);
        headers.extend_from_slice(&fields);
    };
    for (name, bytes) in sections {
        header(names.len(), 1, body.len(), bytes.len());
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        body.extend_from_slice(bytes);
    }
    let strings = names.len();
    names.extend_from_slice(b".shstrtab\0");
    header(strings, 3, body.len(), names.len());
    body.extend_from_slice(&names);

    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend_from_slice(&3u16.to_le_bytes()); // ET_DYN
    file.extend_from_slice(&62u16.to_le_bytes()); // EM_X86_64
    file.extend_from_slice(&1u32.to_le_bytes());
    for word in [0, 0, 64 + body.len() as u64] {
        file.extend_from_slice(&u64::to_le_bytes(word));
    }
    file.extend_from_slice(&0u32.to_le_bytes());
    let count = sections.len() as u16 + 2;
    for half in [64, 56, 0, 64, count, count - 1] {
        file.extend_from_slice(&u16::to_le_bytes(half));
    }
    assert_eq!(file.len(), 64);
    file.extend_from_slice(&body);
    file.extend_from_slice(&headers);
    file
}

/// A good object: two programs, one map.
pub(crate) fn sample() -> Vec<u8> {
    let progs = [
        prog("hello", KPROBE, "__x64_sys_dup"),
        prog("tp", 5, "syscalls/sys_enter_dup"),
    ]
    .concat();
    elf(&[(".rex.progs", &progs), (".rex.maps", &map_record("counts"))])
}

fn refusal(bytes: &[u8]) -> String {
    let error = ObjectFile::parse(bytes).unwrap_err();
    assert_eq!(error.blame, crate::error::Blame::Object);
    error.message
}

#[test]
fn records_are_read() {
    let object = ObjectFile::parse(&sample()).unwrap();
    assert_eq!(object.programs.len(), 2);
    let attach = "__x64_sys_dup".to_string();
    let first = ProgramRecord {
        name: "hello".to_string(),
        program_type: KPROBE,
        attach,
    };
    assert_eq!(object.programs[0], first);
    let map = &object.maps[0];
    assert_eq!((map.name.as_str(), map.map_type), ("counts", 1));
    assert_eq!((map.key_size, map.value_size, map.max_entries), (4, 8, 16));
}

#[test]
fn what_is_no_object_is_refused_with_a_sentence() {
    let one = prog("hello", KPROBE, "");
    let mut old = one.clone();
    old[0] = 9;
    let mut endless = one.clone();
    endless[offset_of!(rex_prog_desc, name)..offset_of!(rex_prog_desc, attach)].fill(b'a');
    let with = |progs: &[u8]| elf(&[(".rex.progs", progs)]);
    let twice = [one.clone(), one.clone()].concat();
    let maps = [map_record("m"), map_record("m")].concat();
    for (bytes, words) in [
        (vec![], "isn't an ELF file"),
        (b"garbage".to_vec(), "isn't an ELF file"),
        (b"\x7fELF".to_vec(), "ELF header is malformed"),
        (elf(&[]), "no programs"),
        (with(&[]), "no programs"),
        (with(&one[1..]), "no multiple"),
        (with(&vec![0; PROG * 65]), "65 records, at most 64"),
        (with(&old), "version 9"),
        (with(&endless), "has no end"),
        (with(&prog("1x", KPROBE, "")), "can't be the name"),
        (with(&prog("", KPROBE, "")), "can't be the name"),
        (with(&prog("a b", KPROBE, "")), "can't be the name"),
        (with(&prog("a\u{7f}", KPROBE, "")), "printable ASCII"),
        (
            with(&prog("a", KPROBE, "x\ny")),
            "attach target of program a",
        ),
        (with(&twice), "two programs named hello"),
        (
            elf(&[(".rex.progs", &one), (".rex.maps", &maps)]),
            "two maps named m",
        ),
        (vec![0; REX_MAX_ELF_SIZE as usize + 1], "at most"),
    ] {
        let message = refusal(&bytes);
        assert!(message.contains(words), "{words:?} isn't in {message:?}");
    }
}

#[test]
fn other_machines_and_types_are_refused() {
    let mut arm = sample();
    arm[18] = 183;
    assert!(refusal(&arm).contains("isn't for x86-64"));
    let mut big_endian = sample();
    big_endian[5] = 2;
    refusal(&big_endian);
    let mut relocatable = sample();
    relocatable[16] = 1;
    assert!(refusal(&relocatable).contains("ET_DYN"));
}

#[test]
fn lenient_reading_keeps_what_is_good() {
    let progs = [prog("1x", KPROBE, ""), prog("hello", KPROBE, "")].concat();
    let file = elf(&[(".rex.progs", &progs), (".rex.maps", &map_record("m"))]);
    let object = ObjectFile::parse_leniently(&file);
    assert_eq!((object.programs.len(), object.maps.len()), (1, 1));
    assert_eq!(
        ObjectFile::parse_leniently(&sample()),
        ObjectFile::parse(&sample()).unwrap()
    );
    for nothing in [&b""[..], b"garbage", &sample()[..60]] {
        assert_eq!(ObjectFile::parse_leniently(nothing), ObjectFile::default());
    }
}

#[test]
fn every_cut_of_a_good_object_is_refused() {
    let bytes = sample();
    for end in 0..bytes.len() {
        refusal(&bytes[..end]);
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = ObjectFile::parse(&bytes);
        let magic = b"\x7fELF\x02\x01\x01";
        let start = magic.len().min(bytes.len());
        bytes[..start].copy_from_slice(&magic[..start]);
        let _ = ObjectFile::parse(&bytes);
    }

    #[test]
    fn changed_bytes_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = sample();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = ObjectFile::parse(&bytes);
        ObjectFile::parse_leniently(&bytes);
    }
}
