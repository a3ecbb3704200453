// SPDX-License-Identifier: GPL-2.0-only
//! Choosing the toolchain, and saying why there is none.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::candidates::{self, Candidate};
use super::{OLDEST_RUSTC, Toolchain, major_minor, output, tools, version_field};

/// The first complete toolchain, or an error that lists what was found, what
/// each find lacks, and how to get it.
pub fn find(cache: &Path) -> Result<Toolchain> {
    let mut report = String::new();
    for candidate in candidates::all(cache) {
        match complete(&candidate, cache) {
            Ok(toolchain) => return Ok(toolchain),
            Err(lack) => {
                report += &format!(
                    "\n  {} ({}): {lack}",
                    candidate.rustc.display(),
                    candidate.origin
                );
            }
        }
    }
    let (major, minor) = OLDEST_RUSTC;
    bail!(
        "no usable Rust toolchain; looked at:{report}\n\
         Rex programs need rustc {major}.{minor} or newer with the source of its own standard library, \
         clippy of the same version, and LLD.\n\
         `rex-test doctor --fix` gets them. By hand: the packages rustc-web, rust-web-src, \
         rust-web-clippy and lld; or `rustup component add rust-src clippy`; \
         or set REX_RUSTC, REX_RUST_SRC (its library folder) and REX_LLD."
    );
}

/// The candidate as a toolchain, or what it lacks.
fn complete(candidate: &Candidate, cache: &Path) -> Result<Toolchain, String> {
    if !candidate.rustc.is_file() {
        return Err("there is no such file".into());
    }
    let version = output(Command::new(&candidate.rustc).arg("-vV"))
        .map_err(|error| format!("does not run: {error}"))?;
    let release = version_field(&version, "release").unwrap_or("unknown");
    if major_minor(release).is_none_or(|found| found < OLDEST_RUSTC) {
        let (major, minor) = OLDEST_RUSTC;
        return Err(format!("is {release}, older than {major}.{minor}"));
    }
    let library = candidate
        .library(release)
        .ok_or_else(|| format!("{release}, but the standard library's source is missing"))?;
    if !library.join("core/src/lib.rs").is_file() {
        return Err(format!("{} has no core/src/lib.rs", library.display()));
    }
    if let Some(found) = source_release(&library).filter(|found| *found != release) {
        return Err(format!(
            "is {release}, but the source in {} is {found}",
            library.display()
        ));
    }
    let clippy = tools::clippy(&candidate.rustc, release)?;
    let lld = tools::lld(&candidate.rustc, &version, cache)?;
    Ok(Toolchain {
        rustc: candidate.rustc.clone(),
        version,
        library,
        lld,
        clippy,
        origin: candidate.origin,
    })
}

/// The release that a path `…/rustc-1.96.0/library` names. A rustup source
/// has no such name, but belongs to its toolchain by construction.
fn source_release(library: &Path) -> Option<&str> {
    let folder = library.parent()?.file_name()?.to_str()?;
    folder.strip_prefix("rustc-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_packaged_source_names_its_release() {
        let release = |path| source_release(Path::new(path));
        assert_eq!(release("/usr/src/rustc-1.96.0/library"), Some("1.96.0"));
        assert_eq!(release("/t/lib/rustlib/src/rust/library"), None);
    }

    #[test]
    fn a_missing_compiler_is_named() {
        let candidate = Candidate {
            rustc: "/nonexistent/rustc".into(),
            source: candidates::Source::Sysroot,
            origin: "test",
        };
        let lack = complete(&candidate, Path::new("/nonexistent")).unwrap_err();
        assert_eq!(lack, "there is no such file");
    }
}
