// SPDX-License-Identifier: GPL-2.0-only
//! Programs on tracepoints.

use core::ffi::c_void;
use core::marker::PhantomData;

use crate::descriptor::{Entry, ProgRecord};
use crate::linux::bpf::BPF_PROG_TYPE_TRACEPOINT;
use crate::map::RexStackTrace;
use crate::plain::Plain;
use crate::program::ProgramObject;
use crate::{Result, ffi, from_kernel};

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

    /// The number that whoever attached the program gave to this attachment;
    /// 0 if none.
    pub fn bpf_get_attach_cookie(&self, _ctx: &C) -> u64 {
        ffi::rex_get_attach_cookie()
    }
}

/// What a tracepoint tells its programs.
///
/// # Safety
///
/// Every pattern of bytes must be a `Self`, which must not be larger than the
/// records that it stands for: those of the tracepoint that
/// [`ATTACH`](Self::ATTACH) names, as BPF programs see them, of which the first
/// 8 bytes belong to the kernel. The kernel attaches a program only where
/// records are at least as large.
pub unsafe trait TracepointContext: 'static {
    /// `category/name`, or empty for a context that goes with any tracepoint.
    const ATTACH: &'static str;
}

const fn assert_plain<T: Plain>() {}

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

        const _: () = assert_plain::<$name>();
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

/// The first `N` bytes of the record of any tracepoint.
///
/// Which fields are where says `events/category/name/format` of tracefs; so
/// large that all of them are in it, `N` is the end of the last one. A program
/// with a larger one than the tracepoint's record can't be attached there.
///
/// ```ignore
/// #[rex_tracepoint(event = "sched/sched_process_exit")]
/// fn exits(_: &tracepoint<EventRecord<28>>, record: &'static EventRecord<28>) -> Result {
///     rex_printk!("thread {} ends", record.field::<i32>(24))
/// }
/// ```
#[repr(C)]
pub struct EventRecord<const N: usize> {
    bytes: [u8; N],
}

// SAFETY: bytes, and no tracepoint that they would have to be of.
unsafe impl<const N: usize> TracepointContext for EventRecord<N> {
    const ATTACH: &'static str = "";
}

impl<const N: usize> EventRecord<N> {
    /// Where fields begin: an address of the kernel's is in front of them.
    const FIELDS: usize = 8;

    /// `len` bytes at `offset`.
    ///
    /// # Panics
    /// If they are not all among the fields of these `N` bytes.
    pub fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        assert!(
            offset >= Self::FIELDS,
            "the fields of a record begin at 8, not at {offset}"
        );
        &self.bytes[offset..][..len]
    }

    /// The field at `offset`, of whatever type the format says. It need not be
    /// aligned.
    ///
    /// # Panics
    /// As [`bytes`](Self::bytes).
    pub fn field<T: Plain>(&self, offset: usize) -> T {
        let bytes = self.bytes(offset, size_of::<T>());
        // SAFETY: so many bytes are there, and any of them are a Plain.
        unsafe { bytes.as_ptr().cast::<T>().read_unaligned() }
    }

    /// Copies the text or array of a field that the format declares with
    /// `__data_loc`, as much of it as there is room for, and gives the number
    /// of bytes. `Err(-EFAULT)` when the field is of another kind and what it
    /// leads to can't be read.
    ///
    /// # Panics
    /// As [`bytes`](Self::bytes), of the 4 bytes of the field itself.
    pub fn data_loc(&self, offset: usize, into: &mut [u8]) -> core::result::Result<usize, i32> {
        let field = self.field::<u32>(offset);
        let (at, len) = (field as u16 as usize, (field >> 16) as usize);
        let len = len.min(into.len());
        // The data are behind these N bytes, how far the kernel alone knows.
        let from = self.bytes.as_ptr().wrapping_add(at);
        // SAFETY: there are so many bytes of room. Any address may be read from.
        let read =
            unsafe { ffi::rex_probe_read_kernel(into.as_mut_ptr().cast(), len, from.cast()) };
        from_kernel(read).map(|_| len)
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
pub const fn record<C: TracepointContext>(
    _: Program<C>,
    name: &str,
    event: &str,
    entry: Entry,
) -> ProgRecord {
    let attach = if C::ATTACH.is_empty() {
        event
    } else {
        assert!(
            event.is_empty(),
            "the type of the context says which tracepoint this is: leave `event` out"
        );
        C::ATTACH
    };
    let size = size_of::<C>();
    ProgRecord::new(BPF_PROG_TYPE_TRACEPOINT, size, name, attach, entry)
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
