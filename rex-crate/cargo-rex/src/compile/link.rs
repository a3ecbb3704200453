// SPDX-License-Identifier: GPL-2.0-only
//! From the archive to a position-independent ELF file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use object::elf::SHF_GNU_RETAIN;
use object::read::archive::ArchiveFile;
use object::read::elf::{ElfFile64, SectionHeader as _};
use object::{Endianness, U64};
use rex_abi::{REX_SEC_MAPS, REX_SEC_PROGS};

use super::{Job, Refusal, Stage};
use crate::process;
use crate::sysroot::SONAME;

/// Each option is there for what the kernel's loader expects.
const OPTIONS: &[&str] = &[
    "-pie",
    "--no-dynamic-linker",
    // No function is "the" entry point.
    "--entry=0",
    "--gc-sections",
    "--build-id=none",
    // DT_HASH gives the number of dynamic symbols.
    "--hash-style=sysv",
    "-zrelro",
    "-znow",
    "-znoexecstack",
    // R, RX and RW each on pages of their own.
    "-zseparate-code",
    "-zmax-page-size=4096",
    "-ztext",
    "-zdefs",
];

/// Links `archive` to the job's debug file, which still has everything.
pub(super) fn run(job: &Job<'_>, archive: &Path) -> Result<std::result::Result<(), Refusal>> {
    let mut content = fs::read(archive).context("the compiler wrote no archive")?;
    retain_records(&mut content)?;
    fs::write(archive, content)?;
    let mut link = job.sysroot.toolchain.lld.command();
    link.args(OPTIONS)
        .arg("-o")
        .arg(job.debug())
        .arg("--whole-archive")
        .arg(archive)
        .arg("--no-whole-archive")
        .arg(job.sysroot.rex.path.join(SONAME));
    let finished = process::run(&mut link, process::LIMIT)?;
    if finished.status.success() {
        return Ok(Ok(()));
    }
    Ok(Err(Refusal::new(Stage::Link, finished.stderr)))
}

/// Marks the sections of records as roots for the linker's garbage
/// collection. Nothing refers to them, and the attribute that would say so in
/// the source, `#[used(linker)]`, is closed to programs.
fn retain_records(archive: &mut [u8]) -> Result<()> {
    let records = [REX_SEC_PROGS.to_bytes(), REX_SEC_MAPS.to_bytes()];
    let mut patches = Vec::new();
    for member in ArchiveFile::parse(&*archive)?.members() {
        let member = member?;
        let (start, _) = member.file_range();
        let Ok(file) = ElfFile64::<Endianness>::parse(member.data(&*archive)?) else {
            continue;
        };
        let endian = file.endian();
        let table = file.elf_section_table();
        let headers = file.elf_header().e_shoff.get(endian);
        for (index, section) in table.iter().enumerate() {
            if records.contains(&table.section_name(endian, section)?) {
                let header = start + headers + (index * size_of_val(section)) as u64;
                let flags = section.sh_flags(endian) | u64::from(SHF_GNU_RETAIN);
                patches.push((header as usize, U64::new(endian, flags)));
            }
        }
    }
    // sh_flags follows sh_name and sh_type, 4 bytes each.
    for (header, flags) in patches {
        let field = archive.get_mut(header + 8..header + 16);
        let field = field.context("an archive member is cut off")?;
        field.copy_from_slice(object::pod::bytes_of(&flags));
    }
    Ok(())
}
