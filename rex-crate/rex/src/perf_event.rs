// SPDX-License-Identifier: GPL-2.0-only
//! Programs on perf events: clocks, counters of the kernel and of the
//! hardware, each time one has gone on by its sample period.

use core::ffi::c_void;
use core::ptr::{self, NonNull};

use rex_abi::rex_perf_event_view;

use crate::descriptor::{Entry, ProgRecord};
use crate::linux::bpf::BPF_PROG_TYPE_PERF_EVENT;
pub use crate::linux::bpf::bpf_perf_event_value;
use crate::map::RexStackTrace;
use crate::program::ProgramObject;
use crate::pt_regs::PtRegs;
use crate::{Result, ffi, from_kernel};

/// The program object of a `#[rex_perf_event]` function.
#[allow(non_camel_case_types)]
pub struct perf_event {
    _private: (),
}

common_helpers! { impl [] perf_event }

impl ProgramObject for perf_event {
    type Context = bpf_perf_event_data;
}

impl perf_event {
    /// The id of the stack that was interrupted: see [`RexStackTrace::stackid`].
    pub fn bpf_get_stackid_pe<K, V>(
        &self,
        _ctx: &bpf_perf_event_data,
        map: &'static RexStackTrace<K, V>,
        flags: u64,
    ) -> Result {
        map.stackid(flags)
    }

    /// The number that whoever attached the program gave to this attachment;
    /// 0 if none.
    pub fn bpf_get_attach_cookie(&self, _ctx: &bpf_perf_event_data) -> u64 {
        ffi::rex_get_attach_cookie()
    }

    /// The event's counter, and for how long it was enabled and counting.
    /// All zeroes with an error: `-EOPNOTSUPP` from an event that can't be
    /// read where it overflows.
    pub fn bpf_perf_prog_read_value(
        &self,
        ctx: &bpf_perf_event_data,
        value: &mut bpf_perf_event_value,
    ) -> Result {
        // SAFETY: the context is the kernel's own, and the value is valid for
        // writes.
        from_kernel(unsafe { ffi::rex_perf_prog_read_value(ctx.ctx.as_ptr(), value) })
    }
}

/// What happened.
#[allow(non_camel_case_types)]
pub struct bpf_perf_event_data {
    ctx: NonNull<c_void>,
    view: rex_perf_event_view,
}

impl bpf_perf_event_data {
    /// The registers of what was interrupted, the kernel's or user space's.
    pub fn regs(&self) -> &PtRegs {
        // SAFETY: the kernel gave the address of registers that stay as they
        // are until the program returns, and this object is gone by then.
        // PtRegs has the layout of pt_regs.
        unsafe { &*ptr::with_exposed_provenance(self.view.regs as usize) }
    }

    /// How far the event goes from one run to the next.
    pub fn sample_period(&self) -> u64 {
        self.view.sample_period
    }

    /// The address that the event is about; 0 where there is none.
    pub fn addr(&self) -> u64 {
        self.view.addr
    }
}

#[doc(hidden)]
pub const fn record(name: &str, entry: Entry) -> ProgRecord {
    ProgRecord::new(BPF_PROG_TYPE_PERF_EVENT, 0, name, "", entry)
}

/// Runs `program`.
///
/// # Safety
///
/// `ctx` must be the context of a perf event program.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn enter(
    ctx: *mut c_void,
    program: fn(&perf_event, &bpf_perf_event_data) -> Result,
) -> u64 {
    let mut view = rex_perf_event_view::default();
    // SAFETY: the context is the one that this program was called with.
    let error = unsafe { ffi::rex_perf_event_view(ctx, &mut view) };
    let (0, Some(ctx)) = (error, NonNull::new(ctx)) else {
        return 0;
    };
    let data = bpf_perf_event_data { ctx, view };
    crate::descriptor::to_hook(program(&perf_event { _private: () }, &data))
}
