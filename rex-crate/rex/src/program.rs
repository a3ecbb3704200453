// SPDX-License-Identifier: GPL-2.0-only
//! What all program types have in common.

/// The object that a program function gets first, which stands for the running
/// program.
pub trait ProgramObject {
    /// What the function gets second.
    type Context: ?Sized;
}
