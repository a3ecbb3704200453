// SPDX-License-Identifier: GPL-2.0-only
//! Spin locks in map values.
//!
//! ```ignore
//! #[repr(C)]
//! #[derive(Clone, Copy, Default)]
//! struct Account {
//!     lock: bpf_spin_lock,
//!     entries: u32,
//!     total: u64,
//! }
//!
//! #[rex_map(lock = "lock")]
//! static ACCOUNTS: RexHashMap<u32, Account> = RexHashMap::new(64, 0);
//!
//! if let Some(mut account) = ACCOUNTS.lock(&id) {
//!     account.entries += 1;
//!     account.total += amount;
//! }
//! ```
//!
//! The lock is taken by [`lock`] and held as long as the [`LockedValue`] that
//! it gives. eBPF programs and user space (`BPF_F_LOCK`) take the same lock.
//!
//! [`lock`]: crate::map::RexArrayMap::lock
//! [`LockedValue`]: crate::map::LockedValue

pub use crate::linux::bpf::bpf_spin_lock;
use crate::plain::NoLock;

/// Never there: see [`new`](Self::new).
#[allow(non_camel_case_types)]
pub struct rex_spinlock_guard(());

impl rex_spinlock_guard {
    /// Does not compile, and says what to write instead. A reference to the lock
    /// would be one to memory that others write to at the same time.
    #[allow(clippy::new_ret_no_self)]
    pub fn new<T: LockedThroughItsMap>(_lock: &mut T) -> Self {
        Self(())
    }
}

/// Implemented by nothing.
#[diagnostic::on_unimplemented(
    message = "a spin lock is taken through its map, not through a reference to it",
    label = "write `if let Some(mut value) = MAP.lock(&key) {{ … }}`",
    note = "the lock is held until `value` goes out of scope, and changes are written back then",
    note = "the map says which field is the lock: `#[rex_map(lock = \"lock\")]`"
)]
pub trait LockedThroughItsMap {}

/// For `#[rex_map]`: the field that it names is a spin lock.
#[doc(hidden)]
pub const fn is_lock<T: SpinLock>(_: &T) {}

/// For `#[rex_map]`: without `lock = "…"` there is no lock.
#[doc(hidden)]
pub const fn has_no_lock<T: NoLock>() {}

/// A spin lock.
///
/// # Safety
///
/// Only the kernel's type is one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no spin lock",
    label = "`lock = \"…\"` names a field of the type `rex::spinlock::bpf_spin_lock`"
)]
pub unsafe trait SpinLock {}

// SAFETY: it is.
unsafe impl SpinLock for bpf_spin_lock {}
