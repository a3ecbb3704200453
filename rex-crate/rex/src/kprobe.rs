// SPDX-License-Identifier: GPL-2.0-only
//! Programs on kernel functions.

use core::ffi::c_void;

use crate::descriptor::{Entry, ProgRecord};
use crate::linux::bpf::BPF_PROG_TYPE_KPROBE;
use crate::map::RexStackTrace;
use crate::program::ProgramObject;
use crate::pt_regs::PtRegs;
use crate::{Result, ffi, from_kernel};

/// The program object of a `#[rex_kprobe]` function.
#[allow(non_camel_case_types)]
pub struct kprobe {
    _private: (),
}

common_helpers! { impl [] kprobe }

impl ProgramObject for kprobe {
    type Context = PtRegs;
}

impl kprobe {
    /// The id of the stack at the probe: see [`RexStackTrace::stackid`].
    pub fn bpf_get_stackid<K, V>(
        &self,
        _ctx: &PtRegs,
        map: &'static RexStackTrace<K, V>,
        flags: u64,
    ) -> Result {
        map.stackid(flags)
    }

    /// The number that whoever attached the program gave to this attachment;
    /// 0 if none.
    pub fn bpf_get_attach_cookie(&self, _ctx: &PtRegs) -> u64 {
        ffi::rex_get_attach_cookie()
    }

    /// Makes the probed function return `value` without running. 0 or
    /// `-errno`; works only on functions that allow error injection.
    ///
    /// The builder marks a program that can reach this call; the kernel then
    /// attaches it only where overriding is allowed.
    pub fn bpf_override_return(&self, regs: &mut PtRegs, value: u64) -> i32 {
        // SAFETY: the only PtRegs that a program has is the one that the
        // kernel gave it, and the kernel checks that the program may.
        let result = from_kernel(unsafe { ffi::rex_override_return(regs, value) });
        result.unwrap_or_else(|errno| errno)
    }
}

#[doc(hidden)]
pub const fn record(name: &str, attach: &str, entry: Entry) -> ProgRecord {
    ProgRecord::new(
        BPF_PROG_TYPE_KPROBE,
        size_of::<PtRegs>(),
        name,
        attach,
        entry,
    )
}

/// Runs `program`.
///
/// # Safety
///
/// `ctx` must be the context of a kprobe program: registers that nothing else
/// uses until the return.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn enter(ctx: *mut c_void, program: fn(&kprobe, &mut PtRegs) -> Result) -> u64 {
    // SAFETY: the caller's duty; PtRegs has the layout of pt_regs.
    let regs = unsafe { &mut *ctx.cast::<PtRegs>() };
    crate::descriptor::to_hook(program(&kprobe { _private: () }, regs))
}
