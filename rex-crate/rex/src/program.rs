// SPDX-License-Identifier: GPL-2.0-only
//! What all program types have in common.

/// The object that a program function gets first, which stands for the running
/// program.
pub trait ProgramObject {
    /// What the function gets second.
    type Context: ?Sized;
}

/// The object of a program whose context is a packet.
#[diagnostic::on_unimplemented(message = "a program of this type has no packet")]
pub trait PacketProgram: ProgramObject {}
