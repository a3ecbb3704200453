// SPDX-License-Identifier: GPL-2.0-only
//! The verifier on small objects that are wrong in one way each.

mod balance;
mod common;
mod direction;
mod instructions;
mod panic_path;
mod returns;
mod stack;
mod structure;
