// SPDX-License-Identifier: GPL-2.0-only
//! Places where a compiler and its source can be.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::output;

/// A compiler, and how to find the source that is said to belong to it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub rustc: PathBuf,
    pub source: Source,
    pub origin: &'static str,
}

/// Where the source of a standard library is. Looking there may run programs,
/// and the first candidate mostly does: only those that are tried are asked.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// In the `library` folder that the user names.
    Library(PathBuf),
    /// Where Debian's packages have it.
    Packages,
    /// Below a folder for sources, as packages lay it out.
    Below(PathBuf),
    /// In the `rust-src` component of the compiler's own sysroot.
    Sysroot,
}

impl Candidate {
    /// The `library` folder of the source, for the compiler's `release`.
    pub fn library(&self, release: &str) -> Option<PathBuf> {
        match &self.source {
            Source::Library(library) => Some(library.clone()),
            Source::Packages => packaged_library(Path::new("/usr/src"), release),
            Source::Below(folder) => library_below(folder),
            Source::Sysroot => library_in_sysroot(&self.rustc),
        }
    }
}

/// All candidates, best first.
pub(super) fn all(cache: &Path) -> Vec<Candidate> {
    let mut found = Vec::new();
    if let Some(rustc) = env::var_os("REX_RUSTC") {
        // A choice of the user's is the only candidate: a wrong one must
        // fail, not be passed over.
        let library = env::var_os("REX_RUST_SRC").map(PathBuf::from);
        return vec![Candidate {
            rustc: PathBuf::from(rustc),
            source: library.map_or(Source::Sysroot, Source::Library),
            origin: "REX_RUSTC and REX_RUST_SRC",
        }];
    }
    found.push(Candidate {
        rustc: PathBuf::from("/usr/bin/rustc"),
        source: Source::Packages,
        origin: "Debian packages",
    });
    for root in unpacked_roots(cache) {
        found.push(Candidate {
            rustc: root.join("usr/bin/rustc"),
            source: Source::Below(root.join("usr/src")),
            origin: "packages unpacked in the cache",
        });
    }
    for rustc in rustup_compilers() {
        found.push(Candidate {
            rustc,
            source: Source::Sysroot,
            origin: "rustup",
        });
    }
    found
}

/// The root folders of packages unpacked privately: `debs` itself, and each
/// folder in it.
pub(super) fn unpacked_roots(cache: &Path) -> Vec<PathBuf> {
    let debs = cache.join("debs");
    let mut roots = vec![debs.clone()];
    if let Ok(entries) = fs::read_dir(&debs) {
        roots.extend(entries.flatten().map(|entry| entry.path()));
    }
    roots.retain(|root| root.join("usr").is_dir());
    roots.sort();
    roots
}

/// The source for `release` in the place that packages put it below `sources`,
/// or else the one that Debian's package database knows of, which takes longer
/// to ask than a compiler.
fn packaged_library(sources: &Path, release: &str) -> Option<PathBuf> {
    let usual = sources.join(format!("rustc-{release}/library"));
    if usual.join("core/src/lib.rs").is_file() {
        return Some(usual);
    }
    for package in ["rust-web-src", "rust-src"] {
        let Ok(list) = output(Command::new("dpkg").args(["-L", package])) else {
            continue;
        };
        let found = list
            .lines()
            .find_map(|line| line.strip_suffix("/core/src/lib.rs"));
        if let Some(library) = found {
            return Some(PathBuf::from(library));
        }
    }
    None
}

/// `<folder>/rustc-<version>/library`.
fn library_below(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries
        .flatten()
        .map(|entry| entry.path().join("library"))
        .find(|library| library.join("core/src/lib.rs").is_file())
}

/// The `rust-src` component of the compiler's own sysroot.
fn library_in_sysroot(rustc: &Path) -> Option<PathBuf> {
    let sysroot = output(Command::new(rustc).args(["--print", "sysroot"])).ok()?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    library.join("core/src/lib.rs").is_file().then_some(library)
}

/// The compilers of all rustup toolchains.
fn rustup_compilers() -> Vec<PathBuf> {
    let home = env::var_os("RUSTUP_HOME").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME")?;
        Some(Path::new(&home).join(".rustup"))
    });
    let Some(home) = home else { return Vec::new() };
    let Ok(entries) = fs::read_dir(home.join("toolchains")) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path().join("bin/rustc"))
        .filter(|rustc| rustc.is_file())
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_a_release_is_found_where_packages_put_it() {
        let sources = tempfile::tempdir().unwrap();
        let library = sources.path().join("rustc-0.0.1/library");
        fs::create_dir_all(library.join("core/src")).unwrap();
        fs::write(library.join("core/src/lib.rs"), "").unwrap();
        let found = packaged_library(sources.path(), "0.0.1");
        assert_eq!(found, Some(library));
        // Another release is the package database's to tell, if there is one.
        let other = packaged_library(sources.path(), "0.0.2");
        assert!(other.is_none_or(|other| !other.starts_with(sources.path())));
    }

    #[test]
    fn a_source_is_looked_for_when_it_is_asked_for() {
        let candidate = |source| Candidate {
            rustc: "/nonexistent/rustc".into(),
            source,
            origin: "test",
        };
        let named = candidate(Source::Library("/a/library".into()));
        assert_eq!(named.library("1.96.0"), Some("/a/library".into()));
        let unpacked = candidate(Source::Below("/nonexistent".into()));
        assert_eq!(unpacked.library("1.96.0"), None);
        assert_eq!(candidate(Source::Sysroot).library("1.96.0"), None);
    }
}
