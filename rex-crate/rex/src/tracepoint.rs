// SPDX-License-Identifier: GPL-2.0-only
//! Programs on tracepoints.

use core::ffi::c_void;
use core::marker::PhantomData;

use crate::Result;
use crate::descriptor::{Entry, ProgRecord};
use crate::linux::bpf::BPF_PROG_TYPE_TRACEPOINT;
use crate::map::RexStackTrace;
use crate::plain::Plain;
use crate::program::ProgramObject;

/// The program object of a `#[rex_tracepoint]` function; `C` says which
/// tracepoint.
#[allow(non_camel_case_types)]
pub struct tracepoint<C: TracepointContext> {
    _context: PhantomData<C>,
}

common_helpers! { impl [C: TracepointContext] tracepoint<C> }

impl<C: TracepointContext> ProgramObject for tracepoint<C> {
    type Context = C;
}

impl<C: TracepointContext> tracepoint<C> {
    /// The id of the stack at the tracepoint: see [`RexStackTrace::stackid`].
    pub fn bpf_get_stackid<K, V>(
        &self,
        _ctx: &C,
        map: &'static RexStackTrace<K, V>,
        flags: u64,
    ) -> Result {
        map.stackid(flags)
    }
}

/// What a tracepoint tells its programs.
///
/// # Safety
///
/// `Self` must have the layout of the tracepoint's record as BPF programs see
/// it, of which the first 8 bytes belong to the kernel, and
/// [`ATTACH`](Self::ATTACH) must name that tracepoint.
pub unsafe trait TracepointContext: Plain {
    /// `category/name`.
    const ATTACH: &'static str;
}

macro_rules! contexts {
    ($($(#[$attribute:meta])* $name:ident = $attach:literal {
        $($(#[$field_attribute:meta])* $visibility:vis $field:ident: $type:ty,)*
    })*) => {$(
        #[doc = concat!("Tracepoint `", $attach, "`.")]
        $(#[$attribute])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name {
            // Holds an address of the kernel's.
            _kernel: u64,
            $($(#[$field_attribute])* $visibility $field: $type,)*
        }

        // SAFETY: the fields are those of `struct syscall_tp_t`
        // (kernel/trace/trace_syscalls.c), which the kernel fills for the
        // syscalls category, or of the event's TP_STRUCT__entry
        // (include/trace/events/syscalls.h) for raw_syscalls.
        unsafe impl TracepointContext for $name {
            const ATTACH: &'static str = $attach;
        }
    )*};
}

contexts! {
    SyscallsEnterOpenCtx = "syscalls/sys_enter_open" {
        /// Number of the system call.
        pub syscall_nr: i32,
        _pad: i32,
        /// User address of the path.
        pub filename_ptr: i64,
        /// `O_*`.
        pub flags: i64,
        /// Permission bits of a new file.
        pub mode: i64,
    }
    SyscallsEnterOpenatCtx = "syscalls/sys_enter_openat" {
        /// Number of the system call.
        pub syscall_nr: i32,
        _pad: i32,
        /// Descriptor of the folder.
        pub dfd: i64,
        /// User address of the path.
        pub filename_ptr: i64,
        /// `O_*`.
        pub flags: i64,
        /// Permission bits of a new file.
        pub mode: i64,
    }
    SyscallsExitOpenCtx = "syscalls/sys_exit_open" {
        /// Number of the system call.
        pub syscall_nr: i32,
        _pad: i32,
        /// What the call returns.
        pub ret: i64,
    }
    SyscallsExitOpenatCtx = "syscalls/sys_exit_openat" {
        /// Number of the system call.
        pub syscall_nr: i32,
        _pad: i32,
        /// What the call returns.
        pub ret: i64,
    }
    SyscallsEnterDupCtx = "syscalls/sys_enter_dup" {
        /// Number of the system call.
        pub syscall_nr: i32,
        _pad: i32,
        /// The descriptor to duplicate.
        pub fildes: u64,
    }
    RawSyscallsEnterCtx = "raw_syscalls/sys_enter" {
        /// Number of the system call.
        pub id: i64,
        /// Its six argument registers.
        pub args: [u64; 6],
    }
    RawSyscallsExitCtx = "raw_syscalls/sys_exit" {
        /// Number of the system call.
        pub id: i64,
        /// What the call returns.
        pub ret: i64,
    }
}

/// A function that `#[rex_tracepoint]` takes.
///
/// The reference is to the record of this event, gone when the program
/// returns. Nothing safe can keep it that long: a static holds only what is
/// `Sync` and changes only through atomics.
#[doc(hidden)]
pub type Program<C> = fn(&tracepoint<C>, &'static C) -> Result;

#[doc(hidden)]
pub const fn record<C: TracepointContext>(_: Program<C>, name: &str, entry: Entry) -> ProgRecord {
    ProgRecord::new(
        BPF_PROG_TYPE_TRACEPOINT,
        size_of::<C>(),
        name,
        C::ATTACH,
        entry,
    )
}

/// Runs `program`.
///
/// # Safety
///
/// `ctx` must be the context of a tracepoint program, of at least the size of
/// `C`, on the tracepoint that `C` describes.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn enter<C: TracepointContext>(ctx: *mut c_void, program: Program<C>) -> u64 {
    // SAFETY: the caller's duty; the record is this event's own and doesn't
    // change while the program runs. See Program for its lifetime.
    let context = unsafe { &*ctx.cast::<C>() };
    let object = tracepoint {
        _context: PhantomData,
    };
    crate::descriptor::to_hook(program(&object, context))
}
