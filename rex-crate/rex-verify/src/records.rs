// SPDX-License-Identifier: GPL-2.0-only
//! The records of `.rex.progs` and `.rex.maps`.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::{offset_of, size_of};

use object::{Object as _, ObjectSection as _};
use rex_abi::{
    REX_ABI_VERSION, REX_MAX_MAPS, REX_MAX_PROGS, REX_SEC_MAPS, REX_SEC_PROGS, rex_map_desc,
    rex_prog_desc,
};

use crate::finding::{Finding, Rule};
use crate::image::{ElfFile, Function, Relocation};
use crate::segments::Segment;

/// A record of `.rex.progs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program's name.
    pub name: String,
    /// `enum bpf_prog_type`.
    pub prog_type: u32,
    /// `REX_PROG_F_*`.
    pub flags: u32,
    /// How deep it goes at most, as the record says; 0 if it doesn't.
    pub stack_bytes: u32,
    /// Where to attach by default.
    pub attach: String,
    /// Address of its entry function.
    pub entry: u64,
    /// Address of the record.
    pub record: u64,
}

/// A record of `.rex.maps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRecord {
    /// The map's name.
    pub name: String,
    /// `enum bpf_map_type`.
    pub map_type: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Most entries.
    pub max_entries: u32,
}

/// What reading the records needs.
pub(crate) struct Reader<'a, 'data> {
    pub file: &'a ElfFile<'data>,
    pub segments: &'a [Segment],
    pub relocations: &'a BTreeMap<u64, Relocation>,
    pub findings: &'a mut Vec<Finding>,
}

/// One record's address and bytes.
struct Raw<'data> {
    address: u64,
    bytes: &'data [u8],
}

impl Raw<'_> {
    fn u32_at(&self, offset: usize) -> u32 {
        let bytes = self.bytes[offset..offset + 4].try_into();
        u32::from_le_bytes(bytes.expect("four bytes"))
    }

    /// The NUL-terminated text of a field, or `None` for anything else.
    fn text_at(&self, offset: usize, len: usize) -> Option<&str> {
        let field = &self.bytes[offset..offset + len];
        let end = field.iter().position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(&field[..end]).ok()?;
        let rest_is_zero = field[end..].iter().all(|byte| *byte == 0);
        (rest_is_zero && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(text)
    }
}

impl<'data> Reader<'_, 'data> {
    pub fn programs(&mut self, functions: &BTreeMap<u64, Function>) -> Vec<Program> {
        let section = REX_SEC_PROGS.to_str().expect("ASCII");
        let raws = self.raws(section, size_of::<rex_prog_desc>(), REX_MAX_PROGS);
        if raws.is_empty() {
            self.refuse(format!("{section}: the object has no program"));
        }
        let mut names = BTreeSet::new();
        let mut found = Vec::new();
        for raw in raws {
            let name = self.name(&raw, section, offset_of!(rex_prog_desc, name), &mut names);
            let attach = raw.text_at(offset_of!(rex_prog_desc, attach), 128);
            let (Some(name), Some(attach)) = (name, attach) else {
                self.refuse(format!(
                    "{section}: {:#x}: a text is malformed",
                    raw.address
                ));
                continue;
            };
            let pointer = raw.address + offset_of!(rex_prog_desc, entry) as u64;
            let Some(Relocation::Relative(entry)) = self.relocations.get(&pointer) else {
                self.refuse(format!("{section}: `{name}` has no entry point"));
                continue;
            };
            if !functions.contains_key(entry) {
                self.refuse(format!("{section}: the entry of `{name}` is no function"));
            }
            found.push(Program {
                prog_type: raw.u32_at(offset_of!(rex_prog_desc, prog_type)),
                flags: raw.u32_at(offset_of!(rex_prog_desc, flags)),
                stack_bytes: raw.u32_at(offset_of!(rex_prog_desc, stack_bytes)),
                attach: attach.to_owned(),
                entry: *entry,
                record: raw.address,
                name,
            });
        }
        found
    }

    pub fn maps(&mut self) -> Vec<MapRecord> {
        let section = REX_SEC_MAPS.to_str().expect("ASCII");
        let mut names = BTreeSet::new();
        let mut found = Vec::new();
        for raw in self.raws(section, size_of::<rex_map_desc>(), REX_MAX_MAPS) {
            let name = self.name(&raw, section, offset_of!(rex_map_desc, name), &mut names);
            let Some(name) = name else {
                self.refuse(format!(
                    "{section}: {:#x}: a name is malformed",
                    raw.address
                ));
                continue;
            };
            let pointer = raw.address + offset_of!(rex_map_desc, handle) as u64;
            let handle = match self.relocations.get(&pointer) {
                Some(Relocation::Relative(handle)) => *handle,
                _ => u64::MAX,
            };
            let writable =
                |segment: &Segment| segment.writable && segment.contains_range(handle, 8);
            if !self.segments.iter().any(writable) {
                self.refuse(format!("{section}: `{name}` has no place for its handle"));
            }
            found.push(MapRecord {
                map_type: raw.u32_at(offset_of!(rex_map_desc, map_type)),
                key_size: raw.u32_at(offset_of!(rex_map_desc, key_size)),
                value_size: raw.u32_at(offset_of!(rex_map_desc, value_size)),
                max_entries: raw.u32_at(offset_of!(rex_map_desc, max_entries)),
                name,
            });
        }
        found
    }

    /// The records of `section`, each of `size` bytes.
    fn raws(&mut self, section: &str, size: usize, most: u32) -> Vec<Raw<'data>> {
        let Some(found) = self.file.section_by_name(section) else {
            return Vec::new();
        };
        let Ok(data) = found.data() else {
            self.refuse(format!("{section} is cut off"));
            return Vec::new();
        };
        let loaded = self
            .segments
            .iter()
            .any(|segment| segment.contains_range(found.address(), data.len() as u64));
        if !loaded || data.len() % size != 0 || data.len() / size > most as usize {
            self.refuse(format!(
                "{section} has {} bytes: not at most {most} loaded records of {size}",
                data.len()
            ));
            return Vec::new();
        }
        let addresses = (found.address()..).step_by(size);
        addresses
            .zip(data.chunks_exact(size))
            .map(|(address, bytes)| Raw { address, bytes })
            .collect()
    }

    /// The name in a record, checked with the version before it.
    fn name(
        &mut self,
        raw: &Raw<'_>,
        section: &str,
        offset: usize,
        names: &mut BTreeSet<String>,
    ) -> Option<String> {
        // abi_version comes first in both records.
        let version = raw.u32_at(0);
        if version != REX_ABI_VERSION {
            self.refuse(format!(
                "{section}: version {version}, not {REX_ABI_VERSION}"
            ));
        }
        let name = raw
            .text_at(offset, 64)
            .filter(|name| is_c_identifier(name))?;
        if !names.insert(name.to_owned()) {
            self.refuse(format!("{section}: two records are named `{name}`"));
        }
        Some(name.to_owned())
    }

    fn refuse(&mut self, message: String) {
        self.findings.push(Finding::new(Rule::Record, message));
    }
}

fn is_c_identifier(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(allowed)
        && name
            .bytes()
            .next()
            .is_some_and(|byte| !byte.is_ascii_digit())
}
