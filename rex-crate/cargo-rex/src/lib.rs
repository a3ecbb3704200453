// SPDX-License-Identifier: GPL-2.0-only
//! The parts of `cargo rex`, in the order of a program's life: the
//! [`toolchain`] that is there, the [`sysroot`] made with it, and the
//! compilation of programs.

pub mod bindings;
pub mod cache;
pub mod sysroot;
pub mod target;
pub mod toolchain;
