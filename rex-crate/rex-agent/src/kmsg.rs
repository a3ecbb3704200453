// SPDX-License-Identifier: GPL-2.0-only
//! The kernel log: follows /dev/kmsg and sends its records as events.
//!
//! Each read(2) gives one record, and EPIPE once after records were overwritten
//! before they were read; how many is told by the sequence numbers.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rex_protocol::{ErrorBody, ErrorKind, Event, KernelLog, LogRecord, LogSyncResult};

use crate::death;
use crate::outbox::Outbox;
use crate::text::unescape;

/// Longest record that the kernel gives (CONSOLE_EXT_LOG_MAX).
const RECORD_BYTES: usize = 8192;
/// Records of one event.
const BATCH: usize = 256;
const SYNC_LIMIT: Duration = Duration::from_secs(10);
/// How long records may wait for more, in milliseconds. A report has dozens, one
/// at a time; each that were sent alone would interrupt what prints it.
const GATHER_MS: u8 = 4;

/// Follows the kernel log on a thread of its own.
pub struct Follower {
    /// Who waits for the log to be sent.
    waiting: Arc<Mutex<Vec<mpsc::Sender<u64>>>>,
    /// Wakes the thread up.
    wake: Mutex<io::PipeWriter>,
}

impl Follower {
    /// Begins with the oldest record that the kernel still holds.
    pub fn start(outbox: Arc<Outbox>) -> Result<Self, String> {
        let failed = |error: io::Error| format!("the kernel log can't be followed: {error}");
        let kmsg = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/kmsg")
            .map_err(failed)?;
        let (woken, wake) = io::pipe().map_err(failed)?;
        let waiting = Arc::new(Mutex::new(Vec::new()));
        let thread = std::thread::Builder::new().name("kmsg".to_string());
        let for_thread = waiting.clone();
        thread
            .spawn(move || {
                if let Err(why) = follow(kmsg, woken, &outbox, &for_thread) {
                    death::die(&format!("the kernel log can't be followed: {why}"));
                }
            })
            .map_err(failed)?;
        Ok(Follower {
            waiting,
            wake: Mutex::new(wake),
        })
    }

    /// Waits until everything that the log holds now was sent.
    pub fn sync(&self) -> Result<LogSyncResult, ErrorBody> {
        let (done, sent) = mpsc::channel();
        self.waiting.lock().expect("no panics").push(done);
        let woken = self.wake.lock().expect("no panics").write_all(&[0]);
        woken
            .map_err(|error| ErrorBody::internal(format!("the log's thread has gone: {error}")))?;
        let next_seq = sent.recv_timeout(SYNC_LIMIT).map_err(|_| {
            let message = format!("the kernel log wasn't sent within {SYNC_LIMIT:?}");
            ErrorBody::new(ErrorKind::Timeout, rex_protocol::Blame::Agent, message)
        })?;
        Ok(LogSyncResult { next_seq })
    }
}

fn follow(
    mut kmsg: File,
    mut woken: io::PipeReader,
    outbox: &Outbox,
    waiting: &Mutex<Vec<mpsc::Sender<u64>>>,
) -> io::Result<()> {
    let mut next_seq = 0;
    loop {
        let mut ready = [
            PollFd::new(kmsg.as_fd(), PollFlags::POLLIN),
            PollFd::new(woken.as_fd(), PollFlags::POLLIN),
        ];
        wait(&mut ready, PollTimeout::NONE)?;
        let mut asked = ready[1].any().unwrap_or(false);
        if !asked {
            wait(&mut ready[1..], PollTimeout::from(GATHER_MS))?;
            asked = ready[1].any().unwrap_or(false);
        }
        // Taken before the log is read: all that they can mean is read then.
        let waiters = if asked {
            let mut bytes = [0; 64];
            let _ = woken.read(&mut bytes)?;
            std::mem::take(&mut *waiting.lock().expect("no panics"))
        } else {
            Vec::new()
        };
        while let Some(log) = batch(&mut kmsg, &mut next_seq)? {
            outbox.event(&Event::Log(log));
        }
        for waiter in waiters {
            // It may have given up.
            let _ = waiter.send(next_seq);
        }
    }
}

/// Until one of them is ready or the time is over. A signal ends it early.
fn wait(fds: &mut [PollFd<'_>], limit: PollTimeout) -> io::Result<()> {
    match poll(fds, limit) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Reads records until there are no more for now, or enough for an event.
fn batch(kmsg: &mut impl Read, next_seq: &mut u64) -> io::Result<Option<KernelLog>> {
    let mut log = KernelLog {
        records: Vec::new(),
        lost: 0,
    };
    let mut buffer = [0; RECORD_BYTES];
    while log.records.len() < BATCH {
        match kmsg.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                let Some(record) = parse(&buffer[..n]) else {
                    continue;
                };
                log.lost += record.seq.saturating_sub(*next_seq);
                *next_seq = record.seq + 1;
                log.records.push(record);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => break,
                // Overwritten: the next read goes on with the oldest there is.
                io::ErrorKind::BrokenPipe | io::ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
    Ok(if log.records.is_empty() {
        None
    } else {
        Some(log)
    })
}

/// Parses a record `priority,sequence,microseconds,flags[,…];text\n`. The lines
/// behind it, which begin with a blank, are a dictionary for machines.
fn parse(record: &[u8]) -> Option<LogRecord> {
    let semicolon = record.iter().position(|byte| *byte == b';')?;
    let prefix = std::str::from_utf8(&record[..semicolon]).ok()?;
    let mut fields = prefix.split(',');
    let priority: u32 = fields.next()?.parse().ok()?;
    let seq: u64 = fields.next()?.parse().ok()?;
    let time_us = fields.next()?.parse().ok()?;
    let text = record[semicolon + 1..]
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    // One more is added to it.
    (seq < u64::MAX).then_some(())?;
    Some(LogRecord {
        seq,
        level: (priority & 7) as u8,
        facility: u8::try_from(priority >> 3).unwrap_or(u8::MAX),
        time_us,
        text: unescape(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record() {
        let record =
            parse(b"6,339,5140900,-;NET: a \\x5c and \\xc3\\xa4\n SUBSYSTEM=net\n").unwrap();
        let text = "NET: a \\ and \u{e4}".to_string();
        assert_eq!(
            record,
            LogRecord {
                seq: 339,
                level: 6,
                facility: 0,
                time_us: 5_140_900,
                text
            }
        );
        // From user space: facility 1; with a field more.
        let record = parse(b"14,7,1,c,caller=T1;x").unwrap();
        assert_eq!(
            (record.facility, record.level, record.text.as_str()),
            (1, 6, "x")
        );
        for bad in ["", ";", "6,1;x", "6,x,1,-;x", "no semicolon"] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    /// Gives what a test wants /dev/kmsg to give, one read(2) at a time.
    struct Reads(std::vec::IntoIter<Result<&'static str, io::ErrorKind>>);

    impl Read for Reads {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let text = self.0.next().unwrap_or(Err(io::ErrorKind::WouldBlock))?;
            buffer[..text.len()].copy_from_slice(text.as_bytes());
            Ok(text.len())
        }
    }

    #[test]
    fn lost_records_are_counted() {
        let reads = vec![
            Ok("6,0,0,-;a\n"),
            Ok("6,1,0,-;b\n"),
            Err(io::ErrorKind::BrokenPipe),
            Ok("6,9,0,-;c\n"),
        ];
        let mut next_seq = 0;
        let mut reads = Reads(reads.into_iter());
        let log = batch(&mut reads, &mut next_seq).unwrap().unwrap();
        assert_eq!((log.records.len(), log.lost, next_seq), (3, 7, 10));
        assert_eq!(batch(&mut reads, &mut next_seq).unwrap(), None);
    }

    #[test]
    fn a_batch_is_bounded() {
        let reads = vec![Ok("6,0,0,-;a\n"); 1000];
        let mut reads = Reads(reads.into_iter());
        let log = batch(&mut reads, &mut 0).unwrap().unwrap();
        assert_eq!(log.records.len(), BATCH);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&bytes);
        }
    }
}
