// SPDX-License-Identifier: GPL-2.0-only
//! The tools beside the compiler: clippy, LLD, libclang.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::candidates::unpacked_roots;
use super::{Linker, output, version_field};

/// Clippy's driver beside `rustc`, of the same release.
pub(super) fn clippy(rustc: &Path, release: &str) -> Result<PathBuf, String> {
    let driver = rustc.with_file_name("clippy-driver");
    if !driver.is_file() {
        return Err(format!(
            "{release}, but clippy ({}) is missing",
            driver.display()
        ));
    }
    let version = output(Command::new(&driver).args(["--rustc", "-vV"]))
        .map_err(|error| error.to_string())?;
    match version_field(&version, "release") {
        Some(found) if found == release => Ok(driver),
        found => Err(format!(
            "is {release}, but {} is for {}",
            driver.display(),
            found.unwrap_or("an unknown release")
        )),
    }
}

/// LLD: the one the user names, one of the compiler's LLVM version, any
/// other, or the one that rustup ships. All of them read plain ELF objects.
pub(super) fn lld(rustc: &Path, version: &str, cache: &Path) -> Result<Linker, String> {
    if let Some(path) = env::var_os("REX_LLD") {
        let path = PathBuf::from(path);
        if !path.is_file() {
            return Err(format!("REX_LLD names {}, no file", path.display()));
        }
        return Ok(plain(path));
    }
    let llvm = version_field(version, "LLVM version").and_then(|version| version.split('.').next());
    let mut names = vec!["ld.lld".to_owned()];
    if let Some(major) = llvm {
        names.insert(0, format!("ld.lld-{major}"));
    }
    let mut folders: Vec<_> = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default();
    folders.extend(
        unpacked_roots(cache)
            .iter()
            .map(|root| root.join("usr/bin")),
    );
    for name in &names {
        let found = folders.iter().map(|folder| folder.join(name));
        if let Some(path) = found.into_iter().find(|path| path.is_file()) {
            return Ok(plain(path));
        }
    }
    rust_lld(rustc, version).ok_or_else(|| "LLD (ld.lld or rust-lld) is missing".into())
}

fn plain(path: PathBuf) -> Linker {
    Linker { path, flavor: &[] }
}

fn rust_lld(rustc: &Path, version: &str) -> Option<Linker> {
    let sysroot = output(Command::new(rustc).args(["--print", "sysroot"])).ok()?;
    let host = version_field(version, "host")?;
    let path = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(host)
        .join("bin/rust-lld");
    path.is_file().then_some(Linker {
        path,
        flavor: &["-flavor", "gnu"],
    })
}

/// The folder of a libclang that was unpacked in the cache. One that is
/// installed needs no telling: the loader of libclang looks for it.
pub fn libclang_folder(cache: &Path) -> Option<PathBuf> {
    for root in unpacked_roots(cache) {
        let Ok(llvms) = fs::read_dir(root.join("usr/lib")) else {
            continue;
        };
        for llvm in llvms.flatten() {
            let folder = llvm.path().join("lib");
            let has_libclang = fs::read_dir(&folder).is_ok_and(|files| {
                files.flatten().any(|file| {
                    let name = file.file_name();
                    name.as_encoded_bytes().starts_with(b"libclang-") && file.path().is_file()
                })
            });
            if has_libclang {
                return Some(folder);
            }
        }
    }
    None
}
