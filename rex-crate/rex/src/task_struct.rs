// SPDX-License-Identifier: GPL-2.0-only
//! Tasks.

use core::ffi::{CStr, FromBytesUntilNulError};

use crate::ffi;
pub use crate::owned_task::OwnedTaskStruct;

/// Bytes of a task's name, the terminating NUL included.
const COMM_BYTES: usize = 16;

/// What the kernel said about the current task when it was asked.
pub struct TaskStruct {
    pid_tgid: u64,
    comm: [u8; COMM_BYTES],
}

impl TaskStruct {
    pub(crate) fn current() -> Option<Self> {
        let mut comm = [0; COMM_BYTES];
        // SAFETY: the buffer is valid for writes of the length given.
        let error = unsafe { ffi::rex_get_current_comm(comm.as_mut_ptr(), comm.len()) };
        (error == 0).then(|| Self {
            pid_tgid: ffi::rex_get_current_pid_tgid(),
            comm,
        })
    }

    /// Id of the thread.
    pub fn get_pid(&self) -> i32 {
        self.pid_tgid as u32 as i32
    }

    /// Id of the process.
    pub fn get_tgid(&self) -> i32 {
        (self.pid_tgid >> 32) as i32
    }

    /// Name of the thread.
    pub fn get_comm(&self) -> Result<&CStr, FromBytesUntilNulError> {
        CStr::from_bytes_until_nul(&self.comm)
    }
}
