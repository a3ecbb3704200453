// SPDX-License-Identifier: GPL-2.0-only
//! Loading programs, and running them without their hooks.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rex_abi::{REX_MAX_LOG_SIZE, REX_OBJ_LOAD, rex_get_prog_attr, rex_load_attr, rex_map_fd};

use crate::error::Errno;
use crate::sys::attr::{self, Plain};
use crate::sys::call::{address, address_mut, bpf, bpf_fd, chars, name_field, raw, text};
use crate::sys::{RexLoad, SysResult, TestRun, TestRunOutcome};

// SAFETY: repr(C) structs of integers and char arrays; rex.h keeps them free of
// padding (their sizes are the sums of their fields, which bindgen asserts).
unsafe impl Plain for rex_load_attr {}
// SAFETY: as above.
unsafe impl Plain for rex_get_prog_attr {}

/// Most bytes of data that a program may add in a test run.
const TEST_RUN_SLACK: usize = 4096;
/// Bytes for what the verifier says.
const VERIFIER_LOG: usize = 64 * 1024;
/// Loads an object of Rex; see [`crate::sys::Kernel::rex_load`].
pub fn rex(load: &RexLoad<'_>, log: &mut String) -> SysResult<OwnedFd> {
    let maps: Vec<rex_map_fd> = load
        .maps
        .iter()
        .map(|(name, fd)| rex_map_fd {
            name: chars(name),
            fd: fd.as_raw_fd(),
            reserved: 0,
        })
        .collect();
    let mut buffer = vec![0u8; REX_MAX_LOG_SIZE as usize];
    let mut attr = rex_load_attr {
        elf: address(load.elf),
        maps: if maps.is_empty() {
            0
        } else {
            maps.as_ptr() as u64
        },
        log_buf: address_mut(&mut buffer),
        elf_size: u32::try_from(load.elf.len()).map_err(|_| Errno(libc::E2BIG))?,
        map_cnt: u32::try_from(maps.len()).map_err(|_| Errno(libc::E2BIG))?,
        log_size: REX_MAX_LOG_SIZE,
        flags: 0,
        name: chars(load.name),
    };
    // SAFETY: the kernel reads elf and maps, and writes log_buf, each within
    // the size given with it.
    let result = unsafe { bpf_fd(REX_OBJ_LOAD, &mut attr) };
    log.push_str(&text(&buffer));
    result
}

/// Loads an eBPF program; see [`crate::sys::Kernel::ebpf_load`].
pub fn ebpf(
    program_type: u32,
    instructions: &[u8],
    name: &str,
    log: &mut String,
) -> SysResult<OwnedFd> {
    const INSTRUCTION_BYTES: usize = 8;
    if !instructions.len().is_multiple_of(INSTRUCTION_BYTES) {
        return Err(Errno(libc::EINVAL));
    }
    let mut buffer = vec![0u8; VERIFIER_LOG];
    let mut attr = attr::ProgLoad {
        prog_type: program_type,
        insn_cnt: u32::try_from(instructions.len() / INSTRUCTION_BYTES)
            .map_err(|_| Errno(libc::E2BIG))?,
        insns: address(instructions),
        license: c"GPL".as_ptr() as u64,
        log_level: 1,
        log_size: u32::try_from(VERIFIER_LOG).expect("a small number"),
        log_buf: address_mut(&mut buffer),
        prog_name: name_field(name),
        ..Default::default()
    };
    // SAFETY: the kernel reads insn_cnt instructions and the licence, which
    // ends with a NUL, and writes at most log_size bytes to log_buf.
    let result = unsafe { bpf_fd(attr::BPF_PROG_LOAD, &mut attr) };
    if result.is_err() {
        log.push_str(&text(&buffer));
    }
    result
}

/// Runs a program without its hook.
pub fn test_run(program: BorrowedFd<'_>, run: &TestRun) -> SysResult<TestRunOutcome> {
    let too_big = |_| Errno(libc::E2BIG);
    let room = |input: &[u8]| {
        if input.is_empty() || run.live_frames.is_some() {
            0
        } else {
            input.len() + TEST_RUN_SLACK
        }
    };
    let mut data_out = vec![0; room(&run.data_in)];
    let mut ctx_out = vec![0; room(&run.ctx_in)];
    let mut attr = attr::ProgTestRun {
        prog_fd: raw(program),
        data_size_in: u32::try_from(run.data_in.len()).map_err(too_big)?,
        data_size_out: u32::try_from(data_out.len()).map_err(too_big)?,
        data_in: address(&run.data_in),
        data_out: address_mut(&mut data_out),
        repeat: run.repeat,
        ctx_size_in: u32::try_from(run.ctx_in.len()).map_err(too_big)?,
        ctx_size_out: u32::try_from(ctx_out.len()).map_err(too_big)?,
        ctx_in: address(&run.ctx_in),
        ctx_out: address_mut(&mut ctx_out),
        flags: run
            .live_frames
            .map_or(0, |_| attr::BPF_F_TEST_XDP_LIVE_FRAMES),
        batch_size: run.live_frames.unwrap_or(0),
        ..Default::default()
    };
    // SAFETY: each buffer is given with its size.
    unsafe { bpf(attr::BPF_PROG_TEST_RUN, &mut attr) }?;
    data_out.truncate(attr.data_size_out as usize);
    ctx_out.truncate(attr.ctx_size_out as usize);
    Ok(TestRunOutcome {
        retval: attr.retval,
        data_out,
        ctx_out,
        duration_ns: attr.duration,
    })
}
