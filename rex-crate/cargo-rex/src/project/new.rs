// SPDX-License-Identifier: GPL-2.0-only
//! `cargo rex new`: a project to start from.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::compile::input::crate_name;

/// The template; its first line, our licence, stays with us.
const MAIN: &str = include_str!("../../assets/new-main.rs");
const IGNORE: &str = "/target\n";

/// Makes a project at `path`, which must not exist.
pub fn create(path: &Path) -> Result<()> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.context("the path has no name")?;
    if let Err(message) = crate_name(name) {
        bail!(message);
    }
    if path.exists() {
        bail!("{} exists", path.display());
    }
    fs::create_dir_all(path.join("src"))
        .with_context(|| format!("can't create {}", path.display()))?;
    fs::write(path.join("Cargo.toml"), manifest(name))?;
    let main = MAIN.split_once('\n').map_or(MAIN, |(_licence, rest)| rest);
    fs::write(path.join("src/main.rs"), main)?;
    fs::write(path.join(".gitignore"), IGNORE)?;
    Ok(())
}

fn manifest(name: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         # `cargo rex build` supplies the rex crate.\n[dependencies]\n\n[workspace]\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::manifest::Manifest;

    #[test]
    fn a_new_project_is_one_that_builds_take() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my-probe");
        create(&path).unwrap();
        let manifest = Manifest::read(&path.join("Cargo.toml")).unwrap();
        assert_eq!(manifest.name, "my-probe");
        assert!(path.join(&manifest.main).is_file());
        let main = fs::read_to_string(path.join(&manifest.main)).unwrap();
        assert!(main.starts_with("#![no_std]"), "{main}");
        assert!(create(&path).is_err(), "nothing is overwritten");
    }
}
