// SPDX-License-Identifier: GPL-2.0-only
//! What init does first: file systems, the loopback interface.

use std::fs;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

use crate::console;

/// Type, place, options, and whether the agent can't do without.
const MOUNTS: &[(&str, &str, &str, bool)] = &[
    ("proc", "/proc", "", true),
    ("sysfs", "/sys", "", true),
    ("devtmpfs", "/dev", "mode=0755", true),
    ("devpts", "/dev/pts", "mode=0620,ptmxmode=0666", false),
    ("tmpfs", "/tmp", "mode=1777", true),
    ("tmpfs", "/run", "mode=0755", false),
    ("debugfs", "/sys/kernel/debug", "", false),
    ("tracefs", "/sys/kernel/tracing", "", false),
    ("bpf", "/sys/fs/bpf", "mode=0700", false),
];

/// Makes the guest a place to work in.
///
/// What can be missing in a small kernel is only said on the console; a test
/// that needs it says so itself.
pub fn set_up() -> Result<(), String> {
    for (kind, place, options, needed) in MOUNTS {
        match mount_one(kind, place, options) {
            Ok(()) => {}
            Err(why) if *needed => return Err(why),
            Err(why) => console::line(&why),
        }
    }
    let null = null_descriptors();
    null.map_err(|error| format!("descriptors 0, 1 and 2 can't be /dev/null: {error}"))?;
    if let Err(errno) = raise_loopback() {
        console::line(&format!(
            "the loopback interface can't be brought up: {errno}"
        ));
    }
    Ok(())
}

fn mount_one(kind: &str, place: &str, options: &str) -> Result<(), String> {
    // sysfs makes its mount points itself, and doesn't let others be made.
    if !fs::exists(place).unwrap_or(false) {
        fs::create_dir_all(place).map_err(|error| format!("{place} can't be made: {error}"))?;
    }
    match mount(
        Some(kind),
        place,
        Some(kind),
        MsFlags::empty(),
        Some(options),
    ) {
        // Mounted already, by the kernel or by an init before this one.
        Ok(()) | Err(Errno::EBUSY) => Ok(()),
        Err(errno) => Err(format!("{kind} can't be mounted at {place}: {errno}")),
    }
}

/// Makes /dev/null of descriptors 0, 1 and 2, whatever the kernel started init
/// with (nothing at all, when the initramfs has no /dev/console): else the next
/// file that is opened would become one of them.
fn null_descriptors() -> std::io::Result<()> {
    let null = fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    for descriptor in 0..3 {
        // SAFETY: std's handles of these numbers hold no state but the number.
        Errno::result(unsafe { libc::dup2(null.as_raw_fd(), descriptor) })?;
    }
    // It may be one of them itself.
    if null.as_raw_fd() < 3 {
        mem::forget(null);
    }
    Ok(())
}

fn raise_loopback() -> Result<(), Errno> {
    // SAFETY: socket(2) takes no addresses.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    Errno::result(socket)?;
    // SAFETY: the kernel just made this descriptor for us.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: all zeroes are an ifreq: integers, and a union of such and a null pointer.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    request.ifr_name[0] = b'l'.cast_signed();
    request.ifr_name[1] = b'o'.cast_signed();
    // SAFETY: the ioctl reads and writes an ifreq.
    Errno::result(unsafe {
        libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request)
    })?;
    // SAFETY: SIOCGIFFLAGS filled this member of the union.
    unsafe { request.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short };
    // SAFETY: the ioctl reads an ifreq.
    Errno::result(unsafe {
        libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request)
    })?;
    Ok(())
}
