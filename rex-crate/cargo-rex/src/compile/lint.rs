// SPDX-License-Identifier: GPL-2.0-only
//! Refusing items by path, which only clippy can resolve.

use anyhow::Result;

use super::rustc::{Messages, arguments};
use super::{Job, Refusal, Stage};
use crate::process;

pub(super) fn run(job: &Job<'_>) -> Result<std::result::Result<(), Refusal>> {
    let mut clippy = job.sysroot.toolchain.clippy();
    clippy.env("CLIPPY_CONF_DIR", &job.sysroot.rex.path);
    arguments(job, &job.root(), &mut clippy);
    clippy
        .args(["--crate-type=lib", "--emit=metadata", "--out-dir"])
        .arg(job.folder)
        // The compiler has spoken already; here only the two lints count.
        .args(["-Awarnings", "-Aclippy::all"])
        .args(["-Fclippy::disallowed_methods", "-Fclippy::disallowed_types"]);
    let finished = process::run(&mut clippy, process::LIMIT)?;
    if finished.status.success() {
        return Ok(Ok(()));
    }
    Messages::parse(&finished.stderr)
        .refusal(Stage::Lint, &finished)
        .map(Err)
}
