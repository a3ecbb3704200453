// SPDX-License-Identifier: GPL-2.0-only
//! The host's file system, mounted when it is first needed: a guest with a 9p
//! mount can't be snapshotted.

use std::ffi::CString;
use std::fs;
use std::sync::Mutex;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use rex_protocol::{Blame, ErrorBody, ErrorKind, HOST_ROOT_TAG};

/// Where the host's root is.
pub const ROOT: &str = "/host";
/// What programs of the host find in place of the host's own.
const SHARED: &[&str] = &["/proc", "/sys", "/dev", "/tmp"];
/// Read-only on the wire too. What has been read is not asked for again: a
/// guest lives for a test, and every start of a program would ask a hundred
/// times. A large message size, because libraries are.
const OPTIONS: &str = "trans=virtio,version=9p2000.L,cache=loose,msize=524288";

/// Mounts the host's root once.
#[derive(Default)]
pub struct HostRoot(Mutex<bool>);

impl HostRoot {
    /// Mounts it if that has not been done, and gives its path. What failed is
    /// tried again the next time.
    pub fn path(&self) -> Result<CString, ErrorBody> {
        let mut mounted = self.0.lock().expect("no panics");
        if !*mounted {
            mount_all().map_err(|why| {
                let _ = umount2(ROOT, MntFlags::MNT_DETACH);
                ErrorBody::new(ErrorKind::Unsupported, Blame::Caller, why)
            })?;
            *mounted = true;
        }
        Ok(CString::new(ROOT).expect("no NUL in it"))
    }
}

fn mount_all() -> Result<(), String> {
    fs::create_dir_all(ROOT).map_err(|error| format!("{ROOT} can't be made: {error}"))?;
    mount(
        Some(HOST_ROOT_TAG),
        ROOT,
        Some("9p"),
        MsFlags::MS_RDONLY,
        Some(OPTIONS),
    )
    .map_err(|errno| {
        format!(
            "the host's root can't be mounted: {errno} \
                 (does the guest have a 9p device tagged {HOST_ROOT_TAG}, and its kernel 9p?)"
        )
    })?;
    for place in SHARED {
        let inside = format!("{ROOT}{place}");
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(
            Some(*place),
            inside.as_str(),
            None::<&str>,
            flags,
            None::<&str>,
        )
        .map_err(|errno| format!("{place} can't be mounted at {inside}: {errno}"))?;
    }
    Ok(())
}
