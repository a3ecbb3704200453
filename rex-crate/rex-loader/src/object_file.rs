// SPDX-License-Identifier: GPL-2.0-only
//! Reads the records of an object file.
//!
//! Only what user space needs: what maps to create, which programs to get and
//! where they attach. Names and sizes are checked, code and relocations are
//! the kernel's business.

use std::mem::{offset_of, size_of};

use object::Endianness;
use object::elf::{EM_X86_64, ET_DYN, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader};
use rex_abi::{
    REX_ABI_VERSION, REX_MAX_ELF_SIZE, REX_MAX_MAPS, REX_MAX_PROGS, REX_NO_LOCK, REX_SEC_MAPS,
    REX_SEC_PROGS, rex_map_desc, rex_prog_desc,
};

use crate::error::Error;

/// What a record of `.rex.progs` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramRecord {
    /// Its name, a C identifier.
    pub name: String,
    /// enum bpf_prog_type.
    pub program_type: u32,
    /// Where it attaches by default, or nothing.
    pub attach: String,
}

/// What a record of `.rex.maps` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapRecord {
    /// Its name, a C identifier.
    pub name: String,
    /// enum bpf_map_type.
    pub map_type: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// How many elements it can hold.
    pub max_entries: u32,
    /// BPF_F_* of BPF_MAP_CREATE.
    pub flags: u32,
    /// Where the spin lock of a value is, if there is one.
    pub lock_offset: Option<u32>,
}

/// The records of an object file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectFile {
    /// Its programs, in order.
    pub programs: Vec<ProgramRecord>,
    /// Its maps, in order.
    pub maps: Vec<MapRecord>,
}

impl ObjectFile {
    /// Reads an object file.
    ///
    /// # Errors
    /// Says what keeps the bytes from being a Rex object; the object is to blame.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let limit = REX_MAX_ELF_SIZE as usize;
        if bytes.len() > limit {
            let message = format!(
                "the object has {} bytes, at most {limit} are allowed",
                bytes.len()
            );
            return Err(Error::object(message));
        }
        let header = header(bytes)?;
        let progs = records(bytes, header, REX_SEC_PROGS, REX_MAX_PROGS)?;
        let maps = records(bytes, header, REX_SEC_MAPS, REX_MAX_MAPS)?;
        let object = ObjectFile {
            programs: progs.into_iter().map(program).collect::<Result<_, _>>()?,
            maps: maps.into_iter().map(map).collect::<Result<_, _>>()?,
        };
        if object.programs.is_empty() {
            return Err(Error::object(
                "the object has no programs (no records in .rex.progs)",
            ));
        }
        unique(
            "program",
            object.programs.iter().map(|program| &program.name),
        )?;
        unique("map", object.maps.iter().map(|map| &map.name))?;
        Ok(object)
    }
}

impl ObjectFile {
    /// Reads what can be read and leaves out the rest, to put the kernel's own
    /// checks to the test: it should refuse the object for what is wrong with
    /// it, not because the maps of its good records are missing.
    pub fn parse_leniently(bytes: &[u8]) -> Self {
        let Ok(header) = FileHeader64::<Endianness>::parse(bytes) else {
            return ObjectFile::default();
        };
        if !matches!(header.endian(), Ok(Endianness::Little)) {
            return ObjectFile::default();
        }
        let progs = records(bytes, header, REX_SEC_PROGS, REX_MAX_PROGS).unwrap_or_default();
        let maps = records(bytes, header, REX_SEC_MAPS, REX_MAX_MAPS).unwrap_or_default();
        ObjectFile {
            programs: progs
                .into_iter()
                .filter_map(|record| program(record).ok())
                .collect(),
            maps: maps
                .into_iter()
                .filter_map(|record| map(record).ok())
                .collect(),
        }
    }
}

fn malformed(what: &str) -> impl FnOnce(object::Error) -> Error + '_ {
    move |error| Error::object(format!("the object's {what} is malformed: {error}"))
}

fn header(bytes: &[u8]) -> Result<&FileHeader64<Endianness>, Error> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err(Error::object("the object isn't an ELF file"));
    }
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(malformed("ELF header"))?;
    let endian = header.endian().map_err(malformed("ELF header"))?;
    if endian != Endianness::Little || header.e_machine(endian) != EM_X86_64 {
        return Err(Error::object("the object isn't for x86-64"));
    }
    if header.e_type(endian) != ET_DYN {
        return Err(Error::object(
            "the object isn't a position-independent executable (ET_DYN)",
        ));
    }
    Ok(header)
}

/// The records of a section; none when the object doesn't have the section.
fn records<'a, const N: usize>(
    bytes: &'a [u8],
    header: &FileHeader64<Endianness>,
    section: &std::ffi::CStr,
    limit: u32,
) -> Result<Vec<&'a [u8; N]>, Error> {
    let name = section.to_string_lossy();
    let endian = Endianness::Little;
    let sections = header
        .sections(endian, bytes)
        .map_err(malformed("section table"))?;
    let Some((_, found)) = sections.section_by_name(endian, section.to_bytes()) else {
        return Ok(Vec::new());
    };
    let data = found.data(endian, bytes).map_err(malformed(&name))?;
    let (records, rest) = data.as_chunks::<N>();
    if !rest.is_empty() {
        let message = format!(
            "{name} has {} bytes, no multiple of a record's {N}",
            data.len()
        );
        return Err(Error::object(message));
    }
    if records.len() > limit as usize {
        let message = format!(
            "{name} has {} records, at most {limit} are allowed",
            records.len()
        );
        return Err(Error::object(message));
    }
    Ok(records.iter().collect())
}

const PROG: usize = size_of::<rex_prog_desc>();
const MAP: usize = size_of::<rex_map_desc>();

fn word(record: &[u8], offset: usize) -> u32 {
    let bytes = record[offset..offset + 4].try_into().expect("four bytes");
    u32::from_le_bytes(bytes)
}

/// Text in a field of fixed length, with a NUL behind it.
fn text(field: &[u8], what: &str) -> Result<String, Error> {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .ok_or_else(|| Error::object(format!("{what} has no end")))?;
    match std::str::from_utf8(&field[..end]) {
        Ok(text) if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) => Ok(text.to_string()),
        _ => Err(Error::object(format!("{what} isn't printable ASCII"))),
    }
}

fn identifier(field: &[u8], what: &str) -> Result<String, Error> {
    let name = text(field, &format!("the name of a {what}"))?;
    let mut chars = name.chars();
    let first = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !first || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(Error::object(format!(
            "{name:?} can't be the name of a {what}"
        )));
    }
    Ok(name)
}

fn version(version: u32, what: &str, name: &str) -> Result<(), Error> {
    if version == REX_ABI_VERSION {
        return Ok(());
    }
    Err(Error::object(format!(
        "{what} {name} was built for version {version} of the ABI, the loader has {REX_ABI_VERSION}"
    )))
}

fn program(record: &[u8; PROG]) -> Result<ProgramRecord, Error> {
    let name = offset_of!(rex_prog_desc, name);
    let attach = offset_of!(rex_prog_desc, attach);
    let entry = offset_of!(rex_prog_desc, entry);
    let name = identifier(&record[name..attach], "program")?;
    version(
        word(record, offset_of!(rex_prog_desc, abi_version)),
        "program",
        &name,
    )?;
    Ok(ProgramRecord {
        program_type: word(record, offset_of!(rex_prog_desc, prog_type)),
        attach: text(
            &record[attach..entry],
            &format!("the attach target of program {name}"),
        )?,
        name,
    })
}

fn map(record: &[u8; MAP]) -> Result<MapRecord, Error> {
    let name = offset_of!(rex_map_desc, name);
    let handle = offset_of!(rex_map_desc, handle);
    let name = identifier(&record[name..handle], "map")?;
    version(
        word(record, offset_of!(rex_map_desc, abi_version)),
        "map",
        &name,
    )?;
    Ok(MapRecord {
        name,
        map_type: word(record, offset_of!(rex_map_desc, map_type)),
        key_size: word(record, offset_of!(rex_map_desc, key_size)),
        value_size: word(record, offset_of!(rex_map_desc, value_size)),
        max_entries: word(record, offset_of!(rex_map_desc, max_entries)),
        flags: word(record, offset_of!(rex_map_desc, map_flags)),
        lock_offset: Some(word(record, offset_of!(rex_map_desc, lock_offset)))
            .filter(|offset| *offset != REX_NO_LOCK),
    })
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::object(format!(
                "the object has two {what}s named {name}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
