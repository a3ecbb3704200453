// SPDX-License-Identifier: GPL-2.0-only
//! From the linked file to the object that is loaded: without debug sections,
//! with symbol names that a kernel log can show.
//!
//! Everything that is loaded stays where it is, byte for byte. What follows
//! it (symbols, strings, section headers) is written anew.

use anyhow::{Context, Result, bail};
use object::elf;
use object::pod::{bytes_of, bytes_of_slice};
use object::read::elf::{ElfFile64, FileHeader as _, SectionHeader as _, Sym as _};
use object::{Endianness, U16, U32, U64};
use rex_abi::REX_SYM_NAME_LEN;

type Header = elf::FileHeader64<Endianness>;
type Section = elf::SectionHeader64<Endianness>;
type Symbol = elf::Sym64<Endianness>;

const ENDIAN: Endianness = Endianness::Little;

/// The object for the linked file `linked`.
pub(super) fn rewrite(linked: &[u8]) -> Result<Vec<u8>> {
    let file = ElfFile64::<Endianness>::parse(linked).context("the linker wrote no ELF file")?;
    let sections = Sections::read(&file, linked)?;
    let mut output = linked[..sections.loaded_end].to_vec();
    let symbols = functions(&file, &sections)?;

    let mut headers = sections.kept.clone();
    let mut names = Strings::new();
    for (header, name) in headers.iter_mut().zip(&sections.names) {
        header.sh_name = U32::new(ENDIAN, names.add(name));
    }
    // The null symbol and nothing else is local in number: sh_info.
    let strtab_index = headers.len() as u32 + 1;
    let mut symtab = section(elf::SHT_SYMTAB, names.add(".symtab"));
    symtab.sh_link = U32::new(ENDIAN, strtab_index);
    symtab.sh_info = U32::new(ENDIAN, symbols.table.len() as u32);
    symtab.sh_entsize = U64::new(ENDIAN, size_of::<Symbol>() as u64);
    append(&mut output, &mut symtab, bytes_of_slice(&symbols.table));
    let mut strtab = section(elf::SHT_STRTAB, names.add(".strtab"));
    append(&mut output, &mut strtab, &symbols.names.0);
    let mut shstrtab = section(elf::SHT_STRTAB, names.add(".shstrtab"));
    append(&mut output, &mut shstrtab, &names.0);
    headers.extend([symtab, strtab, shstrtab]);

    output.resize(output.len().next_multiple_of(8), 0);
    let mut header: Header = *file.elf_header();
    header.e_shoff = U64::new(ENDIAN, output.len() as u64);
    header.e_shnum = U16::new(ENDIAN, headers.len() as u16);
    header.e_shstrndx = U16::new(ENDIAN, headers.len() as u16 - 1);
    output.extend_from_slice(bytes_of_slice(&headers));
    output[..size_of::<Header>()].copy_from_slice(bytes_of(&header));
    Ok(output)
}

/// The sections that stay: the null section and those that are loaded.
struct Sections {
    kept: Vec<Section>,
    names: Vec<String>,
    /// New index of each old section that stays.
    index: Vec<Option<u16>>,
    /// End of the loaded bytes in the file.
    loaded_end: usize,
}

impl Sections {
    fn read(file: &ElfFile64<'_, Endianness>, linked: &[u8]) -> Result<Self> {
        let table = file.elf_section_table();
        let mut sections = Self {
            kept: Vec::new(),
            names: Vec::new(),
            index: Vec::new(),
            loaded_end: size_of::<Header>(),
        };
        for (position, header) in table.iter().enumerate() {
            let loaded = header.sh_flags(ENDIAN) & u64::from(elf::SHF_ALLOC) != 0;
            if !loaded && position != 0 {
                sections.index.push(None);
                continue;
            }
            if header.sh_type(ENDIAN) != elf::SHT_NOBITS && loaded {
                let end = header.sh_offset(ENDIAN) + header.sh_size(ENDIAN);
                sections.loaded_end = sections.loaded_end.max(end as usize);
            }
            sections.index.push(Some(sections.kept.len() as u16));
            sections.kept.push(*header);
            let name = table.section_name(ENDIAN, header)?;
            sections
                .names
                .push(String::from_utf8_lossy(name).into_owned());
        }
        let phoff = file.elf_header().e_phoff(ENDIAN) as usize;
        let headers_end = phoff + size_of_val(file.elf_program_headers());
        sections.loaded_end = sections.loaded_end.max(headers_end);
        if sections.loaded_end > linked.len() {
            bail!("the linked file is cut off");
        }
        let index = sections.index.clone();
        for header in &mut sections.kept {
            let link = header.sh_link(ENDIAN) as usize;
            let link = index.get(link).copied().flatten().unwrap_or(0);
            header.sh_link = U32::new(ENDIAN, u32::from(link));
        }
        Ok(sections)
    }
}

struct Symbols {
    table: Vec<Symbol>,
    names: Strings,
}

/// The defined functions under readable names, all local: nothing is
/// exported by its symbol.
fn functions(file: &ElfFile64<'_, Endianness>, sections: &Sections) -> Result<Symbols> {
    let mut found = Symbols {
        table: vec![Symbol::default()],
        names: Strings::new(),
    };
    let table = file.elf_symbol_table();
    for symbol in table.iter() {
        if symbol.st_type() != elf::STT_FUNC || symbol.st_shndx(ENDIAN) == elf::SHN_UNDEF {
            continue;
        }
        let section = sections.index.get(usize::from(symbol.st_shndx(ENDIAN)));
        let section = section.copied().flatten();
        let section = section.context("a function is in no loaded section")?;
        let name = table.symbol_name(ENDIAN, symbol)?;
        let name = readable(&String::from_utf8_lossy(name));
        let mut symbol = *symbol;
        symbol.st_name = U32::new(ENDIAN, found.names.add(&name));
        symbol.st_info = (elf::STB_LOCAL << 4) | elf::STT_FUNC;
        symbol.st_shndx = U16::new(ENDIAN, section);
        found.table.push(symbol);
    }
    Ok(found)
}

/// A symbol's name as people write it: demangled, without the hash, printable
/// ASCII, no blanks, at most 255 bytes.
pub(super) fn readable(mangled: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(mangled));
    let printable = |c: char| match c {
        c if c.is_ascii_graphic() => c,
        _ => '_',
    };
    let mut name: String = name.chars().map(printable).collect();
    name.truncate(REX_SYM_NAME_LEN as usize - 1);
    name
}

fn section(kind: u32, name: u32) -> Section {
    Section {
        sh_name: U32::new(ENDIAN, name),
        sh_type: U32::new(ENDIAN, kind),
        sh_flags: U64::new(ENDIAN, 0),
        sh_addr: U64::new(ENDIAN, 0),
        sh_offset: U64::new(ENDIAN, 0),
        sh_size: U64::new(ENDIAN, 0),
        sh_link: U32::new(ENDIAN, 0),
        sh_info: U32::new(ENDIAN, 0),
        sh_addralign: U64::new(ENDIAN, 8),
        sh_entsize: U64::new(ENDIAN, 0),
    }
}

fn append(output: &mut Vec<u8>, section: &mut Section, content: &[u8]) {
    output.resize(output.len().next_multiple_of(8), 0);
    section.sh_offset = U64::new(ENDIAN, output.len() as u64);
    section.sh_size = U64::new(ENDIAN, content.len() as u64);
    output.extend_from_slice(content);
}

/// A string table.
struct Strings(Vec<u8>);

impl Strings {
    fn new() -> Self {
        Self(vec![0])
    }

    /// Adds `text` and gives its offset.
    fn add(&mut self, text: &str) -> u32 {
        let offset = self.0.len() as u32;
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_demangled_and_lose_their_blanks() {
        assert_eq!(readable("_RNvCs4fqI2P2rA04_5hello4prog"), "hello::prog");
        assert_eq!(
            readable("_ZN29_$LT$a..B$u20$as$u20$c..D$GT$1f17h0123456789abcdefE"),
            "<a::B_as_c::D>::f"
        );
        assert_eq!(readable("memcpy"), "memcpy");
    }

    #[test]
    fn names_are_printable_and_short() {
        assert_eq!(readable("für"), "f_r");
        assert_eq!(readable(&"x".repeat(1000)).len(), 255);
    }
}
