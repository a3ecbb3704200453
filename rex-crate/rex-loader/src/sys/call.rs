// SPDX-License-Identifier: GPL-2.0-only
//! bpf(2) with structs of ours, and what fills their fields.

use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::SysResult;
use super::attr::{self, Plain};
use crate::error::Errno;

/// bpf(2) with a struct of ours as the attr.
///
/// # Safety
/// Every address and size in `attr` describes memory that the kernel may read,
/// or write where the command writes, during the call.
pub unsafe fn bpf<T: Plain>(command: u32, attr: &mut T) -> SysResult<i64> {
    let size = size_of::<T>();
    // SAFETY: `attr` is `size` initialised bytes that may be written (Plain);
    // the rest is the caller's promise.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size) };
    if result < 0 {
        Err(Errno::last())
    } else {
        Ok(result)
    }
}

/// As [`bpf`], for commands that give a file descriptor.
///
/// # Safety
/// As for [`bpf`], and the command returns a new file descriptor.
pub unsafe fn bpf_fd<T: Plain>(command: u32, attr: &mut T) -> SysResult<OwnedFd> {
    // SAFETY: the caller's promise.
    let result = unsafe { bpf(command, attr) }?;
    // SAFETY: the kernel just made this descriptor for us; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(result).expect("fds are ints")) })
}

/// A descriptor as the unsigned field that most attrs have.
pub fn raw(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

/// An address for an attr; 0 for no bytes.
pub fn address(bytes: &[u8]) -> u64 {
    // The kernel takes a null pointer for «none», but would refuse to read from
    // Rust's dangling pointer of an empty slice only by chance.
    if bytes.is_empty() {
        0
    } else {
        bytes.as_ptr() as u64
    }
}

/// As [`address`], for what the kernel writes.
pub fn address_mut(bytes: &mut [u8]) -> u64 {
    if bytes.is_empty() {
        0
    } else {
        bytes.as_mut_ptr() as u64
    }
}

/// A name in a field of fixed length: cut so that a NUL stays behind it.
pub fn name_field<const N: usize>(name: &str) -> [u8; N] {
    let mut field = [0; N];
    let length = name.len().min(N - 1);
    field[..length].copy_from_slice(&name.as_bytes()[..length]);
    field
}

pub fn chars<const N: usize>(name: &str) -> [std::ffi::c_char; N] {
    name_field::<N>(name).map(u8::cast_signed)
}

/// The text in front of the first NUL.
pub fn text(field: &[u8]) -> String {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// BPF_OBJ_GET_INFO_BY_FD into a struct of ours.
///
/// # Safety
/// `info` is of the kind that the kernel fills for `fd`, and the addresses in
/// it describe memory that the kernel may write to.
pub unsafe fn get_info<T: Plain>(fd: BorrowedFd<'_>, info: &mut T) -> SysResult<()> {
    let mut attr = attr::GetInfo {
        bpf_fd: raw(fd),
        info_len: u32::try_from(size_of::<T>()).expect("a small struct"),
        info: std::ptr::from_mut(info) as u64,
    };
    // SAFETY: the kernel writes at most info_len bytes to info, which is Plain.
    unsafe { bpf(attr::BPF_OBJ_GET_INFO_BY_FD, &mut attr) }.map(drop)
}
