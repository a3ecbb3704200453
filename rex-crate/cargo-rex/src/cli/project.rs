// SPDX-License-Identifier: GPL-2.0-only
//! `cargo rex build` and `check`.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::{Arguments, ensure_sysroot, progress};
use crate::compile::compile;
use crate::compile::input::{Input, crate_name};
use crate::project::manifest::Manifest;

/// Builds the project; with `keep`, puts the results into its target folder.
pub fn build(mut arguments: Arguments, keep: bool) -> Result<ExitCode> {
    let manifest = arguments
        .value("--manifest-path")?
        .unwrap_or_else(|| "Cargo.toml".into());
    let (cache, sysroot) = ensure_sysroot(&mut arguments, &progress())?;
    arguments.finish()?;

    let folder = folder_of(Path::new(&manifest));
    let name = Manifest::read(Path::new(&manifest))?.name;
    let identifier = crate_name(&name).map_err(anyhow::Error::msg)?;
    let colors = std::io::stderr().is_terminal();
    let outcome = match Input::project(&name, identifier, &folder)? {
        Ok(input) => compile(&sysroot, &cache, &input, colors)?,
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok(built) => {
            eprint!("{}", built.warnings);
            if keep {
                let target = folder.join("target/rex");
                fs::create_dir_all(&target)
                    .with_context(|| format!("can't create {}", target.display()))?;
                for file in [&built.object, &built.debug] {
                    let to = target.join(file.file_name().context("a result has a name")?);
                    fs::copy(file, &to).with_context(|| format!("can't write {}", to.display()))?;
                }
                let object = target.join(format!("{name}.rex"));
                println!("{}", object.display());
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            eprint!("{}", refusal.rendered);
            eprintln!("error: `{name}` was refused ({:?})", refusal.stage);
            Ok(ExitCode::FAILURE)
        }
    }
}

fn folder_of(manifest: &Path) -> PathBuf {
    match manifest.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
