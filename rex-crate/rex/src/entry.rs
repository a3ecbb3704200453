// SPDX-License-Identifier: GPL-2.0-only
//! What the attributes expand to.
//!
//! The procedural macros emit the user's item and one call of a macro below,
//! nothing else; everything unsafe is here, under `$crate`, out of reach of a
//! program that shadows names. Section and symbol names are fixed, and each
//! macro checks by types that what it is given fits the record it writes, so
//! calling one directly gives nothing that the attribute doesn't.
//!
//! Items in a macro have no hygiene: whatever is named here hides the user's item
//! of that name from `$type` and `$new`. Hence the prefixes, and no more items
//! than it takes.

/// The entry point and the record of one program.
#[doc(hidden)]
#[macro_export]
#[allow_internal_unsafe]
macro_rules! __rex_entry {
    (kprobe $name:ident $attach:literal) => {
        const _: () = {
            extern "C" fn __rex_entry(ctx: *mut ::core::ffi::c_void) -> u64 {
                // SAFETY: only the kernel calls this, with the context of the
                // type that the record names.
                unsafe { $crate::kprobe::enter(ctx, $name) }
            }
            #[used]
            #[unsafe(link_section = ".rex.progs")]
            static __REX_RECORD: $crate::descriptor::ProgRecord =
                $crate::kprobe::record(::core::stringify!($name), $attach, __rex_entry);
        };
    };
    (perf_event $name:ident) => {
        const _: () = {
            extern "C" fn __rex_entry(ctx: *mut ::core::ffi::c_void) -> u64 {
                // SAFETY: only the kernel calls this, with the context of the
                // type that the record names.
                unsafe { $crate::perf_event::enter(ctx, $name) }
            }
            #[used]
            #[unsafe(link_section = ".rex.progs")]
            static __REX_RECORD: $crate::descriptor::ProgRecord =
                $crate::perf_event::record(::core::stringify!($name), __rex_entry);
        };
    };
    (xdp $name:ident) => {
        const _: () = {
            extern "C" fn __rex_entry(ctx: *mut ::core::ffi::c_void) -> u64 {
                // SAFETY: only the kernel calls this, with the context of the
                // type that the record names.
                unsafe { $crate::xdp::enter(ctx, $name) }
            }
            #[used]
            #[unsafe(link_section = ".rex.progs")]
            static __REX_RECORD: $crate::descriptor::ProgRecord =
                $crate::xdp::record(::core::stringify!($name), __rex_entry);
        };
    };
    (tc $name:ident) => {
        const _: () = {
            extern "C" fn __rex_entry(ctx: *mut ::core::ffi::c_void) -> u64 {
                // SAFETY: only the kernel calls this, with the context of the
                // type that the record names.
                unsafe { $crate::sched_cls::enter(ctx, $name) }
            }
            #[used]
            #[unsafe(link_section = ".rex.progs")]
            static __REX_RECORD: $crate::descriptor::ProgRecord =
                $crate::sched_cls::record(::core::stringify!($name), __rex_entry);
        };
    };
    (tracepoint $name:ident $event:literal) => {
        const _: () = {
            extern "C" fn __rex_entry(ctx: *mut ::core::ffi::c_void) -> u64 {
                // SAFETY: only the kernel calls this, with the context of the
                // type and the size that the record names.
                unsafe { $crate::tracepoint::enter(ctx, $name) }
            }
            #[used]
            #[unsafe(link_section = ".rex.progs")]
            static __REX_RECORD: $crate::descriptor::ProgRecord =
                $crate::tracepoint::record($name, ::core::stringify!($name), $event, __rex_entry);
        };
    };
}

/// The record of one map. `$new` is evaluated a second time for the shape: a
/// static's own bytes can't be read at compile time. `$lock` is the path of the
/// field of a value that is its spin lock.
#[doc(hidden)]
#[macro_export]
#[allow_internal_unsafe]
macro_rules! __rex_map {
    ($name:ident, $type:ty, $new:expr $(, lock $($lock:ident).+)?) => {
        const _: () = {
            $crate::plain::assert_bytes::<
                <$type as $crate::map::RexMap>::Key,
                { ::core::mem::size_of::<<$type as $crate::map::RexMap>::Key>() },
            >();
            $crate::plain::assert_bytes::<
                <$type as $crate::map::RexMap>::Value,
                { ::core::mem::size_of::<<$type as $crate::map::RexMap>::Value>() },
            >();
            #[used]
            #[unsafe(link_section = ".rex.maps")]
            static __REX_RECORD: $crate::descriptor::MapRecord = {
                let map: $type = $new;
                let shape = map.shape();
                let shape = $crate::__rex_map_lock! { shape, $type $(, $($lock).+)? };
                let map: &'static $type = &$name;
                $crate::descriptor::MapRecord::new(shape, ::core::stringify!($name), map.handle())
            };
        };
    };
}

/// The shape of a map, with the lock of its values.
#[doc(hidden)]
#[macro_export]
macro_rules! __rex_map_lock {
    ($shape:ident, $type:ty) => {{
        $crate::spinlock::has_no_lock::<<$type as $crate::map::RexMap>::Value>();
        $shape
    }};
    ($shape:ident, $type:ty, $($lock:ident).+) => {{
        // A field of this very type, not of one that would coerce to it.
        let _ = |value: &<$type as $crate::map::RexMap>::Value| {
            $crate::spinlock::is_lock(&value.$($lock).+)
        };
        $shape.with_lock(::core::mem::offset_of!(
            <$type as $crate::map::RexMap>::Value,
            $($lock).+
        ))
    }};
}
