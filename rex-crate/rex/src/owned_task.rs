// SPDX-License-Identifier: GPL-2.0-only
//! References on tasks.

use core::ffi::{CStr, FromBytesUntilNulError, c_void};
use core::ptr::NonNull;

use rex_abi::rex_task_info;

use crate::ffi;
use crate::pt_regs::SyscallRegs;
use crate::task_struct::comm;

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
        comm(&self.info)
    }

    /// The registers that the task entered the kernel with. Those of a task
    /// that runs in user mode just now are old, or half old; zeroes for a
    /// thread of the kernel, and for a task that has exited.
    pub fn get_pt_regs(&self) -> SyscallRegs {
        // SAFETY: we hold a reference on the task.
        unsafe { SyscallRegs::of_task(self.task.as_ptr()) }
    }
}

impl Drop for OwnedTaskStruct {
    fn drop(&mut self) {
        // SAFETY: we hold the reference, and nobody uses it after this.
        unsafe { ffi::rex_task_release(self.task.as_ptr()) };
    }
}
