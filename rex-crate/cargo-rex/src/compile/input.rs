// SPDX-License-Identifier: GPL-2.0-only
//! Where a program's source is, and everything that belongs to it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Refusal, Stage};
use crate::cache::files_below;
use crate::project::manifest::Manifest;

/// A program to compile, as a request names it.
#[derive(Debug, Clone, Deserialize)]
pub struct Request {
    /// Chosen by the caller; comes back with the answer.
    pub id: String,
    /// Name of the object.
    pub name: String,
    /// The whole main.rs …
    #[serde(default)]
    pub text: Option<String>,
    /// … or a project folder, or a single .rs file.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// Another level than usual.
    #[serde(default, rename = "optLevel")]
    pub opt_level: Option<OptLevel>,
}

/// A level of optimisation other than 2, for fuzzing: the promises of an
/// object hold at each of them. core and rex were compiled at level 2 before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum OptLevel {
    /// None.
    #[serde(rename = "0")]
    Zero,
    /// Little.
    #[serde(rename = "1")]
    One,
    /// All there is.
    #[serde(rename = "3")]
    Three,
    /// For size.
    #[serde(rename = "s")]
    Size,
}

impl OptLevel {
    /// As the compiler is told.
    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::Zero => "-Copt-level=0",
            Self::One => "-Copt-level=1",
            Self::Three => "-Copt-level=3",
            Self::Size => "-Copt-level=s",
        }
    }
}

/// A program's source.
#[derive(Debug, Clone)]
pub struct Input {
    /// Name of the object.
    pub name: String,
    /// Name of the crate: the name as an identifier.
    pub crate_name: String,
    /// The folder that paths in diagnostics are relative to, and that every
    /// file of the program must be in. Empty for text without a file.
    pub root: PathBuf,
    /// The crate's root file, relative to `root`.
    pub main: PathBuf,
    /// All files below `root` that the key is made from, with their content.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// Another level than usual.
    pub opt_level: Option<OptLevel>,
}

/// Names that mean something else to the compiler.
const RESERVED: &[&str] = &[
    "alloc",
    "compiler_builtins",
    "core",
    "proc_macro",
    "rex",
    "rex_abi",
    "rex_macros",
    "self",
    "std",
    "test",
];

/// Why the crate's root file can't be called so: `rustc` takes some names for
/// something else.
fn misread(main: &Path) -> Option<String> {
    let name = main.as_os_str().as_encoded_bytes();
    let misread = name.starts_with(b"@") || name.starts_with(b"-");
    misread.then(|| {
        format!(
            "{} is no name for a source file: the compiler would take it for an argument",
            main.display()
        )
    })
}

/// The name as a crate's name, or why it can't be one.
pub fn crate_name(name: &str) -> std::result::Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(allowed) {
        return Err(format!(
            "`{name}` is no name for a program: use 1 to 63 letters, digits, `_` and `-`"
        ));
    }
    let mut identifier = name.replace('-', "_");
    if identifier.starts_with(|c: char| c.is_ascii_digit()) {
        identifier.insert(0, '_');
    }
    if RESERVED.contains(&identifier.as_str()) {
        return Err(format!("`{name}` is a reserved name; choose another"));
    }
    Ok(identifier)
}

impl Input {
    /// Whether the source is text without a file.
    pub fn is_text(&self) -> bool {
        self.root.as_os_str().is_empty()
    }

    /// The source that `request` names.
    pub fn resolve(request: &Request) -> Result<std::result::Result<Self, Refusal>> {
        let crate_name = match crate_name(&request.name) {
            Ok(name) => name,
            Err(message) => return Ok(Err(Refusal::new(Stage::Input, message))),
        };
        let refused = |message: &str| Ok(Err(Refusal::new(Stage::Input, message)));
        let resolved = match (&request.text, &request.path) {
            (Some(text), None) => Ok(Ok(Self {
                name: request.name.clone(),
                crate_name,
                root: PathBuf::new(),
                main: PathBuf::from("src/main.rs"),
                files: vec![(PathBuf::from("src/main.rs"), text.clone().into_bytes())],
                opt_level: None,
            })),
            (None, Some(path)) if path.is_dir() => Self::project(&request.name, crate_name, path),
            (None, Some(path)) if path.is_file() => {
                Self::file(&request.name, crate_name, path).map(Ok)
            }
            (None, Some(path)) => refused(&format!("{} does not exist", path.display())),
            _ => refused("a program has either a text or a path"),
        };
        resolved.map(|outcome| {
            outcome.map(|input| Self {
                opt_level: request.opt_level,
                ..input
            })
        })
    }

    /// Refuses what would never get to the compiler as a program.
    pub(super) fn check(&self) -> std::result::Result<(), Refusal> {
        match misread(&self.main) {
            Some(message) => Err(Refusal::new(Stage::Input, message)),
            None => Ok(()),
        }
    }

    /// A folder with a Cargo.toml.
    pub fn project(
        name: &str,
        crate_name: String,
        folder: &Path,
    ) -> Result<std::result::Result<Self, Refusal>> {
        let manifest = match Manifest::read(&folder.join("Cargo.toml")) {
            Ok(manifest) => manifest,
            Err(error) => return Ok(Err(Refusal::new(Stage::Input, format!("{error:#}")))),
        };
        let root = folder
            .canonicalize()
            .with_context(|| format!("can't open {}", folder.display()))?;
        let mut files = Vec::new();
        for path in files_below(&root)? {
            let content = fs::read(root.join(&path))?;
            files.push((path, content));
        }
        Ok(Ok(Self {
            name: name.to_owned(),
            crate_name,
            root,
            main: manifest.main,
            files,
            opt_level: None,
        }))
    }

    fn file(name: &str, crate_name: String, path: &Path) -> Result<Self> {
        let path = path.canonicalize()?;
        let file_name = PathBuf::from(path.file_name().context("a file has a name")?);
        let content = fs::read(&path)?;
        Ok(Self {
            name: name.to_owned(),
            crate_name,
            root: path.parent().context("a file has a folder")?.to_owned(),
            main: file_name.clone(),
            files: vec![(file_name, content)],
            opt_level: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_identifiers() {
        assert_eq!(crate_name("hello-world"), Ok("hello_world".into()));
        assert_eq!(crate_name("2nd"), Ok("_2nd".into()));
        for bad in ["", "a b", "../x", "rex", "core", "é"] {
            assert!(crate_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_compiler_takes_no_name_for_an_argument() {
        for name in ["@attempt.rs", "-Zunpretty=hir", "--cap-lints=allow"] {
            assert!(misread(Path::new(name)).is_some(), "{name}");
        }
        for name in ["src/main.rs", "a@b.rs", "src/@.rs", "a-b.rs"] {
            assert_eq!(misread(Path::new(name)), None);
        }
    }

    #[test]
    fn a_request_may_name_a_level_of_optimisation() {
        let request = |level: &str| {
            let text = format!(r#"{{"id":"a","name":"x","text":"","optLevel":{level}}}"#);
            serde_json::from_str::<Request>(&text)
        };
        let level = |request: Request| Input::resolve(&request).unwrap().unwrap().opt_level;
        assert_eq!(level(request("\"3\"").unwrap()), Some(OptLevel::Three));
        assert_eq!(level(request("null").unwrap()), None);
        for bad in ["\"2\"", "\"3 -Z\"", "3"] {
            assert!(request(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_request_needs_one_source() {
        let request = |json: &str| serde_json::from_str::<Request>(json).unwrap();
        let none = request(r#"{"id":"a","name":"x"}"#);
        let both = request(r#"{"id":"a","name":"x","text":"","path":"/"}"#);
        let gone = request(r#"{"id":"a","name":"x","path":"/nonexistent"}"#);
        for request in [none, both, gone] {
            let refusal = Input::resolve(&request).unwrap().unwrap_err();
            assert_eq!(refusal.stage, Stage::Input);
        }
    }
}
