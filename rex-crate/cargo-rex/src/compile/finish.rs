// SPDX-License-Identifier: GPL-2.0-only
//! The last stage: readable symbols, verification, and what the verifier's
//! findings change in the object: stack checks that nobody needs go, records say
//! what was proved. Everything is then verified once more, as it is written.

use std::fs;
use std::mem::offset_of;

use anyhow::{Context, Result, ensure};
use object::{Object as _, ObjectSegment as _};
use rex_abi::{REX_PROG_F_OVERRIDE, rex_prog_desc};
use rex_verify::{Finding, Verified};

use super::{Job, Refusal, Stage, symbols};

pub(super) fn run(job: &Job<'_>) -> Result<std::result::Result<(), Refusal>> {
    let linked = fs::read(job.debug()).context("the linker wrote nothing")?;
    let mut object = symbols::rewrite(&linked)?;
    let verified = match rex_verify::verify(&object) {
        Ok(verified) => verified,
        Err(findings) => return Ok(Err(Refusal::new(Stage::Verify, lines(&findings)))),
    };
    remove_checks(&mut object, &verified.idle_checks)?;
    set_flags(&mut object, &verified)?;
    // Without the checks, programs need a little less.
    let changed = verify_again(&object)?;
    set_bounds(&mut object, &changed)?;
    verify_again(&object)?;
    fs::write(job.object(), object)?;
    Ok(Ok(()))
}

fn lines(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| format!("{finding}\n"))
        .collect()
}

/// The program is not to blame for what we have changed.
fn verify_again(object: &[u8]) -> Result<Verified> {
    rex_verify::verify(object).map_err(|findings| {
        anyhow::anyhow!("the finished object breaks rules: {}", lines(&findings))
    })
}

/// `call rel32` takes as much room as this.
const NOP: [u8; 5] = [0x0f, 0x1f, 0x44, 0x00, 0x00];
const CALL: u8 = 0xe8;

/// Makes the calls at `sites` do nothing.
fn remove_checks(object: &mut [u8], sites: &[u64]) -> Result<()> {
    for site in sites {
        let call = bytes_at(object, *site, NOP.len())?;
        ensure!(call[0] == CALL, "a stack check is called in an odd way");
        call.copy_from_slice(&NOP);
    }
    Ok(())
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
        set_word(object, field, program.flags | REX_PROG_F_OVERRIDE)?;
    }
    Ok(())
}

/// Has the record of each program with a bound say it.
fn set_bounds(object: &mut [u8], verified: &Verified) -> Result<()> {
    for program in &verified.image.programs {
        if let Ok(bytes) = verified.bounds[&program.name] {
            let field = program.record + offset_of!(rex_prog_desc, stack_bytes) as u64;
            set_word(object, field, u32::try_from(bytes)?)?;
        }
    }
    Ok(())
}

fn set_word(object: &mut [u8], address: u64, value: u32) -> Result<()> {
    bytes_at(object, address, 4)?.copy_from_slice(&value.to_le_bytes());
    Ok(())
}

/// The bytes in the file that are loaded to `address`.
fn bytes_at(object: &mut [u8], address: u64, size: usize) -> Result<&mut [u8]> {
    let offset = file_offset(object, address);
    let bytes = offset.and_then(|offset| object.get_mut(offset..offset + size));
    bytes.context("a loaded byte has no place in the file")
}

/// Where the byte at `address` is in the file.
fn file_offset(object: &[u8], address: u64) -> Option<usize> {
    let file = object::File::parse(object).ok()?;
    file.segments().find_map(|segment| {
        let (start, size) = segment.file_range();
        let within = address.checked_sub(segment.address())?;
        (within < size).then(|| (start + within) as usize)
    })
}
