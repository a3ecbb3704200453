// SPDX-License-Identifier: GPL-2.0-only
//! The Rex commands with whatever arguments a trial wants, and descriptors as
//! plain numbers: other threads close them on purpose.

use std::mem::size_of;

use rex_abi::{
    REX_MAP_NAME_LEN, REX_MAX_LOG_SIZE, REX_OBJ_GET_PROG, REX_OBJ_LOAD, REX_PROG_NAME_LEN,
    rex_get_prog_attr, rex_load_attr, rex_map_fd,
};
use rex_loader::Errno;

use super::bytes::SharedBytes;

/// Map descriptors get numbers from here on: so high that nothing that is
/// opened meanwhile takes the number of one that was closed.
const HIGH: i32 = 500;

/// An entry of rex_load_attr.maps.
#[derive(Clone, Copy)]
pub struct NamedFd(rex_map_fd);

impl NamedFd {
    /// `name` is cut to what fits, and need then not be terminated.
    pub fn new(name: &str, fd: i32) -> Self {
        let mut field = [0; REX_MAP_NAME_LEN as usize];
        for (to, from) in field.iter_mut().zip(name.bytes()) {
            *to = from.cast_signed();
        }
        NamedFd(rex_map_fd {
            name: field,
            fd,
            reserved: 0,
        })
    }

    /// The number.
    pub fn fd(&self) -> i32 {
        self.0.fd
    }
}

/// One REX_OBJ_LOAD.
#[derive(Clone, Copy)]
pub struct Load<'a> {
    pub elf: &'a SharedBytes,
    pub maps: &'a [NamedFd],
    pub map_count: Option<u32>,
    pub log_size: Option<u32>,
    pub flags: u32,
}

/// What came of it.
pub struct Outcome {
    /// The object's descriptor.
    pub result: Result<i32, Errno>,
    /// The kernel's sentence.
    pub log: String,
}

/// Loads. The caller closes the descriptor.
pub fn load(load: &Load<'_>) -> Outcome {
    let log_size = load.log_size.unwrap_or(REX_MAX_LOG_SIZE);
    // Never shorter than what the kernel is told.
    let mut log = vec![0u8; log_size as usize];
    let maps: Vec<rex_map_fd> = load.maps.iter().map(|map| map.0).collect();
    let attr = rex_load_attr {
        elf: load.elf.address(),
        maps: if maps.is_empty() {
            0
        } else {
            maps.as_ptr() as u64
        },
        log_buf: if log.is_empty() {
            0
        } else {
            log.as_mut_ptr() as u64
        },
        elf_size: u32::try_from(load.elf.len()).unwrap_or(u32::MAX),
        map_cnt: load
            .map_count
            .unwrap_or_else(|| u32::try_from(maps.len()).unwrap_or(u32::MAX)),
        log_size,
        flags: load.flags,
        name: name(b"trial"),
    };
    // SAFETY: the kernel writes at most log_size bytes to log; what it reads
    // beyond our buffers it may: they are no secret, and an unmapped one is EFAULT.
    let result = unsafe { bpf(REX_OBJ_LOAD, &attr) };
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    Outcome {
        result,
        log: String::from_utf8_lossy(&log[..end]).trim_end().to_string(),
    }
}

/// Gets a program of an object. The caller closes the descriptor.
pub fn get_program(object: i32, program: &str) -> Result<i32, Errno> {
    let attr = rex_get_prog_attr {
        obj_fd: object,
        flags: 0,
        name: name(program.as_bytes()),
    };
    // SAFETY: no addresses in it.
    unsafe { bpf(REX_OBJ_GET_PROG, &attr) }
}

/// Loads, gets a program if that went well, and closes both.
pub fn load_and_close(what: &Load<'_>, program: Option<&str>) -> Outcome {
    let outcome = load(what);
    if let Ok(object) = outcome.result {
        if let Some(Ok(program)) = program.map(|program| get_program(object, program)) {
            close(program);
        }
        close(object);
    }
    outcome
}

/// Closes a descriptor, if it is open.
pub fn close(fd: i32) {
    // SAFETY: nothing here owns descriptors that a trial passes around by number.
    unsafe { libc::close(fd) };
}

/// Makes `to` another name of `from`.
pub fn dup_to(from: i32, to: i32) {
    // SAFETY: as above.
    unsafe { libc::dup2(from, to) };
}

/// Another descriptor of the same file, out of the way of all others.
pub fn to_high_number(fd: i32) -> Result<i32, String> {
    // SAFETY: takes numbers only.
    let high = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, HIGH) };
    if high < 0 {
        return Err(format!("descriptor {fd}: {}", Errno::last().name()));
    }
    Ok(high)
}

/// What the kernel is told of maps, byte by byte.
pub fn bytes_of_maps(maps: &[NamedFd]) -> Vec<u8> {
    let records: Vec<rex_map_fd> = maps.iter().map(|map| map.0).collect();
    // SAFETY: plain data without padding.
    let bytes = unsafe {
        std::slice::from_raw_parts(
            records.as_ptr().cast::<u8>(),
            records.len() * size_of::<rex_map_fd>(),
        )
    };
    bytes.to_vec()
}

/// bpf(2) with whatever is at an address.
///
/// # Safety
/// What the kernel writes through addresses in the attr must be the caller's.
pub unsafe fn bpf_raw(command: u32, attr: *const u8, size: usize) -> Result<i32, Errno> {
    // SAFETY: the kernel copies the attr in, as far as it can be read.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attr, size) };
    if result < 0 {
        return Err(Errno::last());
    }
    Ok(i32::try_from(result).unwrap_or(i32::MAX))
}

fn name(text: &[u8]) -> [std::ffi::c_char; REX_PROG_NAME_LEN as usize] {
    let mut field = [0; REX_PROG_NAME_LEN as usize];
    for (to, from) in field
        .iter_mut()
        .zip(text.iter().take(REX_PROG_NAME_LEN as usize - 1))
    {
        *to = from.cast_signed();
    }
    field
}

/// bpf(2) with an attr of Rex.
///
/// # Safety
/// What the kernel writes through addresses in `attr` must be the caller's.
unsafe fn bpf<T>(command: u32, attr: &T) -> Result<i32, Errno> {
    // SAFETY: attr is as long as is said; the rest is the caller's promise.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw const *attr, size_of::<T>()) };
    if result < 0 {
        return Err(Errno::last());
    }
    Ok(i32::try_from(result).expect("fds are ints"))
}
