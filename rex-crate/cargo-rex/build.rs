// SPDX-License-Identifier: GPL-2.0-only
//! Tells the crate what it is made of, for the keys of what it makes: an object
//! that an older builder has made, or refused to, is not this one's.

#[path = "src/cache.rs"]
#[allow(dead_code, reason = "the digest of folders is all that is needed")]
mod cache;

use std::env;
use std::path::Path;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let crates = env::var_os("CARGO_MANIFEST_DIR").context("cargo says where the crate is")?;
    let crates = Path::new(&crates).join("..");
    let mut key = cache::Key::default();
    for folder in cache::BUILDER {
        key.add_tree(&crates.join(folder))?;
        println!("cargo::rerun-if-changed=../{folder}");
    }
    println!("cargo::rustc-env=REX_BUILDER={}", key.finish());
    Ok(())
}
