// SPDX-License-Identifier: GPL-2.0-only
//! The methods that every program object has.

/// Implements them for a program type. Inherent methods, because programs
/// call them without importing a trait.
macro_rules! common_helpers {
    ($(#[$attribute:meta])* impl [$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> $type {
            /// The value for `key`, or `None` when the map has none.
            pub fn bpf_map_lookup_elem<const MT: u32, K: $crate::plain::Plain, V: $crate::plain::Plain>(
                &self,
                map: &'static $crate::map::RexMapHandle<MT, K, V>,
                key: &K,
            ) -> Option<$crate::map::MapValue<V>> {
                map.get_mut(key)
            }

            /// Sets the value for `key`. `flags`: `BPF_ANY`, `BPF_NOEXIST` or
            /// `BPF_EXIST`.
            pub fn bpf_map_update_elem<const MT: u32, K: $crate::plain::Plain, V: $crate::plain::Stored>(
                &self,
                map: &'static $crate::map::RexMapHandle<MT, K, V>,
                key: &K,
                value: &V,
                flags: u64,
            ) -> $crate::Result {
                map.set(key, value, flags)
            }

            /// Removes `key` and its value.
            pub fn bpf_map_delete_elem<const MT: u32, K: $crate::plain::Plain, V: $crate::plain::Stored>(
                &self,
                map: &'static $crate::map::RexMapHandle<MT, K, V>,
                key: &K,
            ) -> $crate::Result {
                map.delete(key)
            }

            /// Copies a value from kernel memory at any address. An address
            /// that can't be read gives `Err(-EFAULT)` and zeroes `to`.
            pub fn bpf_probe_read_kernel<T: $crate::plain::Plain>(
                &self,
                to: &mut T,
                from: *const (),
            ) -> $crate::Result {
                $crate::utils::probe_read_kernel(to, from)
            }

            /// Number of the CPU that the program runs on.
            pub fn bpf_get_smp_processor_id(&self) -> i32 {
                $crate::ffi::rex_get_smp_processor_id() as i32
            }

            /// Number of that CPU's memory node.
            pub fn bpf_get_numa_node_id(&self) -> i32 {
                $crate::ffi::rex_get_numa_node_id() as i32
            }

            /// The current task's process id (tgid) in the upper half, its
            /// thread id (pid) in the lower.
            pub fn bpf_get_current_pid_tgid(&self) -> u64 {
                $crate::ffi::rex_get_current_pid_tgid()
            }

            /// The current task, or `None` where there is none to speak of.
            pub fn bpf_get_current_task(&self) -> Option<$crate::task_struct::TaskStruct> {
                $crate::task_struct::TaskStruct::current()
            }

            /// A pseudo-random number; not for cryptography.
            pub fn bpf_get_prandom_u32(&self) -> u32 {
                $crate::ffi::rex_get_prandom_u32()
            }

            /// Ticks since boot.
            pub fn bpf_jiffies64(&self) -> u64 {
                $crate::ffi::rex_jiffies64()
            }

            /// Nanoseconds since boot, suspended time not counted.
            pub fn bpf_ktime_get_ns(&self) -> u64 {
                $crate::ffi::rex_ktime_get_ns()
            }

            /// The same clock by the kernel's helper; here both are.
            pub fn bpf_ktime_get_ns_origin(&self) -> u64 {
                $crate::ffi::rex_ktime_get_ns()
            }

            /// Nanoseconds since boot, suspended time counted.
            pub fn bpf_ktime_get_boot_ns(&self) -> u64 {
                $crate::ffi::rex_ktime_get_boot_ns()
            }

            /// The same clock by the kernel's helper; here both are.
            pub fn bpf_ktime_get_boot_ns_origin(&self) -> u64 {
                $crate::ffi::rex_ktime_get_boot_ns()
            }

            /// Nanoseconds since boot as of the last tick: cheap and coarse.
            pub fn bpf_ktime_get_coarse_ns(&self) -> u64 {
                $crate::ffi::rex_ktime_get_coarse_ns()
            }
        }
    };
}
