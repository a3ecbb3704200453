// SPDX-License-Identifier: GPL-2.0-only
//! The rex crate, its macros, its bindings and the stub library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::core::{CoreLayer, remap};
use super::{Progress, sources, stub};
use crate::bindings::linux;
use crate::cache::{Draft, Key};
use crate::process;
use crate::target;
use crate::toolchain::{Toolchain, output};

/// What clippy must refuse in programs.
const CLIPPY_TOML: &str = include_str!("../../assets/program-clippy.toml");

/// The crates of this layer, for the key.
const CRATES: &[&str] = &["rex", "rex-abi", "rex-macros"];

/// The built layer.
pub struct RexLayer {
    /// Its folder: the libraries, the stub library, `clippy.toml`.
    pub path: PathBuf,
    /// What it was made from, the core layer included.
    pub key: String,
}

/// The layer for the kernel whose uapi headers are in `headers`.
pub fn ensure(
    toolchain: &Toolchain,
    core: &CoreLayer,
    cache: &Path,
    headers: &Path,
    progress: &Progress,
) -> Result<RexLayer> {
    if !headers.join("linux/bpf.h").is_file() {
        bail!(
            "{} has no linux/bpf.h: give the include folder of `make headers`",
            headers.display()
        );
    }
    let mut key = Key::default();
    key.add(&core.key)
        .add(CLIPPY_TOML)
        .add(rex_abi::IMPORTS.join(" "))
        .add_tree(headers)?;
    for name in CRATES {
        key.add_tree(&sources().join(name).join("src"))?;
    }
    let key = key.finish();
    let path = cache.join("rust/rex").join(&key);
    if !path.is_dir() {
        let draft = Draft::new(&path)?;
        let builder = Builder {
            toolchain,
            core,
            folder: draft.path(),
            progress,
        };
        builder.build(headers)?;
        draft.publish()?;
    }
    Ok(RexLayer { path, key })
}

/// Lints the rex crate, which the workspace's own clippy can't build. Gives
/// what clippy has to say.
pub fn lint(sysroot: &super::Sysroot) -> Result<String> {
    let scratch = Draft::new(&sysroot.rex.path)?;
    let builder = Builder {
        toolchain: &sysroot.toolchain,
        core: &sysroot.core,
        folder: &sysroot.rex.path,
        progress: &Progress::new(|_| {}),
    };
    let mut clippy = builder.target_command(
        sysroot.toolchain.clippy(),
        "rex",
        &["rex_abi", "rex_macros"],
    );
    clippy
        .args(["-Dwarnings", "--emit=metadata", "-L"])
        .arg(&sysroot.rex.path);
    clippy
        .arg("--out-dir")
        .arg(scratch.path())
        .arg(sources().join("rex/src/lib.rs"));
    Ok(process::run(&mut clippy, process::LIMIT)?.stderr)
}

struct Builder<'a> {
    toolchain: &'a Toolchain,
    core: &'a CoreLayer,
    folder: &'a Path,
    progress: &'a Progress,
}

impl Builder<'_> {
    fn build(&self, headers: &Path) -> Result<()> {
        self.bindings(headers)?;
        self.macros()?;
        self.library("rex_abi", "rex-abi", &[])?;
        self.library("rex", "rex", &["rex_abi", "rex_macros"])?;
        stub::build(self.toolchain, self.folder)?;
        fs::write(self.folder.join("clippy.toml"), CLIPPY_TOML)?;
        Ok(())
    }

    fn bindings(&self, headers: &Path) -> Result<()> {
        self.progress
            .say("generating bindings of the kernel's headers");
        let folder = self.folder.join("bindings");
        fs::create_dir(&folder)?;
        for module in linux::MODULES {
            let text = linux::generate(module, headers)
                .with_context(|| format!("can't generate rex::linux::{}", module.name))?;
            fs::write(folder.join(format!("{}.rs", module.name)), text)?;
        }
        Ok(())
    }

    /// The procedural macros run in the compiler, so they are built for the
    /// host, with the host's own standard library.
    fn macros(&self) -> Result<()> {
        self.progress.say("building rex-macros");
        let mut rustc = self.toolchain.rustc();
        rustc
            .args(["--edition=2024", "--crate-type=proc-macro"])
            .args(["--crate-name=rex_macros", "-Copt-level=1"])
            .args(["--extern=proc_macro", "-Cprefer-dynamic"]);
        self.finish(rustc, "rex-macros")
    }

    fn library(&self, name: &str, folder: &str, uses: &[&str]) -> Result<()> {
        self.progress.say(&format!("building {folder}"));
        let rustc = self.target_command(self.toolchain.rustc(), name, uses);
        self.finish(rustc, folder)
    }

    /// The compiler, or clippy, for a crate that becomes part of programs.
    fn target_command(&self, mut command: Command, name: &str, uses: &[&str]) -> Command {
        command.args(["--edition=2024", "--crate-type=rlib", "--crate-name", name]);
        command.env("REX_BINDINGS", self.folder.join("bindings"));
        command.args(["-Coverflow-checks=yes", "-Cdebuginfo=line-tables-only"]);
        target::apply(&mut command, &self.core.target());
        command.arg("--sysroot").arg(&self.core.path);
        for extern_name in uses {
            command.args(["--extern", extern_name]);
        }
        command
    }

    fn finish(&self, mut rustc: Command, folder: &str) -> Result<()> {
        rustc
            .arg("-L")
            .arg(self.folder)
            .arg(remap(self.toolchain))
            // Locations in rex read the same on every machine.
            .arg(format!(
                "--remap-path-prefix={}=rex-crate",
                sources().display()
            ))
            .arg(format!(
                "--remap-path-prefix={}=rex-layer",
                self.folder.display()
            ))
            .arg("--out-dir")
            .arg(self.folder)
            .arg(sources().join(folder).join("src/lib.rs"));
        output(&mut rustc).with_context(|| format!("can't build {folder}"))?;
        Ok(())
    }
}
