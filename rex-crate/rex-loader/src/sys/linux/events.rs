// SPDX-License-Identifier: GPL-2.0-only
//! Perf events: what programs are attached to, and buffers that they write to.

use std::mem::size_of;
use std::os::fd::{FromRawFd, OwnedFd};

use crate::error::Errno;
use crate::sys::perf_buffer::PerfMapping;
use crate::sys::{PerfEvent, SysResult, attr};

/// Opens an event, disabled.
pub fn open(event: &PerfEvent) -> SysResult<OwnedFd> {
    let mut attr = attr::PerfEventAttr {
        size: u32::try_from(size_of::<attr::PerfEventAttr>()).expect("a small struct"),
        flags: attr::PERF_FLAG_BIT_DISABLED,
        ..Default::default()
    };
    match event {
        PerfEvent::Kprobe {
            pmu,
            config,
            symbol,
            offset,
        } => {
            attr.event_type = *pmu;
            attr.config = *config;
            attr.config1 = symbol.as_ptr() as u64;
            attr.config2 = *offset;
        }
        PerfEvent::Tracepoint { id } => {
            attr.event_type = attr::PERF_TYPE_TRACEPOINT;
            attr.config = *id;
            attr.sample_period = 1;
        }
        PerfEvent::Counter {
            event_type,
            config,
            sample_period,
            ..
        } => {
            attr.event_type = *event_type;
            attr.config = *config;
            attr.sample_period = *sample_period;
        }
    }
    // On CPU 0 where perf only wants to have one: the program of a kprobe or
    // tracepoint runs on every CPU all the same.
    let cpu = match event {
        PerfEvent::Counter { cpu, .. } => *cpu,
        _ => 0,
    };
    open_on(&attr, cpu)
}

/// Opens a buffer for what programs on a CPU write, whose event is disabled.
pub fn open_perf_buffer(cpu: u32) -> SysResult<PerfMapping> {
    let attr = attr::PerfEventAttr {
        event_type: attr::PERF_TYPE_SOFTWARE,
        size: u32::try_from(size_of::<attr::PerfEventAttr>()).expect("a small struct"),
        config: attr::PERF_COUNT_SW_BPF_OUTPUT,
        sample_type: attr::PERF_SAMPLE_RAW,
        flags: attr::PERF_FLAG_BIT_DISABLED,
        ..Default::default()
    };
    PerfMapping::new(open_on(&attr, cpu)?)
}

/// Opens a perf event of all tasks on a CPU.
fn open_on(attr: &attr::PerfEventAttr, cpu: u32) -> SysResult<OwnedFd> {
    let (pid, group, flags) = (-1, -1, attr::PERF_FLAG_FD_CLOEXEC);
    // SAFETY: the kernel reads `size` bytes of attr; what the addresses in it
    // stand for is only looked at for a kprobe, whose symbol ends with a NUL.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            std::ptr::from_ref(attr),
            pid,
            cpu,
            group,
            flags,
        )
    };
    if fd < 0 {
        return Err(Errno::last());
    }
    // SAFETY: the kernel just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(fd).expect("fds are ints")) })
}
