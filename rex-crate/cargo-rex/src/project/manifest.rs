// SPDX-License-Identifier: GPL-2.0-only
//! What we take from a project's Cargo.toml.
//!
//! The builder decides about the edition, the flags and the crates, so most
//! of a manifest has no effect; what would seem to have one is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Name of the package, and of the object.
    pub name: String,
    /// The crate's root file, relative to the manifest.
    pub main: PathBuf,
}

#[derive(Deserialize)]
struct Raw {
    package: Package,
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
    #[serde(default, rename = "build-dependencies")]
    build_dependencies: BTreeMap<String, toml::Value>,
    #[serde(default)]
    bin: Vec<Bin>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    build: Option<toml::Value>,
}

#[derive(Deserialize)]
struct Bin {
    path: Option<PathBuf>,
}

impl Manifest {
    /// Reads the manifest at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        let folder = path.parent().context("a manifest has a folder")?;
        if folder.join("build.rs").exists() {
            bail!("{}: a Rex program has no build script", path.display());
        }
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let raw: Raw = toml::from_str(text)?;
        if raw
            .package
            .build
            .is_some_and(|build| build != toml::Value::Boolean(false))
        {
            bail!("a Rex program has no build script");
        }
        let foreign = raw
            .dependencies
            .keys()
            .find(|name| name.as_str() != "rex")
            .or_else(|| raw.build_dependencies.keys().next());
        if let Some(name) = foreign {
            bail!(
                "dependency `{name}`: a Rex program depends on `rex` alone, for its code is verified whole"
            );
        }
        let main = match raw.bin.as_slice() {
            [] => None,
            [bin] => bin.path.clone(),
            _ => {
                bail!("more than one [[bin]]: a project is one object, with any number of programs")
            }
        };
        let main = main.unwrap_or_else(|| PathBuf::from("src/main.rs"));
        let escapes = |part| !matches!(part, std::path::Component::Normal(_));
        if main.components().any(escapes) {
            bail!("{} is outside of the project", main.display());
        }
        Ok(Self {
            name: raw.package.name,
            main,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_project_is_taken() {
        let manifest = Manifest::parse(
            "[package]\nname = \"hello\"\nedition = \"2021\"\n[dependencies.rex]\npath = \"../rex\"\n",
        );
        let expected = Manifest {
            name: "hello".into(),
            main: "src/main.rs".into(),
        };
        assert_eq!(manifest.unwrap(), expected);
    }

    #[test]
    fn what_would_escape_the_verification_is_refused() {
        for (text, word) in [
            ("[dependencies]\nserde = \"1\"", "serde"),
            ("[build-dependencies]\ncc = \"1\"", "cc"),
            ("[[bin]]\nname = \"a\"\npath = \"../a.rs\"", "outside"),
            (
                "[[bin]]\nname = \"a\"\n[[bin]]\nname = \"b\"",
                "more than one",
            ),
        ] {
            let text = format!("[package]\nname = \"x\"\n{text}\n");
            let error = format!("{:#}", Manifest::parse(&text).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
        let build = "[package]\nname = \"x\"\nbuild = \"b.rs\"";
        assert!(Manifest::parse(build).is_err());
    }
}
