// SPDX-License-Identifier: GPL-2.0-only
//! Reads requests and has them done, each on a thread of its own, so that one
//! that blocks (a system call that never returns, say) holds up no other.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rex_protocol::envelope::parse_request;
use rex_protocol::frame::{Incoming, MAX_FRAME_BYTES, read_frame};
use rex_protocol::{Blame, Call, ErrorBody, ErrorKind, Handler, Response};

use crate::outbox::Outbox;
use crate::workers::Workers;

/// Requests under way at once.
const MAX_REQUESTS: usize = 64;
/// Bytes of requests under way at once: what they may take of a small guest.
const MAX_BYTES: usize = 2 * MAX_FRAME_BYTES;
/// How long the guest stays when its host has gone.
const HOST_LIMIT: Duration = Duration::from_secs(30);
const HOST_PAUSE: Duration = Duration::from_millis(20);

/// What is under way. Each request takes a place, and its end gives it back.
#[derive(Default)]
struct Load {
    requests: AtomicUsize,
    bytes: AtomicUsize,
}

struct Place {
    load: Arc<Load>,
    bytes: usize,
}

impl Load {
    fn take(self: &Arc<Self>, bytes: usize) -> Option<Place> {
        let requests = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let total = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let place = Place {
            load: self.clone(),
            bytes,
        };
        // A place that isn't handed out gives itself back.
        (requests <= MAX_REQUESTS && total <= MAX_BYTES).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.load.requests.fetch_sub(1, Ordering::Relaxed);
        self.load.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Serves until that is no longer possible; returns why.
pub fn serve<H: Handler + Send + Sync + 'static>(
    port: impl Read,
    outbox: &Arc<Outbox>,
    handler: &Arc<H>,
) -> String {
    let mut reader = BufReader::with_capacity(64 * 1024, port);
    let load = Arc::new(Load::default());
    let workers = Arc::new(Workers::default());
    let mut gone: Option<Instant> = None;
    loop {
        match read_frame(&mut reader) {
            Ok(Incoming::Frame(payload)) => answer(&payload, &load, &workers, outbox, handler),
            Ok(Incoming::TooLong { bytes }) => outbox.respond(&too_long(bytes)),
            // The port reads as ended while no host is connected. A frame that
            // was cut by that is lost; the next host begins with a new one.
            Ok(Incoming::Closed) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return format!("the port can't be read: {error}"),
        }
        // Something was read since, or else the wait goes on.
        gone = match (host_is_there(&mut reader), gone) {
            (Ok(true), _) => None,
            (Ok(false), None) => Some(Instant::now()),
            (Ok(false), Some(since)) if since.elapsed() > HOST_LIMIT => {
                return "the host has gone".to_string();
            }
            (Ok(false), since) => since,
            (Err(error), _) => return format!("the port can't be read: {error}"),
        };
        if gone.is_some() {
            std::thread::sleep(HOST_PAUSE);
        }
    }
}

/// Waits until there are bytes to read, or the port says that it has ended.
fn host_is_there(reader: &mut impl io::BufRead) -> io::Result<bool> {
    loop {
        match reader.fill_buf() {
            Ok(bytes) => return Ok(!bytes.is_empty()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn too_long(bytes: usize) -> Response {
    let message = format!("a frame of {bytes} bytes; at most {MAX_FRAME_BYTES} are allowed");
    Response::Failed {
        id: None,
        error: Box::new(ErrorBody::invalid(message)),
    }
}

fn answer<H: Handler + Send + Sync + 'static>(
    payload: &[u8],
    load: &Arc<Load>,
    workers: &Arc<Workers>,
    outbox: &Arc<Outbox>,
    handler: &Arc<H>,
) {
    let (id, call) = match parse_request(payload) {
        Ok(request) => request,
        Err(response) => return outbox.respond(&response),
    };
    // These never wait, and must work when nothing else does. What comes behind
    // a renewal is to find it done.
    if matches!(
        call,
        Call::Ping(_) | Call::Hello(_) | Call::Renew(_) | Call::Poweroff(_)
    ) {
        return outbox.respond(&response(id, call, &**handler));
    }
    let fail = |kind, message: String| {
        let error = Box::new(ErrorBody::new(kind, Blame::Caller, message));
        outbox.respond(&Response::Failed {
            id: Some(id),
            error,
        });
    };
    let Some(place) = load.take(payload.len()) else {
        let message = "too many requests are under way, or too large ones";
        return fail(ErrorKind::Busy, message.to_string());
    };
    let (outbox, handler) = (outbox.clone(), handler.clone());
    let started = workers.run(call.method(), move || {
        let response = response(id, call, &*handler);
        // Before the answer: who has it may take the place at once.
        drop(place);
        outbox.respond(&response);
    });
    if let Err(error) = started {
        fail(
            ErrorKind::Busy,
            format!("no thread for the request: {error}"),
        );
    }
}

fn response(id: u64, call: Call, handler: &impl Handler) -> Response {
    match call.dispatch(handler) {
        Ok(result) => Response::Done { id, result },
        Err(error) => Response::Failed {
            id: Some(id),
            error: Box::new(error),
        },
    }
}

#[cfg(test)]
mod tests;
