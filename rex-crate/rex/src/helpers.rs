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
            ) -> Option<$crate::map::MapValue<V>>
            where
                $crate::map::RexMapHandle<MT, K, V>: $crate::map::Keyed,
            {
                map.get_mut(key)
            }

            /// The value that `key` has for CPU number `cpu`.
            pub fn bpf_map_lookup_percpu_elem<const MT: u32, K: $crate::plain::Plain, V: $crate::plain::Plain>(
                &self,
                map: &'static $crate::map::RexMapHandle<MT, K, V>,
                key: &K,
                cpu: u32,
            ) -> Option<$crate::map::MapValue<V>>
            where
                $crate::map::RexMapHandle<MT, K, V>: $crate::map::PerCpu,
            {
                map.get_mut_of_cpu(key, cpu)
            }

            /// Sets the value for `key`. `flags`: `BPF_ANY`, `BPF_NOEXIST` or
            /// `BPF_EXIST`.
            pub fn bpf_map_update_elem<const MT: u32, K: $crate::plain::Plain, V: $crate::plain::Stored>(
                &self,
                map: &'static $crate::map::RexMapHandle<MT, K, V>,
                key: &K,
                value: &V,
                flags: u64,
            ) -> $crate::Result
            where
                $crate::map::RexMapHandle<MT, K, V>: $crate::map::Keyed,
            {
                map.set(key, value, flags)
            }

            /// Removes `key` and its value.
            pub fn bpf_map_delete_elem<const MT: u32, K: $crate::plain::Plain, V: $crate::plain::Stored>(
                &self,
                map: &'static $crate::map::RexMapHandle<MT, K, V>,
                key: &K,
            ) -> $crate::Result
            where
                $crate::map::RexMapHandle<MT, K, V>: $crate::map::Keyed,
            {
                map.delete(key)
            }

            /// Adds a value to a queue or stack. `flags`: `BPF_ANY`, or
            /// `BPF_EXIST` to drop the oldest value when the map is full.
            pub fn bpf_map_push_elem<const MT: u32, V: $crate::plain::Plain>(
                &self,
                map: &'static $crate::map::RexMapHandle<MT, (), V>,
                value: &V,
                flags: u64,
            ) -> $crate::Result
            where
                $crate::map::RexMapHandle<MT, (), V>: $crate::map::Queued,
            {
                map.push_flags(value, flags)
            }

            /// Takes the next value out of a queue or stack.
            pub fn bpf_map_pop_elem<const MT: u32, V: $crate::plain::Plain>(
                &self,
                map: &'static $crate::map::RexMapHandle<MT, (), V>,
            ) -> Option<V>
            where
                $crate::map::RexMapHandle<MT, (), V>: $crate::map::Queued,
            {
                map.pop()
            }

            /// A copy of the next value of a queue or stack, which stays.
            pub fn bpf_map_peek_elem<const MT: u32, V: $crate::plain::Plain>(
                &self,
                map: &'static $crate::map::RexMapHandle<MT, (), V>,
            ) -> Option<V>
            where
                $crate::map::RexMapHandle<MT, (), V>: $crate::map::Queued,
            {
                map.peek()
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

            /// Copies a text from kernel memory at any address, at most
            /// `to.len() - 1` bytes and a NUL. Gives its length with the NUL;
            /// what is behind it is zeroed, and all of `to` on failure.
            pub fn bpf_probe_read_kernel_str(&self, to: &mut [u8], from: *const ()) -> $crate::Result {
                // SAFETY: the slice is valid for writes of its length, and
                // `from` may be any address: the kernel checks it.
                $crate::from_kernel(unsafe {
                    $crate::ffi::rex_probe_read_kernel_str(to.as_mut_ptr(), to.len(), from.cast())
                })
            }

            /// Copies a value from the current process's memory. An address
            /// that can't be read now, which may only be swapped out, gives
            /// `Err(-EFAULT)` and zeroes `to`.
            pub fn bpf_probe_read_user<T: $crate::plain::Plain>(
                &self,
                to: &mut T,
                from: *const (),
            ) -> $crate::Result {
                $crate::utils::probe_read_user(to, from)
            }

            /// Copies a text from the current process's memory, as
            /// `bpf_probe_read_kernel_str` does from the kernel's.
            pub fn bpf_probe_read_user_str(&self, to: &mut [u8], from: *const ()) -> $crate::Result {
                // SAFETY: as in bpf_probe_read_kernel_str.
                $crate::from_kernel(unsafe {
                    $crate::ffi::rex_probe_read_user_str(to.as_mut_ptr(), to.len(), from.cast())
                })
            }

            /// Copies a value to the current process's memory: `-EFAULT` where
            /// it can't be written, `-EPERM` in an interrupt and while the
            /// sysctl `kernel.rex_probe_write_user` is 0, as it is by default. An
            /// object that contains this call is only loaded while it is 1.
            pub fn bpf_probe_write_user<T: $crate::plain::Plain + $crate::plain::NoPadding>(
                &self,
                to: *mut (),
                from: &T,
            ) -> $crate::Result {
                $crate::utils::probe_write_user(to, from)
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

            /// The current task's group id in the upper half, its user id in
            /// the lower, as the initial user namespace has them.
            pub fn bpf_get_current_uid_gid(&self) -> u64 {
                $crate::ffi::rex_get_current_uid_gid()
            }

            /// Id of the current task's control group (version 2); 0 on a
            /// kernel without any.
            pub fn bpf_get_current_cgroup_id(&self) -> u64 {
                $crate::ffi::rex_get_current_cgroup_id()
            }

            /// The current task's name, cut off if need be and padded with
            /// NULs; the last byte is always one.
            pub fn bpf_get_current_comm<const N: usize>(&self, name: &mut [u8; N]) -> $crate::Result {
                // SAFETY: the array is valid for writes of its length.
                $crate::from_kernel(unsafe {
                    $crate::ffi::rex_get_current_comm(name.as_mut_ptr(), N)
                })
            }

            /// Formats as the kernel does (`%d %u %x %lld %s %pI4 …`), with one
            /// number for each conversion; what `%s` and the like point to is
            /// kernel memory, and read without faulting. Gives the bytes of the
            /// whole text, the NUL included; what doesn't fit `buf` is cut off.
            ///
            /// In new programs `rex_printk!` and `write!` do more, checked by
            /// the compiler.
            pub fn bpf_snprintf<const N: usize, const M: usize>(
                &self,
                buf: &mut [u8; N],
                format: &str,
                arguments: &[u64; M],
            ) -> $crate::Result {
                // SAFETY: each pointer is valid for the length behind it.
                $crate::from_kernel(unsafe {
                    $crate::ffi::rex_snprintf(
                        buf.as_mut_ptr(),
                        N,
                        format.as_ptr(),
                        format.len(),
                        arguments.as_ptr(),
                        M,
                    )
                })
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

            /// The same clock by the kernel's helper; here both are.
            pub fn bpf_ktime_get_coarse_ns_origin(&self) -> u64 {
                $crate::ffi::rex_ktime_get_coarse_ns()
            }
        }
    };
}
