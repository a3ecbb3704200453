// SPDX-License-Identifier: GPL-2.0-only
//! What tests with real compilations share.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use cargo_rex::cache;
use cargo_rex::sysroot::{self, Progress, Sysroot};

/// The private sysroot, and a cache of programs that no other run fills.
pub struct Workshop {
    pub sysroot: Sysroot,
    programs: tempfile::TempDir,
}

impl Workshop {
    pub fn open() -> Self {
        Self {
            sysroot: sysroot(),
            programs: tempfile::tempdir().unwrap(),
        }
    }

    pub fn cache(&self) -> &Path {
        self.programs.path()
    }
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// How many compilations run at once.
pub fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The sysroot for the headers that REX_KERNEL_HEADERS names; those of a
/// kernel that was built here; or the machine's own. Any will do: the tests
/// load nothing.
fn sysroot() -> Sysroot {
    let cache = cache::root().unwrap();
    let progress = Progress::new(|what| eprintln!("{what}"));
    let ensure = |headers: &Path| sysroot::ensure(&cache, headers, &progress).unwrap();
    if let Some(headers) = std::env::var_os("REX_KERNEL_HEADERS") {
        return ensure(Path::new(&headers));
    }
    let kernels = fs::read_dir(cache.join("kernels"));
    let built = kernels
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("include"))
        .filter(|include| include.join("linux/bpf.h").is_file());
    if let Some(headers) = built.max() {
        return ensure(&headers);
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, installed) in [
        ("linux", "/usr/include/linux"),
        ("asm-generic", "/usr/include/asm-generic"),
        ("asm", "/usr/include/x86_64-linux-gnu/asm"),
    ] {
        symlink(installed, folder.path().join(name)).unwrap();
    }
    ensure(folder.path())
}
