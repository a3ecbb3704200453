// SPDX-License-Identifier: GPL-2.0-only
//! Places where a compiler and its source can be.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::output;

/// A compiler, and the source that is said to belong to it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub rustc: PathBuf,
    pub library: Option<PathBuf>,
    pub origin: &'static str,
}

/// All candidates, best first.
pub(super) fn all(cache: &Path) -> Vec<Candidate> {
    let mut found = Vec::new();
    if let Some(rustc) = env::var_os("REX_RUSTC") {
        // A choice of the user's is the only candidate: a wrong one must
        // fail, not be passed over.
        let rustc = PathBuf::from(rustc);
        let library = env::var_os("REX_RUST_SRC").map(PathBuf::from);
        let library = library.or_else(|| library_in_sysroot(&rustc));
        return vec![Candidate {
            rustc,
            library,
            origin: "REX_RUSTC and REX_RUST_SRC",
        }];
    }
    found.push(Candidate {
        rustc: PathBuf::from("/usr/bin/rustc"),
        library: packaged_library(),
        origin: "Debian packages",
    });
    for root in unpacked_roots(cache) {
        found.push(Candidate {
            rustc: root.join("usr/bin/rustc"),
            library: library_below(&root.join("usr/src")),
            origin: "packages unpacked in the cache",
        });
    }
    for rustc in rustup_compilers() {
        found.push(Candidate {
            library: library_in_sysroot(&rustc),
            rustc,
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

/// The source that Debian's package database knows of.
fn packaged_library() -> Option<PathBuf> {
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
