// SPDX-License-Identifier: GPL-2.0-only
//! Who is there: the agent's first words.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rex_loader::Loader;
use rex_protocol::{ErrorBody, Hello, PROTOCOL_VERSION};

use crate::{cpus, text};

/// The kernel, the agent, the machine.
pub fn who(loader: &Loader) -> Result<Hello, ErrorBody> {
    let internal = |what: &str, error: &dyn std::fmt::Display| {
        ErrorBody::internal(format!("{what} isn't known: {error}"))
    };
    let name =
        nix::sys::utsname::uname().map_err(|errno| internal("the kernel's release", &errno))?;
    let uptime =
        clock_gettime(ClockId::CLOCK_BOOTTIME).map_err(|errno| internal("the uptime", &errno))?;
    let cmdline = text::read_text("/proc/cmdline", 64 * 1024)
        .map_err(|error| internal("the kernel's command line", &error))?;
    Ok(Hello {
        protocol_version: PROTOCOL_VERSION,
        agent_version: env!("CARGO_PKG_VERSION").to_string(),
        kernel_release: name.release().to_string_lossy().into_owned(),
        cpus: u32::try_from(cpus::read()?.online.len()).unwrap_or(u32::MAX),
        boot_ms: u64::try_from(Duration::from(uptime).as_millis()).unwrap_or(u64::MAX),
        cmdline: cmdline.trim_end().to_string(),
        rex: loader.has_rex(),
    })
}
