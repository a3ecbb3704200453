// SPDX-License-Identifier: GPL-2.0-only
//! core and compiler_builtins for our target.
//!
//! They depend on the compiler alone, so a change of the rex crate or of the
//! kernel doesn't build them again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Progress;
use crate::cache::{Draft, Key};
use crate::target;
use crate::toolchain::{Toolchain, output};

/// A sysroot in the compiler's layout.
pub struct CoreLayer {
    /// Its folder, for `--sysroot`.
    pub path: PathBuf,
    /// What it was made from.
    pub key: String,
}

impl CoreLayer {
    /// The target's JSON file.
    pub fn target(&self) -> PathBuf {
        spec_file(&self.path)
    }
}

fn spec_file(sysroot: &Path) -> PathBuf {
    sysroot.join(format!("{}.json", target::NAME))
}

/// Features of compiler_builtins: the mem functions, which no libc provides,
/// and what its build script would set for a target like ours.
const BUILTINS_CFG: &[&str] = &[
    "feature=\"compiler-builtins\"",
    "feature=\"mem\"",
    "feature=\"mem-unaligned\"",
    "feature=\"unstable-intrinsics\"",
    "intrinsics_enabled",
    "arch_enabled",
    "optimizations_enabled",
];

/// The layer for `toolchain`, built if the cache lacks it (about 20 s).
pub fn ensure(toolchain: &Toolchain, cache: &Path, progress: &Progress) -> Result<CoreLayer> {
    let spec = target::spec(toolchain)?;
    let mut key = Key::default();
    key.add(&toolchain.version)
        .add(toolchain.library.as_os_str().as_encoded_bytes())
        .add(&spec);
    for part in target::FLAGS.iter().chain(BUILTINS_CFG) {
        key.add(part);
    }
    let key = key.finish();
    let path = cache.join("rust/core").join(&key);
    if !path.is_dir() {
        let draft = Draft::new(&path)?;
        build(toolchain, &spec, draft.path(), progress)?;
        draft.publish()?;
    }
    Ok(CoreLayer { path, key })
}

fn build(toolchain: &Toolchain, spec: &str, sysroot: &Path, progress: &Progress) -> Result<()> {
    let libraries = sysroot.join("lib/rustlib").join(target::NAME).join("lib");
    fs::create_dir_all(&libraries)?;
    fs::write(spec_file(sysroot), spec)?;
    let compile = |name: &str, source: &str, extra: &[&str]| -> Result<()> {
        progress.say(&format!("building {name} for {}", target::NAME));
        let mut rustc = toolchain.rustc();
        rustc.args(["--edition=2024", "--crate-type=rlib", "--crate-name", name]);
        target::apply(&mut rustc, &spec_file(sysroot));
        rustc
            .args(["-Zforce-unstable-if-unmarked", "--cap-lints=allow"])
            .args(extra)
            .arg(remap(toolchain))
            .arg("--sysroot")
            .arg(sysroot)
            .arg("--out-dir")
            .arg(&libraries)
            .arg(toolchain.library.join(source));
        output(&mut rustc).with_context(|| format!("can't build {name}"))?;
        Ok(())
    };
    compile("core", "core/src/lib.rs", &[])?;
    let cfg: Vec<_> = BUILTINS_CFG.iter().flat_map(|cfg| ["--cfg", cfg]).collect();
    let source = "compiler-builtins/compiler-builtins/src/lib.rs";
    compile("compiler_builtins", source, &cfg)
}

/// Locations in core read `library/core/…` on every machine.
pub fn remap(toolchain: &Toolchain) -> String {
    format!(
        "--remap-path-prefix={}=library",
        toolchain.library.display()
    )
}
