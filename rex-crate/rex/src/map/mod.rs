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

mod locked;
mod ringbuf;
mod value;

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::sync::atomic::AtomicPtr;

pub use locked::LockedValue;
pub use ringbuf::{RexRingBuf, RexRingBufEntry};
pub use value::MapValue;

use rex_abi::REX_NO_LOCK;

use crate::descriptor::MapShape;
use crate::linux::bpf::{BPF_ANY, BPF_EXIST, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_NOEXIST};
use crate::linux::errno::EINVAL;
use crate::plain::{Plain, Stored};
use crate::{Result, ffi, from_kernel};

/// A table of values with the keys 0 to `max_entries - 1`, all there from the
/// start and zero.
pub type RexArrayMap<V> = RexMapHandle<BPF_MAP_TYPE_ARRAY, u32, V>;

/// A hash table.
pub type RexHashMap<K, V> = RexMapHandle<BPF_MAP_TYPE_HASH, K, V>;

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
        MapShape {
            map_type: MT,
            key_size: size_of::<K>(),
            value_size: size_of::<V>(),
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

impl<const MT: u32, K: Plain, V: Stored> RexMapHandle<MT, K, V> {
    /// A copy of the value for `key`.
    pub fn get(&'static self, key: &K) -> Option<V>
    where
        V: Plain,
    {
        self.get_mut(key).map(|value| *value)
    }

    /// The value for `key`, to read and to change: see [`MapValue`].
    pub fn get_mut(&'static self, key: &K) -> Option<MapValue<V>>
    where
        V: Plain,
    {
        let map = self.map()?;
        // SAFETY: the map has keys of the size of K: the loader compared it
        // with the record that rex_map wrote.
        let place = unsafe { ffi::rex_map_lookup_elem(map.as_ptr(), ptr::from_ref(key).cast()) };
        let place = NonNull::new(place.cast())?;
        // SAFETY: a value of the map, of the size of V by the same comparison.
        // The kernel aligns values to 8 bytes and frees no map memory while a
        // program runs.
        Some(unsafe { MapValue::new(place) })
    }

    /// Sets the value for `key`, whether there was one or not.
    pub fn insert(&'static self, key: &K, value: &V) -> Result {
        self.set(key, value, u64::from(BPF_ANY))
    }

    /// Sets the value for `key`; `Err(-EEXIST)` when there is one.
    pub fn insert_new(&'static self, key: &K, value: &V) -> Result {
        self.set(key, value, u64::from(BPF_NOEXIST))
    }

    /// Sets the value for `key`; `Err(-ENOENT)` when there is none.
    pub fn update(&'static self, key: &K, value: &V) -> Result {
        self.set(key, value, u64::from(BPF_EXIST))
    }

    /// Removes `key` and its value; `Err(-ENOENT)` when there is none.
    pub fn delete(&'static self, key: &K) -> Result {
        let map = self.map().ok_or(-(EINVAL as i32))?;
        // SAFETY: as in get_mut.
        from_kernel(unsafe { ffi::rex_map_delete_elem(map.as_ptr(), ptr::from_ref(key).cast()) })
    }

    pub(crate) fn set(&'static self, key: &K, value: &V, flags: u64) -> Result {
        let map = self.map().ok_or(-(EINVAL as i32))?;
        // SAFETY: as in get_mut; the value has the size of V, and rex_map
        // refuses types with padding, so all its bytes are initialised.
        from_kernel(unsafe {
            ffi::rex_map_update_elem(
                map.as_ptr(),
                ptr::from_ref(key).cast(),
                ptr::from_ref(value).cast(),
                flags,
            )
        })
    }
}
