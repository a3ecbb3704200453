// SPDX-License-Identifier: GPL-2.0-only
//! Rust bindings of C headers, made by bindgen.
//!
//! [`abi`] makes the committed crate `rex-abi` out of `rex.h`; its result is
//! independent of the machine. [`linux`] makes `rex::linux` out of the uapi
//! headers of one kernel build and belongs to that build.

pub mod abi;
pub mod linux;

use anyhow::{Result, anyhow};

/// Settings that all our bindings share: `core` only, results that don't
/// depend on an installed rustfmt, and layout assertions at compile time.
fn builder() -> bindgen::Builder {
    bindgen::builder()
        .use_core()
        .ctypes_prefix("::core::ffi")
        .formatter(bindgen::Formatter::Prettyplease)
        .layout_tests(true)
        .rust_target(bindgen::RustTarget::stable(85, 0).expect("bindgen knows Rust 1.85"))
        .rust_edition(bindgen::RustEdition::Edition2024)
        .generate_comments(true)
        .clang_arg("--target=x86_64-unknown-linux-gnu")
        // The kernel's own headers decide; nothing of the host's libc.
        .clang_arg("-nostdinc")
}

fn generate(builder: bindgen::Builder) -> Result<String> {
    let bindings = builder
        .generate()
        .map_err(|error| anyhow!("bindgen failed: {error}"))?;
    Ok(bindings.to_string())
}
