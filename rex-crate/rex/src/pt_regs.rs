// SPDX-License-Identifier: GPL-2.0-only
//! The registers at a probe, and the arguments of a system call.

use core::ffi::c_void;

use crate::ffi;
use crate::linux::ptrace::pt_regs;
use crate::utils::probe_read_kernel;

/// The registers of the kernel at the probed instruction.
///
/// At the entry of a kernel function `rdi`, `rsi`, `rdx`, `rcx`, `r8`, `r9` are
/// its arguments. A system call's wrapper (`__x64_sys_*`) has only one: the
/// address of the registers that user space entered the kernel with. Read the
/// arguments of the call with [`PtRegs::syscall_regs`].
///
/// Not `Copy`, and never given by value: a program that had two could assign
/// one to the other and with it every register of the kernel.
#[repr(transparent)]
pub struct PtRegs {
    regs: pt_regs,
}

macro_rules! getters {
    ($($name:ident)*) => {$(
        #[doc = concat!("Register `", stringify!($name), "`.")]
        #[inline]
        pub fn $name(&self) -> u64 {
            self.regs.$name
        }
    )*};
}

impl PtRegs {
    getters! {
        r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi
        orig_rax rip cs eflags rsp ss
    }

    /// At the entry of a system call's wrapper (`__x64_sys_*`): what user space
    /// called with. `Err(-EFAULT)` when `rdi` is no address of the kernel;
    /// elsewhere than in a wrapper the result means nothing.
    pub fn syscall_regs(&self) -> core::result::Result<SyscallRegs, i32> {
        let mut regs = pt_regs::default();
        probe_read_kernel(&mut regs, self.rdi() as *const ())?;
        Ok(SyscallRegs { regs })
    }
}

/// A copy of the registers that user space entered the kernel with.
#[derive(Clone, Copy)]
pub struct SyscallRegs {
    regs: pt_regs,
}

impl SyscallRegs {
    /// Number of the system call.
    pub fn number(&self) -> u64 {
        self.regs.orig_rax
    }

    /// The six arguments, in the order of the call; what a call doesn't take
    /// is whatever the register held.
    pub fn args(&self) -> [u64; 6] {
        let regs = &self.regs;
        [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9]
    }

    /// Those of a task that is in the kernel.
    ///
    /// # Safety
    ///
    /// `task` must be null, for the current task, or one that the program
    /// holds a reference on.
    pub(crate) unsafe fn of_task(task: *mut c_void) -> Self {
        let mut regs = pt_regs::default();
        // SAFETY: the caller's duty; the registers are valid for writes.
        unsafe { ffi::rex_task_pt_regs(task, &raw mut regs) };
        Self { regs }
    }

    getters! {
        r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi
        orig_rax rip cs eflags rsp ss
    }
}
