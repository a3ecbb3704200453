// SPDX-License-Identifier: GPL-2.0-only
//! Small objects, made by hand so that each can be wrong in one way.
//!
//! Layout: page 0 (R) has the headers and the tables of the dynamic section,
//! page 1 (RX) the text, page 2 (RW) the GOT, the dynamic section, a map's
//! handle and the records. Symbols and section headers follow, not loaded.

use std::mem::{offset_of, size_of};

use object::elf::*;
use object::pod::{Pod, bytes_of};
use object::{Endianness, I64, U16, U32, U64};
use rex_abi::{REX_ABI_VERSION, rex_map_desc, rex_prog_desc};

const LE: Endianness = Endianness::Little;
pub const PAGE: u64 = 4096;
pub const TEXT: u64 = PAGE;
pub const DATA: u64 = 2 * PAGE;
/// First word of the GOT, where the first import's address goes.
pub const GOT: u64 = DATA;
const DYNAMIC: u64 = DATA + 0x100;
pub const HANDLE: u64 = DATA + 0x200;
pub const PROGS: u64 = DATA + 0x400;
pub const MAPS: u64 = DATA + 0x800;
const DYNSYM: u64 = 0x400;
const DYNSTR: u64 = 0x600;
const HASH: u64 = 0x700;
const RELA: u64 = 0x800;

/// A function's symbol and code.
pub struct Code {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// An object; every field may be spoilt.
pub struct Object {
    pub functions: Vec<Code>,
    pub imports: Vec<&'static str>,
    /// Relocations beside those that `functions` and `imports` need: type,
    /// place, symbol, addend.
    pub relocations: Vec<(u32, u64, u32, i64)>,
    pub e_type: u16,
    pub text_flags: u32,
    pub data_flags: u32,
    pub extra_header: Option<u32>,
    /// Bytes of the data page that are made read-only.
    pub relro_size: u64,
    pub extra_tag: Option<u32>,
    pub hash_tag: bool,
    pub prog_name: &'static str,
    pub prog_version: u32,
    /// Address that the record's entry points to; None leaves it out.
    pub entry: Option<u64>,
    /// The bound that the record claims.
    pub stack_bytes: u32,
    pub map_handle: u64,
    /// Bytes of the program's section.
    pub progs_size: u64,
    pub section_name: &'static str,
    /// Fills the text page behind the functions.
    pub padding: Vec<u8>,
}

/// `ret`
pub const RET: &[u8] = &[0xc3];

impl Object {
    /// A good object of one function and one import.
    pub fn good() -> Self {
        Self::with_code(RET)
    }

    pub fn with_code(bytes: &[u8]) -> Self {
        Self {
            functions: vec![Code {
                name: "good::program",
                bytes: bytes.to_vec(),
            }],
            imports: vec!["rex_trace_print"],
            relocations: Vec::new(),
            e_type: ET_DYN,
            text_flags: PF_R | PF_X,
            data_flags: PF_R | PF_W,
            extra_header: None,
            relro_size: PAGE,
            extra_tag: None,
            hash_tag: true,
            prog_name: "program",
            prog_version: REX_ABI_VERSION,
            entry: Some(TEXT),
            stack_bytes: 0,
            map_handle: HANDLE,
            progs_size: size_of::<rex_prog_desc>() as u64,
            section_name: ".text",
            padding: Vec::new(),
        }
    }

    pub fn build(&self) -> Vec<u8> {
        let mut file = vec![0; 3 * PAGE as usize];
        let mut symbols = vec![symbol(0, 0, 0, 0)];
        let mut strings = vec![0];
        let mut at = TEXT;
        for function in &self.functions {
            put(&mut file, at, &function.bytes);
            let size = function.bytes.len() as u64;
            symbols.push(symbol(text(&mut strings, function.name), 1, at, size));
            at += size;
        }
        put(&mut file, at, &self.padding);
        at += self.padding.len() as u64;
        let rela_size = self.tables(&mut file);
        self.dynamic(&mut file, rela_size);
        self.records(&mut file);
        self.headers(&mut file, at - TEXT, &symbols, &strings);
        file
    }

    /// The dynamic symbols, their hash and the relocations.
    fn tables(&self, file: &mut [u8]) -> u64 {
        let mut strings = vec![0];
        let mut symbols = symbol_bytes(&[symbol(0, 0, 0, 0)]);
        let mut relocations = Vec::new();
        for (index, name) in self.imports.iter().enumerate() {
            let mut import = symbol(text(&mut strings, name), 0, 0, 0);
            import.st_info = (STB_GLOBAL << 4) | STT_FUNC;
            symbols.extend_from_slice(bytes_of(&import));
            let place = GOT + 8 * index as u64;
            relocations.push((R_X86_64_GLOB_DAT, place, index as u32 + 1, 0));
        }
        if let Some(entry) = self.entry {
            let place = PROGS + offset_of!(rex_prog_desc, entry) as u64;
            relocations.push((R_X86_64_RELATIVE, place, 0, entry as i64));
        }
        let place = MAPS + offset_of!(rex_map_desc, handle) as u64;
        relocations.push((R_X86_64_RELATIVE, place, 0, self.map_handle as i64));
        relocations.extend(&self.relocations);
        put(file, DYNSYM, &symbols);
        put(file, DYNSTR, &strings);
        let count = self.imports.len() as u32 + 1;
        for (index, word) in [1, count, 0].into_iter().enumerate() {
            put(file, HASH + 4 * index as u64, &u32::to_le_bytes(word));
        }
        for (index, (r_type, place, symbol, addend)) in relocations.iter().enumerate() {
            let entry = Rela64 {
                r_offset: U64::new(LE, *place),
                r_info: Rela64::r_info(LE, false, *symbol, *r_type),
                r_addend: I64::new(LE, *addend),
            };
            put(file, RELA + 24 * index as u64, bytes_of(&entry));
        }
        24 * relocations.len() as u64
    }

    fn dynamic(&self, file: &mut [u8], rela_size: u64) {
        let mut tags = vec![
            (DT_RELA, RELA),
            (DT_RELASZ, rela_size),
            (DT_RELAENT, 24),
            (DT_SYMTAB, DYNSYM),
            (DT_SYMENT, 24),
            (DT_STRTAB, DYNSTR),
            (DT_STRSZ, HASH - DYNSTR),
        ];
        tags.extend(self.hash_tag.then_some((DT_HASH, HASH)));
        tags.extend(self.extra_tag.map(|tag| (tag, 0)));
        tags.push((DT_NULL, 0));
        for (index, (tag, value)) in tags.into_iter().enumerate() {
            let entry = Dyn64 {
                d_tag: U64::new(LE, tag.into()),
                d_val: U64::new(LE, value),
            };
            put(file, DYNAMIC + 16 * index as u64, bytes_of(&entry));
        }
    }

    fn records(&self, file: &mut [u8]) {
        put(file, PROGS, &self.prog_version.to_le_bytes());
        let stack = PROGS + offset_of!(rex_prog_desc, stack_bytes) as u64;
        put(file, stack, &self.stack_bytes.to_le_bytes());
        let name = PROGS + offset_of!(rex_prog_desc, name) as u64;
        put(file, name, self.prog_name.as_bytes());
        put(file, MAPS, &REX_ABI_VERSION.to_le_bytes());
        let name = MAPS + offset_of!(rex_map_desc, name) as u64;
        put(file, name, b"MAP");
    }

    /// Everything that is not loaded, and the headers.
    fn headers(
        &self,
        file: &mut Vec<u8>,
        text_size: u64,
        symbols: &[Sym64<Endianness>],
        strings: &[u8],
    ) {
        let symtab = append(file, &symbol_bytes(symbols));
        let strtab = append(file, strings);
        let mut names = vec![0];
        let maps_size = size_of::<rex_map_desc>() as u64;
        let alloc = SHF_ALLOC;
        let mut sections = vec![
            section(0, SHT_NULL, 0, (0, 0)),
            section(
                text(&mut names, self.section_name),
                SHT_PROGBITS,
                alloc | SHF_EXECINSTR,
                (TEXT, text_size),
            ),
            section(
                text(&mut names, ".rex.progs"),
                SHT_PROGBITS,
                alloc | SHF_WRITE,
                (PROGS, self.progs_size),
            ),
            section(
                text(&mut names, ".rex.maps"),
                SHT_PROGBITS,
                alloc | SHF_WRITE,
                (MAPS, maps_size),
            ),
            section(
                text(&mut names, ".dynsym"),
                SHT_DYNSYM,
                alloc,
                (DYNSYM, 24 * (self.imports.len() as u64 + 1)),
            ),
            section(
                text(&mut names, ".dynstr"),
                SHT_STRTAB,
                alloc,
                (DYNSTR, HASH - DYNSTR),
            ),
            section(
                text(&mut names, ".dynamic"),
                SHT_DYNAMIC,
                alloc | SHF_WRITE,
                (DYNAMIC, 0x100),
            ),
            section(
                text(&mut names, ".rela.dyn"),
                SHT_RELA,
                alloc,
                (RELA, 24 * 16),
            ),
            section(text(&mut names, ".symtab"), SHT_SYMTAB, 0, symtab),
            section(text(&mut names, ".strtab"), SHT_STRTAB, 0, strtab),
        ];
        let shstrtab_name = text(&mut names, ".shstrtab");
        let shstrtab = append(file, &names);
        sections.push(section(shstrtab_name, SHT_STRTAB, 0, shstrtab));
        for (index, link, size) in [(4, 5, 24), (6, 5, 16), (7, 4, 24), (8, 9, 24)] {
            sections[index].sh_link = U32::new(LE, link);
            sections[index].sh_entsize = U64::new(LE, size);
        }
        // The relocation section's true size, from the dynamic section.
        let size = u64::from_le_bytes(file[DYNAMIC as usize + 24..][..8].try_into().unwrap());
        sections[7].sh_size = U64::new(LE, size);
        let section_bytes: Vec<u8> = sections
            .iter()
            .flat_map(|section| bytes_of(section).to_vec())
            .collect();
        let (shoff, _) = append(file, &section_bytes);
        let mut segments = vec![
            segment(PT_LOAD, PF_R, 0, PAGE),
            segment(PT_LOAD, self.text_flags, TEXT, text_size),
            segment(PT_LOAD, self.data_flags, DATA, PAGE),
            segment(PT_DYNAMIC, PF_R | PF_W, DYNAMIC, 0x100),
            segment(PT_GNU_RELRO, PF_R, DATA, self.relro_size),
        ];
        segments.extend(self.extra_header.map(|kind| segment(kind, PF_R, 0, 8)));
        let header = FileHeader64 {
            e_ident: Ident {
                magic: ELFMAG,
                class: ELFCLASS64,
                data: ELFDATA2LSB,
                version: EV_CURRENT,
                os_abi: ELFOSABI_NONE,
                abi_version: 0,
                padding: [0; 7],
            },
            e_type: U16::new(LE, self.e_type),
            e_machine: U16::new(LE, EM_X86_64),
            e_version: U32::new(LE, 1),
            e_entry: U64::new(LE, 0),
            e_phoff: U64::new(LE, 64),
            e_shoff: U64::new(LE, shoff),
            e_flags: U32::new(LE, 0),
            e_ehsize: U16::new(LE, 64),
            e_phentsize: U16::new(LE, 56),
            e_phnum: U16::new(LE, segments.len() as u16),
            e_shentsize: U16::new(LE, 64),
            e_shnum: U16::new(LE, sections.len() as u16),
            e_shstrndx: U16::new(LE, sections.len() as u16 - 1),
        };
        put(file, 0, bytes_of(&header));
        for (index, segment) in segments.iter().enumerate() {
            put(file, 64 + 56 * index as u64, bytes_of(segment));
        }
    }
}

fn put(file: &mut [u8], at: u64, bytes: &[u8]) {
    file[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
}

fn append(file: &mut Vec<u8>, bytes: &[u8]) -> (u64, u64) {
    file.resize(file.len().next_multiple_of(8), 0);
    let at = file.len() as u64;
    file.extend_from_slice(bytes);
    (at, bytes.len() as u64)
}

fn text(strings: &mut Vec<u8>, text: &str) -> u32 {
    let at = strings.len() as u32;
    strings.extend_from_slice(text.as_bytes());
    strings.push(0);
    at
}

fn symbol(name: u32, section: u16, address: u64, size: u64) -> Sym64<Endianness> {
    let kind = if section == 0 { STT_NOTYPE } else { STT_FUNC };
    Sym64 {
        st_name: U32::new(LE, name),
        st_info: (STB_LOCAL << 4) | kind,
        st_other: 0,
        st_shndx: U16::new(LE, section),
        st_value: U64::new(LE, address),
        st_size: U64::new(LE, size),
    }
}

fn symbol_bytes<T: Pod>(symbols: &[T]) -> Vec<u8> {
    symbols
        .iter()
        .flat_map(|symbol| bytes_of(symbol).to_vec())
        .collect()
}

fn section(
    name: u32,
    kind: u32,
    flags: u32,
    (at, size): (u64, u64),
) -> SectionHeader64<Endianness> {
    SectionHeader64 {
        sh_name: U32::new(LE, name),
        sh_type: U32::new(LE, kind),
        sh_flags: U64::new(LE, flags.into()),
        sh_addr: U64::new(LE, if flags & SHF_ALLOC != 0 { at } else { 0 }),
        sh_offset: U64::new(LE, at),
        sh_size: U64::new(LE, size),
        sh_link: U32::new(LE, 0),
        sh_info: U32::new(LE, 0),
        sh_addralign: U64::new(LE, 1),
        sh_entsize: U64::new(LE, 0),
    }
}

fn segment(kind: u32, flags: u32, at: u64, size: u64) -> ProgramHeader64<Endianness> {
    ProgramHeader64 {
        p_type: U32::new(LE, kind),
        p_flags: U32::new(LE, flags),
        p_offset: U64::new(LE, at),
        p_vaddr: U64::new(LE, at),
        p_paddr: U64::new(LE, at),
        p_filesz: U64::new(LE, size),
        p_memsz: U64::new(LE, size),
        p_align: U64::new(LE, PAGE),
    }
}
