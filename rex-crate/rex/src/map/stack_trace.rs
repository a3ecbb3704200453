// SPDX-License-Identifier: GPL-2.0-only
//! Stack traces by id.

use super::RexMapHandle;
use crate::linux::bpf::BPF_MAP_TYPE_STACK_TRACE;
use crate::linux::errno::EINVAL;
use crate::{Result, ffi, from_kernel};

/// Stack traces, each kept once under an id (`u32`) that programs get and user
/// space looks up. `V` is an array of at most 127 addresses (`[u64; N]`).
pub type RexStackTrace<K, V> = RexMapHandle<BPF_MAP_TYPE_STACK_TRACE, K, V>;

impl<K, V> RexStackTrace<K, V> {
    /// The id of the stack at the hook. `flags`: how many callers to leave out
    /// and `BPF_F_USER_STACK`, `BPF_F_FAST_STACK_CMP`, `BPF_F_REUSE_STACKID`.
    ///
    /// `Err(-EFAULT)` when the stack can't be walked, `Err(-EEXIST)` when
    /// another one has this id. A program type without a stack to speak of
    /// gets `Err(-EOPNOTSUPP)`.
    pub fn stackid(&'static self, flags: u64) -> Result {
        let map = self.map().ok_or(-(EINVAL as i32))?;
        // SAFETY: the map is one of stack traces: the loader compared it with
        // the record that rex_map wrote.
        from_kernel(unsafe { ffi::rex_get_stackid(map.as_ptr(), flags) })
    }
}
