// SPDX-License-Identifier: GPL-2.0-only
//! The private sysroot: what a program is compiled and linked with.
//!
//! Two layers, each kept in the cache under a key of everything it is made
//! from: [`core`](self::core) for the compiler, and [`rex`] on top of it for
//! one kernel's headers.

pub mod core;
pub mod rex;
mod stub;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub use stub::SONAME;

use crate::toolchain::{self, Toolchain};

/// Everything that building a program needs.
pub struct Sysroot {
    /// The tools.
    pub toolchain: Toolchain,
    /// core and compiler_builtins.
    pub core: core::CoreLayer,
    /// rex and what belongs to it.
    pub rex: rex::RexLayer,
}

/// The sysroot for the kernel whose uapi headers are in `headers`, built
/// where the cache lacks it.
pub fn ensure(cache: &Path, headers: &Path, progress: &Progress) -> Result<Sysroot> {
    let toolchain = toolchain::find(cache)?;
    let core = core::ensure(&toolchain, cache, progress)?;
    let rex = rex::ensure(&toolchain, &core, cache, headers, progress)?;
    Ok(Sysroot {
        toolchain,
        core,
        rex,
    })
}

/// Where the sources of the rex crates are: this repository's rex-crate
/// folder, unless REX_SOURCES names another.
pub fn sources() -> PathBuf {
    match std::env::var_os("REX_SOURCES") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
    }
}

/// Where progress lines go.
pub struct Progress(Box<dyn Fn(&str)>);

impl Progress {
    /// Progress that `say` tells.
    pub fn new(say: impl Fn(&str) + 'static) -> Self {
        Self(Box::new(say))
    }

    /// Tells what is being done.
    pub fn say(&self, what: &str) {
        (self.0)(what);
    }
}
