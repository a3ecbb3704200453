// SPDX-License-Identifier: GPL-2.0-only
//! What tests with real compilations share.

use std::fs;
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
        let progress = Progress::new(|what| eprintln!("{what}"));
        let sysroot = sysroot::ensure(&cache::root().unwrap(), &kernel_headers(), &progress);
        Self {
            sysroot: sysroot.unwrap(),
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

/// Those that REX_KERNEL_HEADERS names, or those of the newest kernel that
/// was built here.
pub fn kernel_headers() -> PathBuf {
    if let Some(path) = std::env::var_os("REX_KERNEL_HEADERS") {
        return path.into();
    }
    let kernels = cache::root().unwrap().join("kernels");
    let built = fs::read_dir(&kernels).into_iter().flatten().flatten();
    let newest = built
        .map(|entry| entry.path().join("include"))
        .filter(|include| include.join("linux/bpf.h").is_file())
        .max_by_key(|include| fs::metadata(include).and_then(|data| data.modified()).ok());
    newest.expect("build a kernel first (rex-test kernel build), or set REX_KERNEL_HEADERS")
}
