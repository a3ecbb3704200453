// SPDX-License-Identifier: GPL-2.0-only
//! The protocol between rex-test's runner on the host and `rex-agent`, PID 1
//! of a guest.
//!
//! Messages are JSON in length-prefixed frames ([`frame`]) on the virtio-serial
//! port [`PORT_NAME`]. The host sends [requests](envelope::parse_request), the
//! agent answers each with exactly one [`Response`](envelope::Response), in any
//! order, and sends [`Event`](envelope::Event)s unasked.
//!
//! This crate is the one definition. `runner/protocol/generated.ts` is written
//! from it and compared with it by the test `typescript::generated_is_current`.
//! docs/protocol.md describes the conversation.

pub mod bytes;
pub mod envelope;
pub mod frame;
pub mod messages;
pub mod methods;
pub mod number;
#[cfg(test)]
mod typescript;

pub use bytes::Bytes;
pub use envelope::{Blame, ErrorBody, ErrorKind, Event, Response};
pub use messages::*;
pub use methods::{Call, Handler, Method};
pub use number::{I64, U64};

/// Version of the messages: another one when one of them is another, which a
/// test sees to. The host refuses an agent of another version.
pub const PROTOCOL_VERSION: u32 = 0x7029_6bcd;

/// Name of the virtio-serial port that the agent listens on.
pub const PORT_NAME: &str = "org.rex-test.agent";

/// 9p mount tag of the host's root, for `exec` with root `host`.
pub const HOST_ROOT_TAG: &str = "hostroot";

/// What the agent prints on the console when it starts to answer.
pub const READY_LINE: &str = "rex-agent: ready";
