// SPDX-License-Identifier: GPL-2.0-only
//! A value of a map, under its lock.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};

use super::RexMapHandle;
use crate::ffi;
use crate::linux::bpf::{BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH};
use crate::linux::errno::{EDEADLK, EOPNOTSUPP};
use crate::plain::{Plain, Stored};

/// A copy of a value whose lock is held; written back, if it was changed, when
/// the lock is let go.
///
/// That happens when the `LockedValue` goes out of scope, or by
/// [`unlock`](Self::unlock). Interrupts are off until then: be quick. A panic
/// lets go of the lock too, and leaves the value as it was.
///
/// The lock itself reads as 0, and what is written to it is ignored.
pub struct LockedValue<V: Stored> {
    map: NonNull<c_void>,
    // Pointers, so neither Send nor Sync: no static can keep the lock beyond
    // the run of the program, when the kernel takes it back.
    place: NonNull<c_void>,
    copy: V,
    changed: bool,
}

impl<V: Stored> LockedValue<V> {
    /// # Safety
    ///
    /// `map` must have keys of the size of `K` and values of the size of `V`
    /// that contain a lock.
    #[track_caller]
    unsafe fn new<K>(map: NonNull<c_void>, key: &K) -> Option<Self> {
        let mut copy = MaybeUninit::<V>::uninit();
        let mut place = ptr::null_mut();
        // SAFETY: the key has the map's size by the caller's duty, and so has
        // the copy, which is valid for writes, as is the place.
        let error = unsafe {
            ffi::rex_map_lock(
                map.as_ptr(),
                ptr::from_ref(key).cast(),
                copy.as_mut_ptr().cast(),
                &raw mut place,
            )
        };
        match -error {
            0 => {}
            error if error == i64::from(EDEADLK) => {
                panic!("a second lock is taken while one is held")
            }
            error if error == i64::from(EOPNOTSUPP) => {
                panic!("a lock can't be taken in NMI context")
            }
            _ => return None,
        }
        Some(Self {
            map,
            place: NonNull::new(place)?,
            // SAFETY: the kernel has written every byte (the lock as zeroes),
            // and any bytes are a valid V: V can be stored.
            copy: unsafe { copy.assume_init() },
            changed: false,
        })
    }

    /// Writes the value back, if it was changed, and lets go of the lock.
    pub fn unlock(self) {}
}

impl<V: Stored> Deref for LockedValue<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.copy
    }
}

impl<V: Stored> DerefMut for LockedValue<V> {
    fn deref_mut(&mut self) -> &mut V {
        self.changed = true;
        &mut self.copy
    }
}

impl<V: Stored> Drop for LockedValue<V> {
    fn drop(&mut self) {
        let copy = if self.changed {
            ptr::from_ref(&self.copy).cast()
        } else {
            ptr::null()
        };
        // SAFETY: we hold the lock of this value of this map; the copy is
        // valid for reads, and rex_map refuses types with padding, so all its
        // bytes are initialised.
        unsafe { ffi::rex_map_unlock(self.map.as_ptr(), self.place.as_ptr(), copy) };
    }
}

macro_rules! lock {
    ($($map_type:ident)*) => {$(
        impl<K: Plain, V: Stored> RexMapHandle<$map_type, K, V> {
            /// Locks the value for `key`, to read and to change: see
            /// [`LockedValue`]. `None` when the map has none.
            ///
            /// Waits until whoever holds the lock lets go of it.
            ///
            /// # Panics
            ///
            /// When the program already holds a lock, this one or another; and
            /// in NMI context, where the holder might be waiting below.
            #[track_caller]
            pub fn lock(&'static self, key: &K) -> Option<LockedValue<V>> {
                // SAFETY: the map has the sizes of K and V: the loader compared
                // it with the record that rex_map wrote. One without locks is
                // refused by the kernel.
                unsafe { LockedValue::new(self.map()?, key) }
            }
        }
    )*};
}

// The types of maps that the kernel allows locks in.
lock! { BPF_MAP_TYPE_ARRAY BPF_MAP_TYPE_HASH }
