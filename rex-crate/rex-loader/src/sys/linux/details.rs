// SPDX-License-Identifier: GPL-2.0-only
//! Asking the kernel about programs, maps and links.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::error::Errno;
use crate::sys::call::{address_mut, get_info, text};
use crate::sys::{IdKind, LinkDetails, LinkedTo, MapDetails, ProgramDetails, SysResult, attr};

/// Most map ids that are asked for.
const MAX_MAP_IDS: usize = 64;
/// Most bytes of the name of a function or tracepoint, NUL included.
const MAX_SYMBOL: usize = 512;
/// What the kernel says of a program.
pub fn program(program: BorrowedFd<'_>) -> SysResult<ProgramDetails> {
    let mut map_ids = [0u32; MAX_MAP_IDS];
    let mut info = attr::ProgInfo {
        nr_map_ids: u32::try_from(MAX_MAP_IDS).expect("a small number"),
        map_ids: map_ids.as_mut_ptr() as u64,
        ..Default::default()
    };
    // SAFETY: the kernel writes at most nr_map_ids ids to map_ids; all other
    // addresses are 0 with a length of 0.
    unsafe { get_info(program, &mut info) }?;
    let count = MAX_MAP_IDS.min(info.nr_map_ids as usize);
    Ok(ProgramDetails {
        program_type: info.prog_type,
        id: info.id,
        name: text(&info.name),
        tag: info.tag,
        jited_bytes: info.jited_prog_len,
        map_ids: map_ids[..count].to_vec(),
        run_count: info.run_cnt,
        run_time_ns: info.run_time_ns,
        recursion_misses: info.recursion_misses,
    })
}

/// What the kernel says of a map.
pub fn map(map: BorrowedFd<'_>) -> SysResult<MapDetails> {
    let mut info = attr::MapInfo::default();
    // SAFETY: no addresses in it.
    unsafe { get_info(map, &mut info) }?;
    Ok(MapDetails {
        map_type: info.map_type,
        id: info.id,
        name: text(&info.name),
        key_size: info.key_size,
        value_size: info.value_size,
        max_entries: info.max_entries,
        flags: info.map_flags,
    })
}

/// What the kernel says of a link.
pub fn link(link: BorrowedFd<'_>) -> SysResult<LinkDetails> {
    let mut info = attr::LinkInfo::default();
    // SAFETY: no addresses in it.
    unsafe { get_info(link, &mut info) }?;
    Ok(LinkDetails {
        link_type: info.link_type,
        id: info.id,
        program_id: info.prog_id,
        place: match info.link_type {
            attr::BPF_LINK_TYPE_XDP | attr::BPF_LINK_TYPE_TCX => device(link)?,
            attr::BPF_LINK_TYPE_PERF_EVENT => perf_event_of(link)?,
            _ => LinkedTo::Other,
        },
    })
}

/// What is behind a descriptor of bpf(2). The calls that ask for details trust
/// it: which struct the kernel fills, and which addresses in it it takes for
/// its own, depends on that.
pub fn kind_of(fd: BorrowedFd<'_>) -> SysResult<IdKind> {
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let name = std::fs::read_link(link).map_err(Errno::from)?;
    match name.to_str() {
        Some("anon_inode:bpf-prog") => Ok(IdKind::Program),
        Some("anon_inode:bpf-map") => Ok(IdKind::Map),
        Some("anon_inode:bpf_link" | "anon_inode:bpf-link") => Ok(IdKind::Link),
        _ => Err(Errno(libc::EINVAL)),
    }
}

fn device(link: BorrowedFd<'_>) -> SysResult<LinkedTo> {
    let mut info = attr::DeviceLinkInfo::default();
    // SAFETY: no addresses in it.
    unsafe { get_info(link, &mut info) }?;
    Ok(LinkedTo::Device(info.ifindex))
}

fn perf_event_of(link: BorrowedFd<'_>) -> SysResult<LinkedTo> {
    let mut name = [0u8; MAX_SYMBOL];
    let mut info = attr::PerfLinkInfo {
        name_or_config: address_mut(&mut name),
        name_len_or_type: u32::try_from(MAX_SYMBOL).expect("a small number"),
        ..Default::default()
    };
    // SAFETY: the kernel writes at most so many bytes to name, with a NUL; there are
    // no other addresses.
    unsafe { get_info(link, &mut info) }?;
    Ok(match info.perf_type {
        attr::BPF_PERF_EVENT_KPROBE | attr::BPF_PERF_EVENT_KRETPROBE => LinkedTo::Function {
            symbol: text(&name),
            offset: info.offset,
            ret: info.perf_type == attr::BPF_PERF_EVENT_KRETPROBE,
            missed: info.missed,
            cookie: info.probe_cookie,
        },
        attr::BPF_PERF_EVENT_TRACEPOINT => LinkedTo::Tracepoint {
            name: text(&name),
            cookie: info.addr_or_cookie,
        },
        attr::BPF_PERF_EVENT_EVENT => LinkedTo::Counter {
            event_type: info.name_len_or_type,
            config: info.name_or_config,
            cookie: info.addr_or_cookie,
        },
        _ => LinkedTo::Other,
    })
}
