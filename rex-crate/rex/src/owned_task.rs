// SPDX-License-Identifier: GPL-2.0-only
//! References on tasks.

use core::ffi::{CStr, FromBytesUntilNulError, c_void};
use core::ptr::NonNull;

use rex_abi::rex_task_info;

use crate::ffi;

/// A reference on a task, given back when this goes out of scope or when the
/// program ends in any other way.
///
/// ```ignore
/// if let Some(task) = OwnedTaskStruct::from_pid(pid) {
///     rex_printk!("{pid} is {:?}", task.get_comm())?;
/// }
/// ```
///
/// What it says of the task is as of [`from_pid`](Self::from_pid), or of the last
/// [`refresh`](Self::refresh). The task may exit meanwhile; its last values stay.
pub struct OwnedTaskStruct {
    // A pointer, so neither Send nor Sync: no static can keep the reference
    // beyond the run of the program, when the kernel takes it back.
    task: NonNull<c_void>,
    info: rex_task_info,
}

impl OwnedTaskStruct {
    /// The task whose thread id is `pid`, as the initial pid namespace numbers
    /// it. `None` when there is no such task; and always in NMI context, where
    /// a reference can't be given back.
    ///
    /// A program holds at most 32 resources at once; one more ends it.
    pub fn from_pid(pid: i32) -> Option<Self> {
        let task = NonNull::new(ffi::rex_task_from_pid(pid))?;
        let mut owned = Self {
            task,
            info: rex_task_info::default(),
        };
        owned.refresh();
        Some(owned)
    }

    /// Asks the kernel again.
    pub fn refresh(&mut self) {
        // SAFETY: we hold a reference on the task, and `info` is valid for
        // writes. It never fails for such a task.
        unsafe { ffi::rex_task_read(self.task.as_ptr(), &raw mut self.info) };
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
        // SAFETY: c_char and u8 have the same layout, and any byte is a u8.
        let comm = unsafe { &*(&raw const self.info.comm).cast::<[u8; 16]>() };
        CStr::from_bytes_until_nul(comm)
    }
}

impl Drop for OwnedTaskStruct {
    fn drop(&mut self) {
        // SAFETY: we hold the reference, and nobody uses it after this.
        unsafe { ffi::rex_task_release(self.task.as_ptr()) };
    }
}
