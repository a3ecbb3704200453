// SPDX-License-Identifier: GPL-2.0-only
//! What is loaded, and with which rights.

use std::ops::Range;

use object::elf;
use object::read::elf::{Dyn as _, ProgramHeader as _};
use rex_abi::{REX_MAX_IMAGE_SIZE, REX_MAX_SEGMENTS};

use crate::finding::{Finding, Rule};
use crate::image::ElfFile;

const PAGE: u64 = 4096;

/// A loaded segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Address of its first byte.
    pub address: u64,
    /// Size in memory, in bytes; what the file lacks is zero.
    pub size: u64,
    /// Its content in the file.
    pub data: Vec<u8>,
    /// Mapped writable while relocations are applied.
    pub writable: bool,
    /// Mapped executable.
    pub executable: bool,
}

impl Segment {
    /// Whether the byte at `address` is in it.
    pub fn contains(&self, address: u64) -> bool {
        self.contains_range(address, 1)
    }

    /// Whether `size` bytes at `address` are in it.
    pub fn contains_range(&self, address: u64, size: u64) -> bool {
        address
            .checked_sub(self.address)
            .and_then(|offset| offset.checked_add(size))
            .is_some_and(|end| end <= self.size)
    }

    /// `size` bytes of the file's content at `address`.
    pub fn bytes_at(&self, address: u64, size: u64) -> Option<&[u8]> {
        let start = usize::try_from(address.checked_sub(self.address)?).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        self.data.get(start..end)
    }
}

/// The loaded segments by address; what is wrong goes to `findings`.
pub(crate) fn read(file: &ElfFile<'_>, findings: &mut Vec<Finding>) -> Vec<Segment> {
    let endian = file.endian();
    let mut segments = Vec::new();
    let mut structure = |message: String| findings.push(Finding::new(Rule::Structure, message));
    for header in file.elf_program_headers() {
        match header.p_type(endian) {
            elf::PT_LOAD => {}
            elf::PT_DYNAMIC => {
                dynamic(file, header, &mut structure);
                continue;
            }
            _ => continue,
        }
        let flags = header.p_flags(endian);
        let address = header.p_vaddr(endian);
        let Ok(data) = header.data(endian, file.data()) else {
            structure(format!("the segment at {address:#x} is cut off"));
            continue;
        };
        let segment = Segment {
            address,
            size: header.p_memsz(endian),
            data: data.to_vec(),
            writable: flags & elf::PF_W != 0,
            executable: flags & elf::PF_X != 0,
        };
        if flags & elf::PF_R == 0 || (segment.writable && segment.executable) {
            structure(format!(
                "the segment at {address:#x} is neither R, RX nor RW (flags {flags:#x})"
            ));
        }
        if data.len() as u64 > segment.size || segment.size > u64::from(REX_MAX_IMAGE_SIZE) {
            structure(format!("the segment at {address:#x} has a wrong size"));
            continue;
        }
        segments.push(segment);
    }
    layout(&mut segments, &mut structure);
    segments
}

/// The pages of PT_GNU_RELRO. A last page that it only begins stays writable.
pub(crate) fn sealed(
    file: &ElfFile<'_>,
    segments: &[Segment],
    findings: &mut Vec<Finding>,
) -> Range<u64> {
    let endian = file.endian();
    let mut headers = file.elf_program_headers().iter();
    let Some(relro) = headers.find(|header| header.p_type(endian) == elf::PT_GNU_RELRO) else {
        return 0..0;
    };
    let (start, size) = (relro.p_vaddr(endian), relro.p_memsz(endian));
    let segment = segments
        .iter()
        .find(|segment| segment.writable && segment.contains(start));
    let room = segment.map_or(0, |segment| {
        (segment.address + segment.size).next_multiple_of(PAGE) - start
    });
    if start % PAGE != 0 || size > room {
        findings.push(Finding::new(
            Rule::Structure,
            "PT_GNU_RELRO is not page-aligned inside a writable segment",
        ));
        return 0..0;
    }
    start..start + size / PAGE * PAGE
}

/// Segments lie apart, on pages of their own, and the first is at 0.
fn layout(segments: &mut [Segment], structure: &mut impl FnMut(String)) {
    segments.sort_by_key(|segment| segment.address);
    if segments.is_empty() || segments.len() > REX_MAX_SEGMENTS as usize {
        structure(format!("{} loaded segments", segments.len()));
    }
    let mut next_page = 0;
    for (index, segment) in segments.iter().enumerate() {
        if segment.address < next_page || (index == 0 && segment.address >= PAGE) {
            structure(format!(
                "the segment at {:#x} is not on pages of its own from 0",
                segment.address
            ));
        }
        let Some(end) = segment.address.checked_add(segment.size) else {
            structure("a segment wraps around the address space".into());
            return;
        };
        next_page = end.next_multiple_of(PAGE);
    }
    if next_page > u64::from(REX_MAX_IMAGE_SIZE) {
        structure(format!("the image has {next_page} bytes"));
    }
}

/// Packed relative relocations, which `object` has no name for.
const DT_RELR: u32 = 36;

/// Tags of the dynamic section that the kernel has no answer to.
const REFUSED_TAGS: &[(u32, &str)] = &[
    (elf::DT_JMPREL, "DT_JMPREL"),
    (elf::DT_TEXTREL, "DT_TEXTREL"),
    (elf::DT_REL, "DT_REL"),
    (DT_RELR, "DT_RELR"),
    (elf::DT_INIT, "DT_INIT"),
    (elf::DT_FINI, "DT_FINI"),
    (elf::DT_INIT_ARRAY, "DT_INIT_ARRAY"),
    (elf::DT_FINI_ARRAY, "DT_FINI_ARRAY"),
    (elf::DT_PREINIT_ARRAY, "DT_PREINIT_ARRAY"),
];

fn dynamic(
    file: &ElfFile<'_>,
    header: &elf::ProgramHeader64<object::Endianness>,
    structure: &mut impl FnMut(String),
) {
    let endian = file.endian();
    let Ok(Some(entries)) = header.dynamic(endian, file.data()) else {
        structure("the dynamic section can't be read".into());
        return;
    };
    let mut has_hash = false;
    for entry in entries {
        let tag = entry.d_tag(endian);
        has_hash |= tag == u64::from(elf::DT_HASH);
        let refused = REFUSED_TAGS
            .iter()
            .find(|(refused, _)| tag == u64::from(*refused));
        if let Some((_, name)) = refused {
            structure(format!("the dynamic section has {name}"));
        }
    }
    if !has_hash {
        structure("the dynamic section has no DT_HASH".into());
    }
}
