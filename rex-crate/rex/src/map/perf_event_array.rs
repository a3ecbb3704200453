// SPDX-License-Identifier: GPL-2.0-only
//! Events for user space, through a perf buffer of each CPU.

use core::ptr;

use super::RexMapHandle;
use crate::linux::bpf::{BPF_F_CURRENT_CPU, BPF_F_INDEX_MASK, BPF_MAP_TYPE_PERF_EVENT_ARRAY};
use crate::linux::errno::EINVAL;
use crate::plain::Plain;
use crate::program::{PacketProgram, ProgramObject};
use crate::{Result, ffi, from_kernel};

/// Perf buffers of user space, one for each CPU, that take events of type `V`.
/// Give it as many entries as there are CPUs.
pub type RexPerfEventArray<V> = RexMapHandle<BPF_MAP_TYPE_PERF_EVENT_ARRAY, u32, V>;

impl<V: Plain> RexPerfEventArray<V> {
    /// Copies `data` to the buffer of `cpu`. `program` and `ctx` are what the
    /// program was called with.
    ///
    /// `Err(-ENOENT)` when nobody opened a buffer for that CPU, `Err(-ENOSPC)`
    /// when it is full, `Err(-EOPNOTSUPP)` when it is another CPU's.
    pub fn output<P: ProgramObject>(
        &'static self,
        program: &P,
        ctx: &P::Context,
        data: &V,
        cpu: PerfEventMaskedCPU,
    ) -> Result {
        // They say that the program runs; the kernel knows what it was given.
        let _ = (program, ctx);
        let map = self.map().ok_or(-(EINVAL as i32))?;
        // SAFETY: the map is a perf event array: the loader compared it with
        // the record that rex_map wrote; the same macro refuses types with
        // padding, so all bytes of the data are initialised.
        from_kernel(unsafe {
            ffi::rex_perf_event_output(
                map.as_ptr(),
                cpu.masked,
                ptr::from_ref(data).cast(),
                size_of::<V>(),
            )
        })
    }

    /// The same, with the first `packet_len` bytes of the packet behind the
    /// data. `Err(-EFAULT)` when the packet is shorter.
    pub fn output_with_packet<P: PacketProgram>(
        &'static self,
        program: &P,
        ctx: &P::Context,
        data: &V,
        packet_len: u32,
        cpu: PerfEventMaskedCPU,
    ) -> Result {
        let _ = (program, ctx);
        let map = self.map().ok_or(-(EINVAL as i32))?;
        // SAFETY: as in output.
        from_kernel(unsafe {
            ffi::rex_packet_event_output(
                map.as_ptr(),
                cpu.masked,
                ptr::from_ref(data).cast(),
                size_of::<V>(),
                packet_len,
            )
        })
    }
}

/// Which CPU's perf buffer an event goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerfEventMaskedCPU {
    masked: u32,
}

impl PerfEventMaskedCPU {
    /// The CPU that the program runs on.
    pub const fn current_cpu() -> Self {
        Self {
            masked: BPF_F_CURRENT_CPU as u32,
        }
    }

    /// The CPU with this number. The kernel takes no other than the one that
    /// the program runs on.
    pub const fn any_cpu(cpu: u64) -> Self {
        Self {
            masked: (cpu & BPF_F_INDEX_MASK) as u32,
        }
    }
}
