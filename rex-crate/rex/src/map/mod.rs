// SPDX-License-Identifier: GPL-2.0-only
//! Maps: tables that outlive a run and that programs and user space share.
//!
//! ```ignore
//! #[rex_map]
//! static SEEN: RexHashMap<u32, u64> = RexHashMap::new(1024, 0);
//! ```
//!
//! A map's memory is the kernel's and belongs to everybody at once: other
//! CPUs, programs that interrupted this one, user space. A program therefore
//! never gets a reference to a value in the map; it gets a [`MapValue`], a
//! copy that is written back.

mod dev;
mod keyed;
mod locked;
mod perf_event_array;
mod queue;
mod ringbuf;
mod stack_trace;
mod value;

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::sync::atomic::AtomicPtr;

pub use dev::{Redirecting, RexDevMap, RexDevMapHash};
pub use keyed::{
    Keyed, LpmKey, PerCpu, RexArrayMap, RexHashMap, RexLpmTrie, RexLruHashMap, RexLruPerCPUHashMap,
    RexPerCPUArrayMap, RexPerCPUHashMap,
};
pub use locked::LockedValue;
pub use perf_event_array::{PerfEventMaskedCPU, RexPerfEventArray};
pub use queue::{Queued, RexQueue, RexStack};
pub use ringbuf::{RexRingBuf, RexRingBufEntry};
pub use stack_trace::RexStackTrace;
pub use value::MapValue;

use rex_abi::REX_NO_LOCK;

use crate::descriptor::MapShape;
use crate::linux::bpf::BPF_MAP_TYPE_PERF_EVENT_ARRAY;

/// A map of the kernel type `MT` (`BPF_MAP_TYPE_*`).
///
/// Declared as a static with [`rex_map`](crate::rex_map). Without the attribute there is no map
/// behind it: every lookup finds nothing and every change is `Err(-EINVAL)`.
#[repr(C)]
pub struct RexMapHandle<const MT: u32, K, V> {
    /// The kernel's map, which the loader stores here; null without one.
    map: AtomicPtr<c_void>,
    max_entries: u32,
    flags: u32,
    // Holds no K or V of its own, so it is Sync whatever they are.
    _entries: PhantomData<fn() -> (K, V)>,
}

/// What `#[rex_map]` needs to know of a map's type.
#[doc(hidden)]
pub trait RexMap {
    /// Type of the keys.
    type Key;
    /// Type of the values.
    type Value;
}

impl<const MT: u32, K, V> RexMap for RexMapHandle<MT, K, V> {
    type Key = K;
    type Value = V;
}

impl<const MT: u32, K, V> RexMapHandle<MT, K, V> {
    /// A map of at most `max_entries` entries; `flags` are `BPF_F_*`.
    pub const fn new(max_entries: u32, flags: u32) -> Self {
        Self {
            map: AtomicPtr::new(ptr::null_mut()),
            max_entries,
            flags,
            _entries: PhantomData,
        }
    }

    #[doc(hidden)]
    pub const fn shape(&self) -> MapShape {
        let value_size = match MT {
            // Holds descriptors; V is what goes through them.
            BPF_MAP_TYPE_PERF_EVENT_ARRAY => size_of::<u32>(),
            _ => size_of::<V>(),
        };
        MapShape {
            map_type: MT,
            key_size: size_of::<K>(),
            value_size,
            max_entries: self.max_entries,
            flags: self.flags,
            lock_offset: REX_NO_LOCK,
        }
    }

    /// Where the loader stores the map's address. Shared and opaque: a program that called
    /// this itself could store an address of its own if it got the atomic.
    #[doc(hidden)]
    pub const fn handle(&'static self) -> MapHandle {
        MapHandle(&self.map)
    }

    /// The kernel's map. Volatile, because the compiler sees no store to the
    /// static and would otherwise take its initial null for granted.
    fn map(&self) -> Option<NonNull<c_void>> {
        // SAFETY: the field is valid for reads. The kernel stores to it once,
        // before the object's first program can run.
        let map = unsafe { self.map.as_ptr().read_volatile() };
        NonNull::new(map)
    }
}

/// Address of the word that the loader fills in; good for a record only.
#[doc(hidden)]
#[repr(transparent)]
pub struct MapHandle(&'static AtomicPtr<c_void>);
