// SPDX-License-Identifier: GPL-2.0-only
//! The least BTF that tells the kernel where the spin lock of a map's values is.
//!
//! Without it the kernel takes values for bytes. Layout: linux/btf.h.

use crate::object_file::MapRecord;

const MAGIC: u16 = 0xeb9f;
const VERSION: u8 = 1;
const HEADER_BYTES: u32 = 24;

const KIND_INT: u32 = 1;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
/// enum bpf_map_type: its keys must be an integer.
const MAP_TYPE_ARRAY: u32 = 2;

/// BTF of a map, and which of its types are those of the keys and the values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Btf {
    pub bytes: Vec<u8>,
    pub key: u32,
    pub value: u32,
}

#[derive(Default)]
struct Writer {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Writer {
    /// Offset of a string in the section of strings.
    fn name(&mut self, name: &str) -> u32 {
        let at = u32::try_from(self.strings.len()).expect("a few names");
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        at
    }

    fn words(&mut self, words: &[u32]) {
        for word in words {
            self.types.extend_from_slice(&word.to_le_bytes());
        }
    }

    /// A type of some kind, `size` bytes large, with what belongs behind it; gives its id.
    fn add(&mut self, name: u32, kind: u32, members: u32, size: u32, rest: &[u32]) -> u32 {
        self.words(&[name, kind << 24 | members, size]);
        self.words(rest);
        self.count += 1;
        self.count
    }

    fn unsigned(&mut self, name: &str, bytes: u32) -> u32 {
        let name = self.name(name);
        self.add(name, KIND_INT, 0, bytes, &[bytes * 8])
    }

    /// A struct of which only one member is told.
    fn structure(&mut self, name: &str, size: u32, member: (&str, u32, u32)) -> u32 {
        let (member_name, member_type, offset) = member;
        let name = self.name(name);
        let member_name = self.name(member_name);
        let bits = offset.wrapping_mul(8);
        self.add(
            name,
            KIND_STRUCT,
            1,
            size,
            &[member_name, member_type, bits],
        )
    }
}

impl Btf {
    /// Of a map whose values have a spin lock at an offset.
    pub fn locked(record: &MapRecord, lock_offset: u32) -> Self {
        let mut writer = Writer::default();
        // Offset 0 is «no name».
        writer.name("");
        let word = writer.unsigned("u32", 4);
        let lock = writer.structure("bpf_spin_lock", 4, ("val", word, 0));
        let value = writer.structure("value", record.value_size, ("lock", lock, lock_offset));
        let key = if record.map_type == MAP_TYPE_ARRAY {
            word
        } else {
            let byte = writer.unsigned("u8", 1);
            writer.add(0, KIND_ARRAY, 0, 0, &[byte, word, record.key_size])
        };
        Btf {
            bytes: writer.finish(),
            key,
            value,
        }
    }
}

impl Writer {
    fn finish(self) -> Vec<u8> {
        let length = |part: &[u8]| u32::try_from(part.len()).expect("a few types");
        let mut bytes = MAGIC.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[VERSION, 0]);
        let (types, strings) = (length(&self.types), length(&self.strings));
        for word in [HEADER_BYTES, 0, types, types, strings] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&self.types);
        bytes.extend_from_slice(&self.strings);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(map_type: u32) -> MapRecord {
        MapRecord {
            name: "m".to_string(),
            map_type,
            key_size: 6,
            value_size: 24,
            max_entries: 1,
            flags: 0,
            lock_offset: Some(8),
        }
    }

    fn words(bytes: &[u8]) -> Vec<u32> {
        let (words, rest) = bytes.as_chunks::<4>();
        assert!(rest.is_empty());
        words.iter().map(|word| u32::from_le_bytes(*word)).collect()
    }

    #[test]
    fn a_hash_s_btf() {
        let btf = Btf::locked(&record(1), 8);
        assert_eq!((btf.key, btf.value), (5, 3));
        assert_eq!(btf.bytes[..4], [0x9f, 0xeb, 1, 0]);
        assert_eq!(words(&btf.bytes[4..8]), [24]);
        let lengths = words(&btf.bytes[8..24]);
        let [0, types, begin, strings] = lengths[..] else {
            panic!("{lengths:?}")
        };
        assert_eq!(types, begin);
        assert_eq!(btf.bytes.len() as u32, 24 + types + strings);
        let names = String::from_utf8(btf.bytes[24 + types as usize..].to_vec()).unwrap();
        let name = |name: &str| names.find(&format!("\0{name}\0")).unwrap() as u32 + 1;
        assert_eq!(
            words(&btf.bytes[24..24 + types as usize]),
            [
                [name("u32"), 1 << 24, 4, 32].as_slice(),
                &[name("bpf_spin_lock"), 4 << 24 | 1, 4, name("val"), 1, 0],
                &[name("value"), 4 << 24 | 1, 24, name("lock"), 2, 64],
                &[name("u8"), 1 << 24, 1, 8],
                &[0, 3 << 24, 0, 4, 1, 6],
            ]
            .concat()
        );
    }

    #[test]
    fn an_array_s_keys_are_an_integer() {
        assert_eq!(Btf::locked(&record(2), 8).key, 1);
    }
}
