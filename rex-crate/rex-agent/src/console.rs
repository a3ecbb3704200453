// SPDX-License-Identifier: GPL-2.0-only
//! Lines on the console.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

/// What each line begins with.
pub const PREFIX: &str = "rex-agent: ";

/// Writes a line. Without a console the line is lost: there is nobody to tell.
pub fn line(text: &str) {
    // Not stderr: what init was started with may be no console at all.
    let console = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open("/dev/console");
    if let Ok(mut console) = console {
        let _ = console.write_all(format!("{PREFIX}{text}\n").as_bytes());
    }
}
