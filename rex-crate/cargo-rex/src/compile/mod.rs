// SPDX-License-Identifier: GPL-2.0-only
//! One program, from source to a verified object.
//!
//! The stages, each in a file of its own: [`input`] finds the source, `rustc`
//! compiles, [`scan`] refuses words that no program may use, `lint` refuses
//! items, `link` makes the ELF file, `symbols` makes its symbols readable,
//! `finish` verifies it. The cache keeps what comes out: objects, and in
//! `refusals` why there is none.

pub mod batch;
mod dep_info;
mod finish;
pub mod input;
mod link;
mod lint;
mod refusals;
mod rustc;
pub mod scan;
mod symbols;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cache::{Draft, Key};
use crate::sysroot::Sysroot;
use input::Input;

/// Digest of the sources that the stages and rex-verify are built from, by build.rs.
const BUILDER: &str = env!("REX_BUILDER");

/// The stage that a program failed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Nothing that could be compiled.
    Input,
    /// The compiler refused it.
    Rustc,
    /// It uses a word or a file that no program may use.
    Scan,
    /// It uses an item that no program may use.
    Lint,
    /// It doesn't link.
    Link,
    /// The finished file breaks a rule.
    Verify,
}

/// Why a program was refused; the program is to blame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Where.
    pub stage: Stage,
    /// For a reader, with file and line where they are known.
    pub rendered: String,
    /// The compiler's diagnostics as it gave them.
    pub diagnostics: Vec<Value>,
    /// The file that the cache keeps it in, if it does.
    #[serde(skip)]
    pub kept: Option<PathBuf>,
    /// Whether it was there already.
    #[serde(skip)]
    pub cached: bool,
}

impl Refusal {
    fn new(stage: Stage, rendered: impl Into<String>) -> Self {
        Self {
            stage,
            rendered: rendered.into(),
            diagnostics: Vec::new(),
            kept: None,
            cached: false,
        }
    }
}

/// A built program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The object file.
    pub object: PathBuf,
    /// The same with debug information.
    pub debug: PathBuf,
    /// Whether it was there already.
    pub cached: bool,
    /// The compiler's warnings, for a reader; empty when it came from the
    /// cache.
    pub warnings: String,
}

/// What became of a program. The error of the function around it means that
/// the machine is to blame.
pub type Outcome = std::result::Result<Built, Refusal>;

/// What all stages of one program share.
struct Job<'a> {
    sysroot: &'a Sysroot,
    input: &'a Input,
    /// Where intermediate and final files go.
    folder: &'a Path,
    /// Whether diagnostics have colours.
    colors: bool,
}

/// Ends the surrounding function with the refusal, if it is one.
macro_rules! accept {
    ($outcome:expr) => {
        match $outcome? {
            Ok(value) => value,
            Err(refusal) => return Ok(Err(refusal)),
        }
    };
}

/// Builds the program unless the cache has it, or why it was refused.
pub fn compile(sysroot: &Sysroot, cache: &Path, input: &Input, colors: bool) -> Result<Outcome> {
    if let Err(refusal) = input.check() {
        return Ok(Err(refusal));
    }
    let key = key(sysroot, input);
    let entry = cache.join("programs").join(&key);
    let mut built = Built {
        object: entry.join(format!("{}.rex", input.name)),
        debug: entry.join(format!("{}.debug", input.name)),
        cached: true,
        warnings: String::new(),
    };
    if entry.is_dir() {
        return Ok(Ok(built));
    }
    let refusals = refusals::Entry::of(sysroot, cache, input, &key, colors);
    if let Some(refusal) = refusals.as_ref().and_then(refusals::Entry::read) {
        return Ok(Err(refusal));
    }
    let draft = Draft::new(&entry)?;
    let job = Job {
        sysroot,
        input,
        folder: draft.path(),
        colors,
    };
    let outcome = job.run()?;
    match (outcome, refusals) {
        (Ok(warnings), _) => {
            draft.publish()?;
            built.cached = false;
            built.warnings = warnings;
            Ok(Ok(built))
        }
        (Err(refusal), Some(entry)) => Ok(Err(entry.keep(&job, refusal))),
        (Err(refusal), None) => Ok(Err(refusal)),
    }
}

fn key(sysroot: &Sysroot, input: &Input) -> String {
    let mut key = Key::default();
    key.add(BUILDER)
        .add(&sysroot.rex.key)
        .add(&input.name)
        .add(input.main.as_os_str().as_encoded_bytes());
    for (path, content) in &input.files {
        key.add(path.as_os_str().as_encoded_bytes()).add(content);
    }
    if let Some(level) = input.opt_level {
        key.add(level.flag());
    }
    key.finish()
}

impl Job<'_> {
    /// All stages, one after the other; gives the compiler's warnings.
    fn run(&self) -> Result<std::result::Result<String, Refusal>> {
        let compiled = accept!(rustc::run(self));
        accept!(scan::run(self, &compiled));
        accept!(lint::run(self));
        accept!(link::run(self, &compiled.archive));
        accept!(finish::run(self));
        self.keep_results()?;
        Ok(Ok(compiled.warnings))
    }

    fn object(&self) -> PathBuf {
        self.folder.join(format!("{}.rex", self.input.name))
    }

    /// The folder that the program is compiled in.
    fn root(&self) -> PathBuf {
        if self.input.is_text() {
            return self.folder.join("text");
        }
        self.input.root.clone()
    }

    /// Where the compiler says what it has read.
    fn dep_info(&self) -> PathBuf {
        self.folder.join("program.d")
    }

    fn debug(&self) -> PathBuf {
        self.folder.join(format!("{}.debug", self.input.name))
    }

    /// Removes everything but the object and its debug file.
    fn keep_results(&self) -> Result<()> {
        let results = [self.object(), self.debug()];
        for entry in fs::read_dir(self.folder)? {
            let path = entry?.path();
            if results.contains(&path) {
                continue;
            }
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.with_context(|| format!("can't remove {}", path.display()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builder_is_known_by_its_sources() {
        let mut key = Key::default();
        for folder in crate::cache::BUILDER {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("..")
                .join(folder);
            assert!(folder.is_dir(), "{}", folder.display());
            key.add_tree(&folder).unwrap();
        }
        assert_eq!(BUILDER, key.finish());
    }
}
