// SPDX-License-Identifier: GPL-2.0-only
//! The parts of `cargo rex`, in the order of a program's life: the
//! [`toolchain`] that is there, the [`sysroot`] made with it, the program's
//! [`project`], and how it is [`compile`]d.

pub mod bindings;
pub mod cache;
pub mod cli;
pub mod compile;
mod process;
pub mod project;
pub mod sysroot;
pub mod target;
pub mod toolchain;
