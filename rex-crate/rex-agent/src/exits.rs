// SPDX-License-Identifier: GPL-2.0-only
//! Exit records of Rex programs, from debugfs.

use std::fs::File;
use std::io::{self, Read, Write};

use rex_protocol::{
    Blame, ErrorBody, ErrorKind, ExitFrame, ExitRecord, ExitsParams, ExitsResult, U64,
};

use crate::text::unescape;

const PATH: &str = "/sys/kernel/debug/rex/exits";
/// 64 records of some kilobytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Reads the records that the kernel holds.
pub fn read(params: &ExitsParams) -> Result<ExitsResult, ErrorBody> {
    let bytes = read_since(params.since_seq.unwrap_or(0)).map_err(|error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => {
                "this kernel has no Rex (no exit records in debugfs)".to_string()
            }
            _ => format!("{PATH} can't be read: {error}"),
        };
        ErrorBody::new(ErrorKind::Unsupported, Blame::Kernel, message)
    })?;
    let records = parse(&bytes)
        .map_err(|why| ErrorBody::internal(format!("{PATH} isn't understood: {why}")))?;
    Ok(select(records, params.since_seq))
}

/// The number of the last record, for one that asks who knows `since`.
pub fn last(since: Option<u64>) -> Result<Option<u64>, ErrorBody> {
    let Some(since) = since else { return Ok(None) };
    let found = behind(Some(since))?.and_then(|found| Some(found.records.last()?.seq));
    Ok(Some(found.unwrap_or(since)))
}

/// The records behind one, if it is given.
pub fn behind(since: Option<u64>) -> Result<Option<ExitsResult>, ErrorBody> {
    let params = |since| ExitsParams {
        since_seq: Some(since),
    };
    since.map(|since| read(&params(since))).transpose()
}

/// What the file says behind a record. Text is made as it is read, so that much is saved.
fn read_since(seq: u64) -> io::Result<Vec<u8>> {
    let mut file = File::options().read(true).write(true).open(PATH)?;
    if seq > 0 {
        file.write_all(seq.to_string().as_bytes())?;
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The records after a sequence number, and how many between are gone.
fn select(mut records: Vec<ExitRecord>, since_seq: Option<u64>) -> ExitsResult {
    let since = since_seq.unwrap_or(0);
    let lost = match (since_seq, records.first()) {
        (Some(since), Some(oldest)) => oldest.seq.saturating_sub(since.saturating_add(1)),
        _ => 0,
    };
    records.retain(|record| record.seq > since);
    ExitsResult { records, lost }
}

/// Parses the file: blocks of `key value` lines, from `exit` to `end`.
fn parse(bytes: &[u8]) -> Result<Vec<ExitRecord>, String> {
    let mut records = Vec::new();
    let mut open: Option<ExitRecord> = None;
    for line in bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let blank = line.iter().position(|byte| *byte == b' ');
        let (key, value) = match blank {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &b""[..]),
        };
        match (key, &mut open) {
            (b"exit", None) => {
                open = Some(ExitRecord {
                    seq: number(key, value)?,
                    ..Default::default()
                });
            }
            (b"end", Some(_)) => records.extend(open.take()),
            (_, Some(record)) => field(record, key, value)?,
            (_, None) => return Err(format!("{:?} outside a record", show(line))),
        }
    }
    match open {
        None => Ok(records),
        Some(record) => Err(format!("record {} has no end", record.seq)),
    }
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned()
}

fn number<T: std::str::FromStr>(key: &[u8], value: &[u8]) -> Result<T, String> {
    let parsed = std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    parsed.ok_or_else(|| format!("{} is {:?}", show(key), show(value)))
}

fn field(record: &mut ExitRecord, key: &[u8], value: &[u8]) -> Result<(), String> {
    match key {
        b"prog_id" => record.prog_id = number(key, value)?,
        b"prog" => record.prog = unescape(value),
        b"object" => record.object = unescape(value),
        b"reason" => record.reason = unescape(value),
        b"cpu" => record.cpu = number(key, value)?,
        b"level" => record.level = unescape(value),
        b"pid" => record.pid = number(key, value)?,
        b"comm" => record.comm = unescape(value),
        b"at_ns" => record.at_ns = number(key, value)?,
        b"duration_ns" => record.duration_ns = number(key, value)?,
        b"stack_used" => record.stack_used = number(key, value)?,
        b"count" => record.count = number(key, value)?,
        b"retval" => record.retval = U64(number(key, value)?),
        // An end without a place has an empty file: «:0:0».
        b"location" => record.location = Some(unescape(value)).filter(|at| !at.starts_with(':')),
        b"message" => record.message = Some(unescape(value)),
        b"released" => record.released = released(key, value)?,
        b"frame" => record.frames.push(frame(value)?),
        // A newer kernel may say more.
        _ => {}
    }
    Ok(())
}

/// A count and as many kinds.
fn released(key: &[u8], value: &[u8]) -> Result<Vec<String>, String> {
    let text = unescape(value);
    let mut words = text.split_whitespace().map(str::to_owned);
    let count: usize = number(key, words.next().unwrap_or_default().as_bytes())?;
    let kinds: Vec<String> = words.collect();
    if kinds.len() == count {
        Ok(kinds)
    } else {
        Err(format!("released is {:?}", show(value)))
    }
}

fn frame(value: &[u8]) -> Result<ExitFrame, String> {
    let text = unescape(value);
    let (address, symbol) = text.split_once(' ').unwrap_or((&text, ""));
    let address = address
        .strip_prefix("0x")
        .and_then(|hex| u64::from_str_radix(hex, 16).ok())
        .ok_or_else(|| format!("frame is {:?}", show(value)))?;
    Ok(ExitFrame {
        address: U64(address),
        symbol: symbol.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &[u8] = br"exit 17
prog_id 3
prog hello
object hello
reason panic
cpu 1
level task
pid 42
comm rex\040agent
at_ns 123456789
duration_ns 2345
stack_used 1234
count 3
retval 2
location src/main.rs:12:5
message a \\ and a\nnew line, \303\244
released 2 ringbuf task
frame 0xffffffffc0001234 hello::prog+0x24/0x60
frame 0xffffffff81000000 <u8 as Display>::fmt+0x1/0x2
newer thing
end
exit 18
reason timeout
location :0:0
end
";

    #[test]
    fn records() {
        let records = parse(SAMPLE).unwrap();
        assert_eq!(records.len(), 2);
        let first = &records[0];
        assert_eq!(
            (first.seq, first.prog_id, first.cpu, first.pid),
            (17, 3, 1, 42)
        );
        assert_eq!(
            (first.reason.as_str(), first.level.as_str()),
            ("panic", "task")
        );
        assert_eq!(first.comm, "rex agent");
        assert_eq!((first.count, first.retval), (3, U64(2)));
        assert_eq!(
            first.message.as_deref(),
            Some("a \\ and a\nnew line, \u{e4}")
        );
        assert_eq!(first.location.as_deref(), Some("src/main.rs:12:5"));
        assert_eq!(first.released, ["ringbuf", "task"]);
        assert_eq!(records[1].released, [""; 0]);
        assert_eq!(first.frames[0].address, U64(0xffff_ffff_c000_1234));
        assert_eq!(first.frames[1].symbol, "<u8 as Display>::fmt+0x1/0x2");
        assert_eq!(
            (
                records[1].location.as_deref(),
                records[1].message.as_deref()
            ),
            (None, None)
        );
        assert_eq!(parse(b"").unwrap(), []);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (text, words) in [
            ("prog_id 3\n", "outside a record"),
            ("exit x\n", "exit is \"x\""),
            ("exit 1\ncpu -\nend\n", "cpu is \"-\""),
            ("exit 1\nframe 12 x\nend\n", "frame is"),
            ("exit 1\nreleased 2 task\nend\n", "released is \"2 task\""),
            ("exit 1\nreleased\nend\n", "released is \"\""),
            ("exit 1\ncpu 1\n", "record 1 has no end"),
            ("end\n", "outside a record"),
        ] {
            let why = parse(text.as_bytes()).unwrap_err();
            assert!(why.contains(words), "{text:?}: {why}");
        }
    }

    #[test]
    fn selection_counts_what_is_gone() {
        let all = || parse(SAMPLE).unwrap();
        assert_eq!(select(all(), None).records.len(), 2);
        assert_eq!(select(all(), None).lost, 0);
        let after = select(all(), Some(10));
        assert_eq!((after.records.len(), after.lost), (2, 6));
        let after = select(all(), Some(17));
        assert_eq!((after.records.len(), after.lost), (1, 0));
        assert_eq!(select(all(), Some(u64::MAX)).records.len(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn any_cut(at in any::<prop::sample::Index>()) {
            let _ = parse(&SAMPLE[..at.index(SAMPLE.len())]);
        }
    }
}
