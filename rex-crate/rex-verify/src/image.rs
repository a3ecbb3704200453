// SPDX-License-Identifier: GPL-2.0-only
//! The parts of an object, as far as the rules are about them.

use std::collections::BTreeMap;
use std::ops::Range;

use object::elf;
use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSection as _, ObjectSymbol as _};
use rex_abi::{
    REX_MAX_ELF_SIZE, REX_MAX_RELOCS, REX_MAX_SECTIONS, REX_MAX_SYMBOLS, REX_SYM_NAME_LEN,
    is_import,
};

use crate::finding::{Finding, Rule};
use crate::records::{self, MapRecord, Program};
use crate::segments::{self, Segment};

/// A function by its symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Name of the symbol.
    pub name: String,
    /// Address of its first byte.
    pub address: u64,
    /// Its bytes.
    pub code: Vec<u8>,
}

impl Function {
    /// Address behind its last byte.
    pub fn end(&self) -> u64 {
        self.address + self.code.len() as u64
    }
}

/// A dynamic relocation: what the word at its address will hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relocation {
    /// The load address plus this.
    Relative(u64),
    /// The address of a kernel function.
    Import(String),
}

/// A well-formed object.
#[derive(Debug)]
pub struct Image {
    /// The loaded segments, by address.
    pub segments: Vec<Segment>,
    /// What of the writable ones the kernel makes read-only once relocations
    /// are applied.
    pub sealed: Range<u64>,
    /// All functions, by address; none overlap.
    pub functions: BTreeMap<u64, Function>,
    /// Dynamic relocations by the address of the word they fill.
    pub relocations: BTreeMap<u64, Relocation>,
    /// The records of `.rex.progs`.
    pub programs: Vec<Program>,
    /// The records of `.rex.maps`.
    pub maps: Vec<MapRecord>,
}

pub(crate) type ElfFile<'data> = ElfFile64<'data, Endianness>;

impl Image {
    /// The parts of `bytes`, or what is wrong with their shape.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Finding>> {
        let broken = |message: String| vec![Finding::new(Rule::Structure, message)];
        if bytes.len() > REX_MAX_ELF_SIZE as usize {
            return Err(broken(format!(
                "{} bytes are more than the {REX_MAX_ELF_SIZE} that the loader takes",
                bytes.len()
            )));
        }
        let file =
            ElfFile::parse(bytes).map_err(|error| broken(format!("no ELF file: {error}")))?;
        let mut findings = header(&file);
        let segments = segments::read(&file, &mut findings);
        let sealed = segments::sealed(&file, &segments, &mut findings);
        let relocations = relocations(&file, &segments, &mut findings);
        let functions = functions(&file, &segments, &mut findings);
        let mut records = records::Reader {
            file: &file,
            segments: &segments,
            relocations: &relocations,
            findings: &mut findings,
        };
        let programs = records.programs(&functions);
        let maps = records.maps();
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self {
            segments,
            sealed,
            functions,
            relocations,
            programs,
            maps,
        })
    }

    /// Whether the program can't write to the word at `address`.
    pub fn is_sealed(&self, address: u64) -> bool {
        self.sealed.start <= address
            && address
                .checked_add(8)
                .is_some_and(|end| end <= self.sealed.end)
    }

    /// Whether `address` is in executable memory.
    pub fn is_text(&self, address: u64) -> bool {
        self.segments
            .iter()
            .any(|segment| segment.executable && segment.contains(address))
    }
}

fn header(file: &ElfFile<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut structure = |ok: bool, message: &str| {
        if !ok {
            findings.push(Finding::new(Rule::Structure, message));
        }
    };
    let endian = file.endian();
    let header = file.elf_header();
    structure(endian == Endianness::Little, "not little-endian");
    structure(header.e_machine(endian) == elf::EM_X86_64, "not for x86-64");
    structure(
        header.e_type(endian) == elf::ET_DYN,
        "not position-independent (ET_DYN)",
    );
    structure(
        file.sections().count() <= REX_MAX_SECTIONS as usize,
        "more sections than the loader takes",
    );
    for segment in file.elf_program_headers() {
        match segment.p_type(endian) {
            elf::PT_INTERP => structure(false, "asks for an interpreter"),
            elf::PT_TLS => structure(false, "has thread-local storage"),
            _ => {}
        }
    }
    for section in file.sections() {
        let name = section.name().unwrap_or("");
        structure(
            !name.starts_with(".debug"),
            "has debug sections; they belong in a file of their own",
        );
    }
    findings
}

/// The dynamic relocations, from the tables that the dynamic section names.
fn relocations(
    file: &ElfFile<'_>,
    segments: &[Segment],
    findings: &mut Vec<Finding>,
) -> BTreeMap<u64, Relocation> {
    let mut found = BTreeMap::new();
    let Some(entries) = file.dynamic_relocations() else {
        return found;
    };
    let symbols = file.dynamic_symbol_table();
    for (address, relocation) in entries {
        if found.len() >= REX_MAX_RELOCS as usize {
            findings.push(Finding::new(Rule::Relocation, "more than the loader takes"));
            break;
        }
        let mut refuse = |rule, message: String| {
            findings.push(Finding::new(rule, format!("{address:#x}: {message}")));
        };
        let writable = segments
            .iter()
            .any(|segment| segment.writable && segment.contains_range(address, 8));
        if !writable {
            refuse(Rule::Relocation, "not in writable memory".into());
        }
        let object::RelocationFlags::Elf { r_type } = relocation.flags() else {
            continue;
        };
        let value = match r_type {
            elf::R_X86_64_RELATIVE => Relocation::Relative(relocation.addend() as u64),
            elf::R_X86_64_GLOB_DAT | elf::R_X86_64_64 => {
                let object::RelocationTarget::Symbol(index) = relocation.target() else {
                    refuse(Rule::Relocation, "names no symbol".into());
                    continue;
                };
                let symbol = symbols.as_ref().and_then(|table| {
                    object::ObjectSymbolTable::symbol_by_index(table, index).ok()
                });
                let name = symbol.and_then(|symbol| symbol.name().ok().map(str::to_owned));
                let name = name.unwrap_or_default();
                if !is_import(&name) {
                    refuse(Rule::Import, format!("`{name}` is not on the allow-list"));
                }
                if relocation.addend() != 0 {
                    refuse(Rule::Relocation, format!("an offset from import `{name}`"));
                }
                Relocation::Import(name)
            }
            other => {
                refuse(Rule::Relocation, format!("type {other} is not allowed"));
                continue;
            }
        };
        if found.insert(address, value).is_some() {
            refuse(Rule::Relocation, "relocated twice".into());
        }
    }
    found
}

/// The functions of the symbol table. Every one must lie in executable
/// memory, and two are either the same or apart.
fn functions(
    file: &ElfFile<'_>,
    segments: &[Segment],
    findings: &mut Vec<Finding>,
) -> BTreeMap<u64, Function> {
    let mut found: BTreeMap<u64, Function> = BTreeMap::new();
    if file.symbols().count() > REX_MAX_SYMBOLS as usize {
        findings.push(Finding::new(Rule::Symbol, "more than the loader takes"));
        return found;
    }
    for symbol in file.symbols() {
        let object::SymbolFlags::Elf { st_info, .. } = symbol.flags() else {
            continue;
        };
        if st_info & 0xf != elf::STT_FUNC || symbol.is_undefined() {
            continue;
        }
        let name = symbol.name().unwrap_or("");
        if let Err(message) = check_name(name) {
            findings.push(Finding::new(Rule::Symbol, message));
        }
        let code = segments
            .iter()
            .filter(|segment| segment.executable)
            .find_map(|segment| segment.bytes_at(symbol.address(), symbol.size()));
        let Some(code) = code.filter(|code| !code.is_empty()) else {
            let message = format!("`{name}` has no code in an executable segment");
            findings.push(Finding::new(Rule::Symbol, message));
            continue;
        };
        found.entry(symbol.address()).or_insert_with(|| Function {
            name: name.to_owned(),
            address: symbol.address(),
            code: code.to_vec(),
        });
    }
    let mut end = 0;
    for function in found.values() {
        if function.address < end {
            let message = format!("`{}` overlaps the function before it", function.name);
            findings.push(Finding::new(Rule::Symbol, message));
        }
        end = function.end();
    }
    found
}

/// What the kernel's symbol table takes: printable ASCII without blanks.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() >= REX_SYM_NAME_LEN as usize {
        return Err(format!("a function's name has {} bytes", name.len()));
    }
    if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("{name:?} is not printable ASCII without blanks"));
    }
    Ok(())
}
