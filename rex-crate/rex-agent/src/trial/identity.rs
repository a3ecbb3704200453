// SPDX-License-Identifier: GPL-2.0-only
//! Who loads: fewer capabilities, or all of them in a namespace where they
//! mean nothing to the kernel at large.

use rex_loader::Errno;

/// The capabilities that loading is about, by their numbers in linux/capability.h.
const CAPABILITIES: &[(&str, u32)] = &[
    ("CAP_NET_ADMIN", 12),
    ("CAP_SYS_MODULE", 16),
    ("CAP_SYS_ADMIN", 21),
    ("CAP_PERFMON", 38),
    ("CAP_BPF", 39),
];
const VERSION_3: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Gives up every capability but these.
pub fn keep_capabilities(kept: &[String]) -> Result<(), String> {
    let mut mask = 0u64;
    for name in kept {
        let known = CAPABILITIES.iter().find(|(known, _)| known == name);
        let (_, number) = known.ok_or_else(|| format!("there is no capability {name} here"))?;
        mask |= 1 << number;
    }
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let half = |bits: u64| Data {
        effective: bits as u32,
        permitted: bits as u32,
        inheritable: 0,
    };
    let data = [half(mask & 0xffff_ffff), half(mask >> 32)];
    // SAFETY: capset reads the header and, with version 3, two of Data.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) };
    if result < 0 {
        return Err(format!("capset: {}", Errno::last().name()));
    }
    Ok(())
}

/// From here on this process is root, of a user namespace of its own.
pub fn enter_user_namespace() -> Result<(), String> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER)
        .map_err(|errno| format!("unshare(CLONE_NEWUSER): {errno}"))
}
