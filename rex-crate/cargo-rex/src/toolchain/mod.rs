// SPDX-License-Identifier: GPL-2.0-only
//! The stock Rust toolchain that programs are built with.
//!
//! Needed: a `rustc`, the source of *its* standard library (another
//! version's is refused by the compiler: lang items), LLD, and clippy of the
//! same version. [`find`] looks where each distribution puts them.

mod candidates;
mod find;
mod tools;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

pub use find::find;
pub use tools::libclang_folder;

/// The oldest compiler that the private sysroot builds with.
pub const OLDEST_RUSTC: (u32, u32) = (1, 96);

/// A usable set of tools.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// The compiler.
    pub rustc: PathBuf,
    /// What `rustc -vV` says; identifies the compiler.
    pub version: String,
    /// The `library` folder of the standard library's source.
    pub library: PathBuf,
    /// The linker and the arguments that make it behave as ld.
    pub lld: Linker,
    /// Clippy of the same version.
    pub clippy: PathBuf,
    /// Where the compiler was found, in words.
    pub origin: &'static str,
}

/// How to call LLD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linker {
    /// The program.
    pub path: PathBuf,
    /// `-flavor gnu` for rust-lld, which has no flavour by name.
    pub flavor: &'static [&'static str],
}

impl Linker {
    /// A command that links ELF files.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(self.flavor);
        command
    }
}

impl Toolchain {
    /// The compiler with an environment of its own: a program's `env!` must
    /// not see the machine's. Unstable flags are open to us; features are
    /// closed to programs by `-Zallow-features=`.
    pub fn rustc(&self) -> Command {
        isolated(&self.rustc)
    }

    /// Clippy's driver, called like the compiler.
    pub fn clippy(&self) -> Command {
        isolated(&self.clippy)
    }
}

fn isolated(program: &PathBuf) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("RUSTC_BOOTSTRAP", "1");
    for name in ["PATH", "TMPDIR", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs `command` and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("can't run {name}"))?;
    if !output.status.success() {
        bail!(
            "{name} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("{name} did not print UTF-8"))
}

/// The value of `key: value` in the output of `rustc -vV`.
pub(crate) fn version_field<'a>(version: &'a str, key: &str) -> Option<&'a str> {
    version
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
}

/// `1.96.0-nightly` → `(1, 96)`.
pub(crate) fn major_minor(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "rustc 1.96.0 (ac68faa20 2026-05-25)\nbinary: rustc\n\
                           host: x86_64-unknown-linux-gnu\nrelease: 1.96.0\nLLVM version: 22.1.8\n";

    #[test]
    fn fields_of_the_verbose_version_are_found() {
        assert_eq!(version_field(VERSION, "release"), Some("1.96.0"));
        assert_eq!(version_field(VERSION, "LLVM version"), Some("22.1.8"));
        assert_eq!(version_field(VERSION, "commit-date"), None);
    }

    #[test]
    fn releases_compare_by_major_and_minor() {
        assert_eq!(major_minor("1.96.0"), Some((1, 96)));
        assert_eq!(major_minor("1.100.0-nightly"), Some((1, 100)));
        assert_eq!(major_minor("nonsense"), None);
        assert!(major_minor("1.100.0") > Some(OLDEST_RUSTC));
    }
}
