// SPDX-License-Identifier: GPL-2.0-only
//! The trace pipe: what programs print. Reading takes it out of the kernel's
//! buffer, so the agent is its only reader.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;

use rex_protocol::{Blame, ErrorBody, ErrorKind, TraceReadResult};

const PATHS: [&str; 2] = [
    "/sys/kernel/tracing/trace_pipe",
    "/sys/kernel/debug/tracing/trace_pipe",
];
/// Of one answer.
const MAX_BYTES: usize = 1024 * 1024;

/// The pipe, opened when it is first read, and the beginning of a line.
#[derive(Default)]
pub struct TracePipe(Mutex<Option<Opened>>);

struct Opened {
    pipe: File,
    rest: Vec<u8>,
}

impl TracePipe {
    /// Reads what has come since the last call, without waiting.
    pub fn read(&self) -> Result<TraceReadResult, ErrorBody> {
        let failed = |error: io::Error| {
            let message = format!("the trace pipe can't be read: {error}");
            ErrorBody::new(ErrorKind::Unsupported, Blame::Kernel, message)
        };
        let mut guard = self.0.lock().expect("no panics");
        let opened = match &mut *guard {
            Some(opened) => opened,
            none => none.insert(Opened {
                pipe: open().map_err(failed)?,
                rest: Vec::new(),
            }),
        };
        let more = drain(&mut opened.pipe, &mut opened.rest).map_err(failed)?;
        Ok(TraceReadResult {
            text: whole_lines(&mut opened.rest, more),
            more,
        })
    }
}

fn open() -> io::Result<File> {
    let open = |path| {
        OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)
    };
    open(PATHS[0]).or_else(|_| open(PATHS[1]))
}

/// Reads until there is nothing more (false) or enough for an answer (true).
fn drain(pipe: &mut impl Read, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = vec![0; 16 * 1024];
    while into.len() < MAX_BYTES {
        match pipe.read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(n) => into.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Takes the whole lines; a last one without an end waits for it. A line that
/// alone fills an answer is taken as it is.
fn whole_lines(bytes: &mut Vec<u8>, more: bool) -> String {
    let end = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(newline) => newline + 1,
        None if more => bytes.len(),
        None => 0,
    };
    let lines: Vec<u8> = bytes.drain(..end).collect();
    String::from_utf8_lossy(&lines).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole() {
        let mut rest = b"one\ntwo\nthr".to_vec();
        assert_eq!(whole_lines(&mut rest, false), "one\ntwo\n");
        assert_eq!(whole_lines(&mut rest, false), "");
        rest.extend_from_slice(b"ee\n");
        assert_eq!(whole_lines(&mut rest, false), "three\n");
        let mut rest = b"endless".to_vec();
        assert_eq!(whole_lines(&mut rest, true), "endless");
    }

    #[test]
    fn an_answer_is_bounded() {
        let mut bytes = Vec::new();
        assert!(drain(&mut io::repeat(b'x'), &mut bytes).unwrap());
        assert!(bytes.len() < 2 * MAX_BYTES);
        assert!(!drain(&mut &b"abc"[..], &mut Vec::new()).unwrap());
    }
}
