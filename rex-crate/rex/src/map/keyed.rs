// SPDX-License-Identifier: GPL-2.0-only
//! Maps with keys: arrays, hashes and tries.

use core::ptr::{self, NonNull};

use super::{MapValue, RexMapHandle};
use crate::linux::bpf::{
    BPF_ANY, BPF_EXIST, BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH,
    BPF_MAP_TYPE_LPM_TRIE, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH,
    BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_PERCPU_HASH, BPF_NOEXIST,
};
use crate::linux::errno::EINVAL;
use crate::plain::{Plain, Stored};
use crate::{Result, ffi, from_kernel};

/// A table of values with the keys 0 to `max_entries - 1`, all there from the
/// start and zero.
pub type RexArrayMap<V> = RexMapHandle<BPF_MAP_TYPE_ARRAY, u32, V>;

/// The same with a value for each CPU. A program sees the one of the CPU it
/// runs on.
pub type RexPerCPUArrayMap<V> = RexMapHandle<BPF_MAP_TYPE_PERCPU_ARRAY, u32, V>;

/// A hash table.
pub type RexHashMap<K, V> = RexMapHandle<BPF_MAP_TYPE_HASH, K, V>;

/// A hash table with a value for each CPU. A program sees the one of the CPU
/// it runs on.
pub type RexPerCPUHashMap<K, V> = RexMapHandle<BPF_MAP_TYPE_PERCPU_HASH, K, V>;

/// A hash table that is never full: it gives up what has not been used for
/// long.
pub type RexLruHashMap<K, V> = RexMapHandle<BPF_MAP_TYPE_LRU_HASH, K, V>;

/// The same with a value for each CPU.
pub type RexLruPerCPUHashMap<K, V> = RexMapHandle<BPF_MAP_TYPE_LRU_PERCPU_HASH, K, V>;

/// A trie whose keys are prefixes ([`LpmKey`]); a lookup finds the longest one
/// that its key begins with. `flags` must have `BPF_F_NO_PREALLOC`.
pub type RexLpmTrie<K, V> = RexMapHandle<BPF_MAP_TYPE_LPM_TRIE, K, V>;

/// A key of a [`RexLpmTrie`]: the first `prefixlen` bits of `data`, most
/// significant bit of the first byte first. `data` is bytes, or a number in
/// network order, such as an address as it stands in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct LpmKey<D> {
    /// How many bits count. A lookup gives all of them.
    pub prefixlen: u32,
    /// The bits.
    pub data: D,
}

impl<D> LpmKey<D> {
    /// The first `prefixlen` bits of `data`.
    pub const fn new(prefixlen: u32, data: D) -> Self {
        Self { prefixlen, data }
    }
}

/// Maps with keys.
///
/// # Safety
///
/// The kernel's maps of this type must take lookups, updates and deletions
/// from programs, and what a lookup gives must be memory of the map that a
/// program may read and write until it returns.
#[diagnostic::on_unimplemented(
    message = "a map of this type has no keys",
    note = "array, hash, LRU hash, LPM trie and their per-CPU sisters have keys; a queue or stack has `push`, `pop` and `peek`"
)]
pub unsafe trait Keyed {}

macro_rules! keyed {
    ($($map_type:ident)*) => {$(
        // SAFETY: the kernel's lookup gives the address of a value, which the
        // map keeps allocated until a grace period after the program.
        unsafe impl<K, V> Keyed for RexMapHandle<$map_type, K, V> {}
    )*};
}

keyed! {
    BPF_MAP_TYPE_ARRAY BPF_MAP_TYPE_PERCPU_ARRAY
    BPF_MAP_TYPE_HASH BPF_MAP_TYPE_PERCPU_HASH
    BPF_MAP_TYPE_LRU_HASH BPF_MAP_TYPE_LRU_PERCPU_HASH
    BPF_MAP_TYPE_LPM_TRIE
}

/// Maps with keys and a value for each CPU.
///
/// # Safety
///
/// As for [`Keyed`], also of a lookup of another CPU's value.
#[diagnostic::on_unimplemented(message = "a map of this type has one value, not one for each CPU")]
pub unsafe trait PerCpu: Keyed {}

macro_rules! per_cpu {
    ($($map_type:ident)*) => {$(
        // SAFETY: as for Keyed.
        unsafe impl<K, V> PerCpu for RexMapHandle<$map_type, K, V> {}
    )*};
}

per_cpu! { BPF_MAP_TYPE_PERCPU_ARRAY BPF_MAP_TYPE_PERCPU_HASH BPF_MAP_TYPE_LRU_PERCPU_HASH }

impl<const MT: u32, K: Plain, V: Stored> RexMapHandle<MT, K, V>
where
    Self: Keyed,
{
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
        self.value_at(place.cast())
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

    fn value_at(&'static self, place: *mut u8) -> Option<MapValue<V>>
    where
        V: Plain,
    {
        let writable = self.flags & BPF_F_RDONLY_PROG == 0;
        // SAFETY: a value of the map, of the size of V by the comparison that
        // the loader made, and in place until the program returns: see Keyed.
        NonNull::new(place).map(|place| unsafe { MapValue::new(place, writable) })
    }
}

impl<const MT: u32, K: Plain, V: Plain> RexMapHandle<MT, K, V>
where
    Self: PerCpu,
{
    /// The value that `key` has for CPU number `cpu`; `None` also for a CPU
    /// that can't exist.
    pub fn get_mut_of_cpu(&'static self, key: &K, cpu: u32) -> Option<MapValue<V>> {
        let map = self.map()?;
        // SAFETY: as in get_mut; the kernel checks the CPU.
        let place = unsafe {
            ffi::rex_map_lookup_percpu_elem(map.as_ptr(), ptr::from_ref(key).cast(), cpu)
        };
        self.value_at(place.cast())
    }
}
