// SPDX-License-Identifier: GPL-2.0-only
//! The cache folder: where things are kept and how they get there.
//!
//! A finished entry appears by one rename, so a half-written one is never
//! seen; a process that loses a race uses the winner's entry.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// The sources of what turns a program into an object, beside this crate.
pub const BUILDER: &[&str] = &["cargo-rex/src", "rex-abi/src", "rex-verify/src"];

/// The cache folder of rex-test, absolute.
pub fn root() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let root = if let Some(path) = set("REX_TEST_CACHE") {
        PathBuf::from(path)
    } else if let Some(path) = set("XDG_CACHE_HOME") {
        PathBuf::from(path).join("rex-test")
    } else if let Some(home) = set("HOME") {
        PathBuf::from(home).join(".cache/rex-test")
    } else {
        bail!("set REX_TEST_CACHE: neither XDG_CACHE_HOME nor HOME is set");
    };
    Ok(std::path::absolute(root)?)
}

/// A content key in the making.
///
/// Each part is hashed with its length, so that no two sequences of parts
/// give the same input.
#[derive(Default)]
pub struct Key(Sha256);

impl Key {
    /// Adds one part.
    pub fn add(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// Adds the relative path and content of every file below `folder`.
    pub fn add_tree(&mut self, folder: &Path) -> Result<&mut Self> {
        for file in files_below(folder)? {
            let text = fs::read(folder.join(&file))
                .with_context(|| format!("can't read {}", folder.join(&file).display()))?;
            self.add(file.as_os_str().as_encoded_bytes()).add(text);
        }
        Ok(self)
    }

    /// The key as 24 hexadecimal digits.
    pub fn finish(&self) -> String {
        let digest = self.0.clone().finalize();
        digest[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Paths of all files below `folder`, relative to it and sorted. Hidden
/// entries and `target` folders are left out.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let path = folder.join(&relative);
        let entries =
            fs::read_dir(&path).with_context(|| format!("can't read {}", path.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") || name == "target" {
                continue;
            }
            let mut kind = entry.file_type()?;
            if kind.is_symlink() {
                // Followed: what the compiler would read counts.
                kind = fs::metadata(entry.path())
                    .with_context(|| format!("can't read {}", entry.path().display()))?
                    .file_type();
            }
            if kind.is_dir() {
                if relative.components().count() > 32 {
                    bail!("{} is nested too deeply", entry.path().display());
                }
                folders.push(relative.join(name));
            } else {
                found.push(relative.join(name));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A folder that becomes a cache entry when it is published and vanishes
/// otherwise.
pub struct Draft {
    path: PathBuf,
    entry: PathBuf,
}

impl Draft {
    /// An empty folder beside `entry`, where it will be published.
    pub fn new(entry: &Path) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let parent = entry.parent().context("a cache entry has a parent")?;
        let name = format!(
            ".draft-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = parent.join(name);
        // Left over by a dead process that had our id.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).with_context(|| format!("can't create {}", path.display()))?;
        Ok(Self {
            path,
            entry: entry.to_owned(),
        })
    }

    /// The folder to write into.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder the entry. An entry that another process published
    /// meanwhile has the same content and is kept.
    pub fn publish(self) -> Result<()> {
        match fs::rename(&self.path, &self.entry) {
            Err(_) if self.entry.is_dir() => Ok(()),
            result => result.with_context(|| format!("can't publish {}", self.entry.display())),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_key_don_t_run_into_each_other() {
        let first = Key::default().add("ab").add("c").finish();
        let second = Key::default().add("a").add("bc").finish();
        assert_ne!(first, second);
        assert_eq!(first.len(), 24);
    }

    #[test]
    fn a_draft_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join("entry");

        let dropped = Draft::new(&entry).unwrap();
        let path = dropped.path().to_owned();
        drop(dropped);
        assert!(!path.exists() && !entry.exists());

        let draft = Draft::new(&entry).unwrap();
        fs::write(draft.path().join("file"), "text").unwrap();
        draft.publish().unwrap();
        assert_eq!(fs::read_to_string(entry.join("file")).unwrap(), "text");

        Draft::new(&entry).unwrap().publish().unwrap();
        assert!(entry.join("file").exists(), "the first entry is kept");
    }

    #[test]
    fn hidden_files_and_target_are_no_input() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["src/main.rs", ".git/HEAD", "target/x", "Cargo.toml"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let files = files_below(folder.path()).unwrap();
        assert_eq!(files, [Path::new("Cargo.toml"), Path::new("src/main.rs")]);
    }
}
