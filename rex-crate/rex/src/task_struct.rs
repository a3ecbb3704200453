// SPDX-License-Identifier: GPL-2.0-only
//! Tasks.

use core::ffi::{CStr, FromBytesUntilNulError};
use core::ptr;

use rex_abi::rex_task_info;

use crate::ffi;
pub use crate::owned_task::OwnedTaskStruct;
use crate::pt_regs::SyscallRegs;

/// What the kernel said about the current task when it was asked.
pub struct TaskStruct {
    info: rex_task_info,
}

impl TaskStruct {
    pub(crate) fn current() -> Option<Self> {
        let mut info = rex_task_info::default();
        // SAFETY: `info` is valid for writes.
        let error = unsafe { ffi::rex_current_task_read(&raw mut info) };
        (error == 0).then_some(Self { info })
    }

    /// Id of the thread.
    pub fn get_pid(&self) -> i32 {
        self.info.pid
    }

    /// Id of the process.
    pub fn get_tgid(&self) -> i32 {
        self.info.tgid
    }

    /// Nanoseconds that the thread has run in user mode.
    pub fn get_utime(&self) -> u64 {
        self.info.utime
    }

    /// Name of the thread.
    pub fn get_comm(&self) -> Result<&CStr, FromBytesUntilNulError> {
        comm(&self.info)
    }

    /// The registers that the task entered the kernel with; zeroes for a
    /// thread of the kernel.
    pub fn get_pt_regs(&self) -> SyscallRegs {
        // SAFETY: null stands for the current task, which is the one that
        // this is about: it can't have gone, or a program on it either.
        unsafe { SyscallRegs::of_task(ptr::null_mut()) }
    }
}

pub(crate) fn comm(info: &rex_task_info) -> Result<&CStr, FromBytesUntilNulError> {
    // SAFETY: c_char and u8 have the same layout, and any byte is a u8.
    let comm = unsafe { &*(&raw const info.comm).cast::<[u8; 16]>() };
    CStr::from_bytes_until_nul(comm)
}
