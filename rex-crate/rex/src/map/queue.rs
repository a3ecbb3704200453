// SPDX-License-Identifier: GPL-2.0-only
//! Maps without keys: queues and stacks.

use core::mem::MaybeUninit;
use core::ptr;

use super::RexMapHandle;
use crate::linux::bpf::{BPF_ANY, BPF_EXIST, BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK};
use crate::linux::errno::EINVAL;
use crate::plain::Plain;
use crate::{Result, ffi, from_kernel};

/// First in, first out.
pub type RexQueue<V> = RexMapHandle<BPF_MAP_TYPE_QUEUE, (), V>;

/// Last in, first out.
pub type RexStack<V> = RexMapHandle<BPF_MAP_TYPE_STACK, (), V>;

/// Maps that values are pushed to and popped from.
///
/// # Safety
///
/// The kernel's maps of this type must take pushes, pops and peeks from
/// programs, and copy values of their size.
#[diagnostic::on_unimplemented(
    message = "a map of this type has no push and pop",
    note = "`RexQueue` and `RexStack` have; a map with keys has `get`, `insert` and `delete`"
)]
pub unsafe trait Queued {}

// SAFETY: kernel/bpf/queue_stack_maps.c.
unsafe impl<V> Queued for RexQueue<V> {}
// SAFETY: likewise.
unsafe impl<V> Queued for RexStack<V> {}

impl<const MT: u32, V: Plain> RexMapHandle<MT, (), V>
where
    Self: Queued,
{
    /// Adds a value; `Err(-E2BIG)` when the map is full.
    pub fn push(&'static self, value: &V) -> Result {
        self.push_flags(value, u64::from(BPF_ANY))
    }

    /// Adds a value, and drops the oldest one when the map is full.
    pub fn force_push(&'static self, value: &V) -> Result {
        self.push_flags(value, u64::from(BPF_EXIST))
    }

    /// Takes the next value out: of a queue the oldest, of a stack the newest.
    pub fn pop(&'static self) -> Option<V> {
        let map = self.map()?;
        let mut value = MaybeUninit::<V>::zeroed();
        // SAFETY: the map has values of the size of V: the loader compared it
        // with the record that rex_map wrote.
        let error = unsafe { ffi::rex_map_pop_elem(map.as_ptr(), value.as_mut_ptr().cast()) };
        // SAFETY: zeroed, then perhaps written by the kernel; any bytes are a
        // valid V: V is plain.
        (error == 0).then(|| unsafe { value.assume_init() })
    }

    /// A copy of the next value, which stays.
    pub fn peek(&'static self) -> Option<V> {
        let map = self.map()?;
        let mut value = MaybeUninit::<V>::zeroed();
        // SAFETY: as in pop.
        let error = unsafe { ffi::rex_map_peek_elem(map.as_ptr(), value.as_mut_ptr().cast()) };
        // SAFETY: as in pop.
        (error == 0).then(|| unsafe { value.assume_init() })
    }

    pub(crate) fn push_flags(&'static self, value: &V, flags: u64) -> Result {
        let map = self.map().ok_or(-(EINVAL as i32))?;
        // SAFETY: as in pop; rex_map refuses types with padding, so all bytes
        // of the value are initialised.
        from_kernel(unsafe {
            ffi::rex_map_push_elem(map.as_ptr(), ptr::from_ref(value).cast(), flags)
        })
    }
}
