// SPDX-License-Identifier: GPL-2.0-only
//! Messages to the host. Whole frames only, whoever sends them.

use std::fs::File;
use std::sync::{Mutex, PoisonError};

use rex_protocol::frame::{MAX_FRAME_BYTES, write_frame};
use rex_protocol::{ErrorBody, Event, Response};
use serde::Serialize;

use crate::console;

/// The way to the host, for all threads.
pub struct Outbox {
    port: Mutex<File>,
}

impl Outbox {
    /// Over an open port.
    pub fn new(port: File) -> Self {
        Outbox {
            port: Mutex::new(port),
        }
    }

    /// Sends the answer to a request. One that is too long becomes an error.
    pub fn respond(&self, response: &Response) {
        if self.send(response) {
            return;
        }
        let id = match response {
            Response::Done { id, .. } => Some(*id),
            Response::Failed { id, .. } => *id,
        };
        let message = format!("the answer is longer than a frame may be ({MAX_FRAME_BYTES} bytes)");
        self.send(&Response::Failed {
            id,
            error: Box::new(ErrorBody::internal(message)),
        });
    }

    /// Sends an event.
    pub fn event(&self, event: &Event) {
        if !self.send(event) {
            console::line("an event was too long and is lost");
        }
    }

    /// False when the message is too long. While no host is connected the
    /// port blocks; that is left to the server, which notices it too.
    fn send(&self, message: &impl Serialize) -> bool {
        let payload = serde_json::to_vec(message).expect("messages are plain data");
        if payload.len() > MAX_FRAME_BYTES {
            return false;
        }
        // A thread that panics ends the guest, so a poisoned lock is only seen
        // by the one that sends the verdict.
        let mut port = self.port.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = write_frame(&mut *port, &payload) {
            console::line(&format!("a message to the host is lost: {error}"));
        }
        true
    }
}
