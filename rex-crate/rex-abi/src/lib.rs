// SPDX-License-Identifier: GPL-2.0-only
//! What user space, a Rex object file and the kernel agree on.
//!
//! The constants and structs are generated from
//! `kernel/sources/include/uapi/linux/rex.h`, with their layout asserted at
//! compile time. [`IMPORTS`] is the one list of kernel functions that an
//! object may import. The crate has no dependencies and needs no `std`.

#![no_std]

mod imports;

// bindgen's zeroing Default impls have no SAFETY comments; all fields are
// numbers and arrays of numbers, for which zeroes are values.
#[allow(
    missing_docs,
    non_camel_case_types,
    clippy::all,
    clippy::undocumented_unsafe_blocks
)]
#[rustfmt::skip]
mod generated;

pub use generated::*;
pub use imports::{IMPORTS, is_import};
