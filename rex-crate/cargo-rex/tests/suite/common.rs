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

/// The sysroot for the headers that REX_KERNEL_HEADERS names, or those of a
/// kernel that was built here. Which kernel makes no difference, the tests load
/// nothing; but it has to be one that Rex is for.
fn sysroot() -> Sysroot {
    let cache = cache::root().unwrap();
    let progress = Progress::new(|what| eprintln!("{what}"));
    let headers = std::env::var_os("REX_KERNEL_HEADERS").map(PathBuf::from);
    let headers = headers
        .or_else(|| newest_headers(&cache))
        .expect("no kernel was built yet, and its headers are needed: `rex-test kernel build`");
    sysroot::ensure(&cache, &headers, &progress).unwrap()
}

fn newest_headers(cache: &Path) -> Option<PathBuf> {
    let kernels = fs::read_dir(cache.join("kernels")).ok()?;
    kernels
        .flatten()
        .map(|entry| entry.path().join("include"))
        .filter(|include| include.join("linux/bpf.h").is_file())
        .max_by_key(|include| fs::metadata(include).and_then(|of| of.modified()).ok())
}
