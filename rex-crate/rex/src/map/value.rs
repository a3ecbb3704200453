// SPDX-License-Identifier: GPL-2.0-only
//! A value of a map, in a program's hands.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicI32, AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::plain::Plain;

/// A copy of a value in a map, written back when it was changed.
///
/// ```ignore
/// if let Some(mut calls) = CALLS.get_mut(&0) {
///     *calls += 1;
/// }
/// ```
///
/// The change reaches the map when the `MapValue` goes out of scope, or by
/// [`commit`](Self::commit). A panic before that leaves the map as it was.
///
/// Others may use the same value at the same time. Copying in and out goes
/// by words of 8 bytes, each read or written at once, so a word is never torn
/// and nothing is undefined; but two that change the same value at once may
/// lose one of the changes, as in eBPF. Count with
/// [`fetch_add`](MapValue::<u64>::fetch_add), which loses none. (The values of
/// an LPM trie may be unaligned; those are copied by bytes.)
pub struct MapValue<V: Plain> {
    place: NonNull<u8>,
    copy: V,
    changed: bool,
    writable: bool,
    // Ends with the run: the pointer also keeps it from being Sync, so that no
    // static can hold it.
    _run: PhantomData<*mut V>,
}

impl<V: Plain> MapValue<V> {
    /// # Safety
    ///
    /// `place` must be valid for atomic reads of the size of `V` until the
    /// program returns, and for writes as well when it is `writable`.
    pub(super) unsafe fn new(place: NonNull<u8>, writable: bool) -> Self {
        Self {
            place,
            // SAFETY: the caller's duty.
            copy: unsafe { copy_in(place) },
            changed: false,
            writable,
            _run: PhantomData,
        }
    }

    /// Writes the value back now, if it was changed.
    pub fn commit(&mut self) {
        if self.changed {
            // SAFETY: `new` was promised that the place is valid; it is
            // writable, or nothing would have been changed.
            unsafe { copy_out(&self.copy, self.place) };
            self.changed = false;
        }
    }

    #[track_caller]
    fn check_writable(&self) {
        assert!(self.writable, "the map is read-only for programs");
    }

    /// Reads the value again. A change that was not written back is lost.
    pub fn refresh(&mut self) {
        // SAFETY: `new` was promised that the place is valid.
        self.copy = unsafe { copy_in(self.place) };
        self.changed = false;
    }
}

impl<V: Plain> Deref for MapValue<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.copy
    }
}

impl<V: Plain> DerefMut for MapValue<V> {
    /// # Panics
    ///
    /// When the map is read-only for programs (`BPF_F_RDONLY_PROG`).
    #[track_caller]
    fn deref_mut(&mut self) -> &mut V {
        self.check_writable();
        self.changed = true;
        &mut self.copy
    }
}

impl<V: Plain> Drop for MapValue<V> {
    fn drop(&mut self) {
        self.commit();
    }
}

macro_rules! fetch_add {
    ($($integer:ident $atomic:ident)*) => {$(
        impl MapValue<$integer> {
            /// Adds `number` in the map itself, as one indivisible step and
            /// wrapping around, and gives the value that was there before.
            ///
            /// # Panics
            ///
            /// When the map is read-only for programs; or the value is
            /// unaligned, which only values of an LPM trie can be.
            #[track_caller]
            pub fn fetch_add(&mut self, number: $integer) -> $integer {
                self.check_writable();
                assert!(
                    self.place.cast::<$integer>().is_aligned(),
                    "an unaligned value has no fetch_add"
                );
                self.commit();
                // SAFETY: `new` was promised that the place is valid, and it
                // is aligned; the atomic is used for nothing longer than this.
                let atomic = unsafe { $atomic::from_ptr(self.place.as_ptr().cast()) };
                let before = atomic.fetch_add(number, Relaxed);
                self.copy = before.wrapping_add(number);
                before
            }
        }
    )*};
}

fetch_add! { i32 AtomicI32 i64 AtomicI64 u32 AtomicU32 u64 AtomicU64 }

const WORD: usize = size_of::<u64>();

/// How many bytes of a value at `place` are copied as words.
fn bytes_in_words<V>(place: NonNull<u8>) -> usize {
    if place.cast::<u64>().is_aligned() {
        size_of::<V>() / WORD * WORD
    } else {
        0
    }
}

/// Copies a value out of shared memory.
///
/// # Safety
///
/// As for [`MapValue::new`].
unsafe fn copy_in<V: Plain>(from: NonNull<u8>) -> V {
    let mut value = MaybeUninit::<V>::uninit();
    let to: *mut u8 = value.as_mut_ptr().cast();
    let whole = bytes_in_words::<V>(from);
    for offset in (0..whole).step_by(WORD) {
        // SAFETY: within the size of V on both sides; `from` is aligned when
        // there are words, and the write needs no alignment.
        unsafe {
            let word = AtomicU64::from_ptr(from.as_ptr().add(offset).cast()).load(Relaxed);
            ptr::write_unaligned(to.add(offset).cast(), word);
        }
    }
    for offset in whole..size_of::<V>() {
        // SAFETY: within the size of V on both sides.
        unsafe {
            let byte = AtomicU8::from_ptr(from.as_ptr().add(offset)).load(Relaxed);
            to.add(offset).write(byte);
        }
    }
    // SAFETY: every byte was written, and any bytes are a valid V: V is plain.
    unsafe { value.assume_init() }
}

/// Copies a value into shared memory.
///
/// # Safety
///
/// As for [`MapValue::new`] of a writable place; and V must have no padding,
/// which rex_map guarantees for the types of maps.
unsafe fn copy_out<V: Plain>(value: &V, to: NonNull<u8>) {
    let from: *const u8 = ptr::from_ref(value).cast();
    let whole = bytes_in_words::<V>(to);
    for offset in (0..whole).step_by(WORD) {
        // SAFETY: within the size of V on both sides; `to` is aligned when
        // there are words, and the read needs no alignment.
        unsafe {
            let word = ptr::read_unaligned(from.add(offset).cast());
            AtomicU64::from_ptr(to.as_ptr().add(offset).cast()).store(word, Relaxed);
        }
    }
    for offset in whole..size_of::<V>() {
        // SAFETY: within the size of V on both sides.
        unsafe {
            let byte = from.add(offset).read();
            AtomicU8::from_ptr(to.as_ptr().add(offset)).store(byte, Relaxed);
        }
    }
}
