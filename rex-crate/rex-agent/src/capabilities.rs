// SPDX-License-Identifier: GPL-2.0-only
//! Capabilities by their names, and the calling thread's set of them.

use rex_loader::Errno;

/// In the order of their numbers in linux/capability.h.
const NAMES: &[&str] = &[
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
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

/// Capabilities as the kernel has them, a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// By names as `CAP_BPF`.
    pub fn named(names: &[String]) -> Result<Self, String> {
        let mut bits = 0;
        for name in names {
            let known = NAMES.iter().position(|known| known == name);
            bits |= 1 << known.ok_or_else(|| format!("there is no capability {name}"))?;
        }
        Ok(Capabilities(bits))
    }

    /// Gives the calling thread these and no others. Calls nothing but
    /// capset(2) and prctl(2): it may stand between fork and exec.
    pub fn assume(self) -> Result<(), Errno> {
        let header = Header {
            version: VERSION_3,
            pid: 0,
        };
        let half = |bits: u64| Data {
            effective: bits as u32,
            permitted: bits as u32,
            inheritable: bits as u32,
        };
        let data = [half(self.0 & 0xffff_ffff), half(self.0 >> 32)];
        // SAFETY: capset reads the header and, with version 3, two of Data.
        let done = unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) };
        if done < 0 {
            return Err(Errno::last());
        }
        Ok(())
    }

    /// Has programs that the calling thread becomes keep its capabilities,
    /// which they don't when it is not root's.
    pub fn keep_over_exec(self) -> Result<(), Errno> {
        for number in (0..NAMES.len()).filter(|number| self.0 >> number & 1 == 1) {
            // SAFETY: this prctl takes numbers.
            let done = unsafe {
                libc::prctl(
                    libc::PR_CAP_AMBIENT,
                    libc::PR_CAP_AMBIENT_RAISE,
                    number,
                    0,
                    0,
                )
            };
            if done < 0 {
                return Err(Errno::last());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers() {
        let named = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            Capabilities::named(&names)
        };
        // As in linux/capability.h.
        assert_eq!(named(&["CAP_NET_ADMIN"]), Ok(Capabilities(1 << 12)));
        assert_eq!(named(&["CAP_SYS_ADMIN"]), Ok(Capabilities(1 << 21)));
        assert_eq!(
            named(&["CAP_PERFMON", "CAP_BPF"]),
            Ok(Capabilities(3 << 38))
        );
        assert_eq!(named(&[]), Ok(Capabilities(0)));
        assert!(named(&["CAP_EVERYTHING"]).is_err());
    }
}
