// SPDX-License-Identifier: GPL-2.0-only
//! The verifier on small objects that are wrong in one way each.

mod common;
mod instructions;
mod panic_path;
mod stack;
mod structure;
