// SPDX-License-Identifier: GPL-2.0-only
//! Refusals that the cache keeps, so that a program that is refused is compiled
//! once, like one that is accepted.
//!
//! Kept is what nothing but the program can be to blame for: it was given as
//! text, the compiler has read nothing else, and no word of the refusal is about
//! the machine. Whatever is in doubt is compiled anew, which costs time alone.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::dep_info::DepInfo;
use super::input::Input;
use super::{Job, Refusal, Stage};
use crate::cache::{Draft, Key};
use crate::sysroot::Sysroot;
use crate::toolchain::Toolchain;

/// Longest refusal that is kept, in bytes. Most have a few thousand.
const MOST_BYTES: usize = 1 << 20;

/// Words, in lower case, of refusals that the machine may be to blame for: a
/// full disk, too little memory, a sysroot that is damaged or being removed.
const TROUBLE: &[&str] = &[
    "os error",
    "no space left on device",
    "read-only file system",
    "disk quota exceeded",
    "memory exhausted",
    "out of memory",
    "cannot allocate",
    "no such file or directory",
    "permission denied",
    "input/output error",
    "too many open files",
    "resource temporarily unavailable",
    "internal compiler error",
    "can't find crate",
    "metadata file",
];

/// Where the refusal of one program is kept.
pub(super) struct Entry(PathBuf);

impl Entry {
    /// The entry for the program with the key `program`; `None` where refusals
    /// aren't kept. Those with colours are for somebody who is changing the
    /// program, and those of files may name the folder that the files are in.
    pub fn of(
        sysroot: &Sysroot,
        cache: &Path,
        input: &Input,
        program: &str,
        colors: bool,
    ) -> Option<Self> {
        if colors || !input.is_text() {
            return None;
        }
        let name = name(program, &sysroot.toolchain)?;
        Some(Self(cache.join("refusals").join(name)))
    }

    /// The refusal; `None` if there is none, or none that can be read.
    pub fn read(&self) -> Option<Refusal> {
        let mut text = Vec::new();
        let file = File::open(&self.0).ok()?;
        file.take(MOST_BYTES as u64).read_to_end(&mut text).ok()?;
        let refusal = serde_json::from_slice(&text).ok()?;
        Some(Refusal {
            kept: Some(self.0.clone()),
            cached: true,
            ..refusal
        })
    }

    /// Keeps the job's refusal, if it's the program's own. It's an answer as well
    /// without a place in the cache, so one that can't be written isn't kept.
    pub fn keep(&self, job: &Job<'_>, refusal: Refusal) -> Refusal {
        let Ok(text) = serde_json::to_string(&refusal) else {
            return refusal;
        };
        let kept = is_own(job, refusal.stage, &text) && self.write(&text).is_ok();
        Refusal {
            kept: kept.then(|| self.0.clone()),
            ..refusal
        }
    }

    /// Writes the entry in one go, over a damaged one.
    fn write(&self, text: &str) -> Result<()> {
        let draft = Draft::new(&self.0)?;
        let file = draft.path().join("refusal");
        fs::write(&file, text)?;
        fs::rename(&file, &self.0)?;
        Ok(())
    }
}

/// The entry's name: everything that the program's own key has, and what
/// refuses programs without a part in that key.
///
/// The safety of the kernel rests on the scan, the choice of lints and the
/// verifier, and their sources are in the program's key. So who changes one of
/// them hears what that one says, never what an older build has said.
fn name(program: &str, toolchain: &Toolchain) -> Option<String> {
    let mut key = Key::default();
    key.add(program);
    for tool in [&toolchain.clippy, &toolchain.lld.path] {
        let file = fs::metadata(tool).ok()?;
        key.add(tool.as_os_str().as_encoded_bytes());
        for number in [file.size() as i64, file.mtime(), file.mtime_nsec()] {
            key.add(number.to_le_bytes());
        }
    }
    Some(format!("{}.json", key.finish()))
}

/// Whether the refusal, which is written `text`, can have no cause but the
/// program's text.
fn is_own(job: &Job<'_>, stage: Stage, text: &str) -> bool {
    let has_cause_elsewhere = match stage {
        Stage::Input | Stage::Link => true,
        Stage::Rustc | Stage::Scan | Stage::Lint | Stage::Verify => false,
    };
    let lower = text.to_ascii_lowercase();
    !has_cause_elsewhere
        && text.len() < MOST_BYTES
        && !TROUBLE.iter().any(|words| lower.contains(words))
        && !names_our_files(job, text)
        && read_its_text_alone(job)
}

/// Whether `text` names a file of ours, as we call it or as the compiler does,
/// who follows links: it is about that one then, and the job's folder is
/// another one each time.
fn names_our_files(job: &Job<'_>, text: &str) -> bool {
    let Sysroot { core, rex, .. } = job.sysroot;
    let folders = [job.folder, &core.path, &rex.path];
    let real = folders.iter().flat_map(|folder| folder.canonicalize());
    let given = folders.iter().map(|folder| folder.to_path_buf());
    given.chain(real).any(|folder| {
        let quoted = serde_json::Value::from(folder.to_string_lossy()).to_string();
        text.contains(quoted.trim_matches('"'))
    })
}

/// Whether the compiler has read the program's text and nothing else. Where it
/// has not come far enough to tell, nobody knows.
fn read_its_text_alone(job: &Job<'_>) -> bool {
    let text = fs::read_to_string(job.dep_info()).unwrap_or_default();
    DepInfo::parse(&text)
        .is_some_and(|read| read.files.iter().eq([&job.input.main]) && read.variables.is_empty())
}

#[cfg(test)]
mod tests;
