// SPDX-License-Identifier: GPL-2.0-only
//! The last stage: readable symbols, derived flags, verification.

use std::fs;
use std::mem::offset_of;

use anyhow::{Context, Result};
use object::{Object as _, ObjectSegment as _};
use rex_abi::{REX_PROG_F_OVERRIDE, rex_prog_desc};
use rex_verify::Verified;

use super::{Job, Refusal, Stage, symbols};

pub(super) fn run(job: &Job<'_>) -> Result<std::result::Result<(), Refusal>> {
    let linked = fs::read(job.debug()).context("the linker wrote nothing")?;
    let mut object = symbols::rewrite(&linked)?;
    let verified = match rex_verify::verify(&object) {
        Ok(verified) => verified,
        Err(findings) => {
            let lines = findings.iter().map(|finding| format!("{finding}\n"));
            return Ok(Err(Refusal::new(Stage::Verify, lines.collect::<String>())));
        }
    };
    set_flags(&mut object, &verified)?;
    fs::write(job.object(), object)?;
    Ok(Ok(()))
}

/// Sets `REX_PROG_F_OVERRIDE` in the record of each program that can reach
/// the import. The flag restricts where a program attaches, and the kernel
/// refuses the call without it: a wrong flag is an inconvenience, no hole.
fn set_flags(object: &mut [u8], verified: &Verified) -> Result<()> {
    for program in &verified.image.programs {
        if !verified.graph.reaches(program.entry, "rex_override_return") {
            continue;
        }
        let field = program.record + offset_of!(rex_prog_desc, flags) as u64;
        let offset = file_offset(object, field).context("a record has no place in the file")?;
        let flags = program.flags | REX_PROG_F_OVERRIDE;
        object[offset..offset + 4].copy_from_slice(&flags.to_le_bytes());
    }
    Ok(())
}

/// Where the bytes at `address` are in the file.
fn file_offset(object: &[u8], address: u64) -> Option<usize> {
    let file = object::File::parse(object).ok()?;
    file.segments().find_map(|segment| {
        let (start, size) = segment.file_range();
        let within = address.checked_sub(segment.address())?;
        (within < size).then(|| (start + within) as usize)
    })
}
