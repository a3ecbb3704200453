// SPDX-License-Identifier: GPL-2.0-only
//! Who loads: fewer capabilities, or all of them in a namespace where they
//! mean nothing to the kernel at large.

use crate::capabilities::Capabilities;

/// Gives up every capability but these.
pub fn keep_capabilities(kept: &[String]) -> Result<(), String> {
    let kept = Capabilities::named(kept)?;
    kept.assume()
        .map_err(|errno| format!("capset: {}", errno.name()))
}

/// From here on this process is root, of a user namespace of its own.
pub fn enter_user_namespace() -> Result<(), String> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER)
        .map_err(|errno| format!("unshare(CLONE_NEWUSER): {errno}"))
}
