// SPDX-License-Identifier: GPL-2.0-only
//! What is in maps, ring buffers and perf buffers, as much at a time as an
//! answer has room for.

use rex_loader::ringbuf::ReadEnd;
use rex_loader::{Map, PerfBuffer, Value};
use rex_protocol::*;

use crate::convert::{from_value, loader_error};

const DEFAULT_ENTRIES: u32 = 1_000;
const MAX_ENTRIES: u32 = 100_000;
/// Bytes of a map's elements in one answer; base64 and JSON make more of it.
const MAX_ENTRY_BYTES: usize = 6 * 1024 * 1024;

/// Reads elements.
pub fn entries(map: &Map, limit: Option<u32>) -> Result<MapEntriesResult, ErrorBody> {
    let limit = limit.unwrap_or(DEFAULT_ENTRIES);
    if limit > MAX_ENTRIES {
        return Err(ErrorBody::invalid(format!(
            "limit is {limit}, at most {MAX_ENTRIES} are allowed"
        )));
    }
    let found = map
        .entries(limit as usize, MAX_ENTRY_BYTES)
        .map_err(loader_error)?;
    let entry = |(key, value): (Vec<u8>, Value)| MapEntry {
        key: key.into(),
        value: from_value(value),
    };
    let entries = found.entries.into_iter().map(entry).collect();
    Ok(MapEntriesResult {
        entries,
        truncated: found.truncated,
    })
}

/// Takes the records out of a ring buffer.
pub fn ring_buffer(map: &Map) -> Result<RingbufReadResult, ErrorBody> {
    let read = map.read_ringbuf(MAX_ENTRY_BYTES).map_err(loader_error)?;
    Ok(RingbufReadResult {
        records: read.records.into_iter().map(Bytes).collect(),
        discarded: read.discarded,
        busy: read.end == ReadEnd::Busy,
        truncated: read.end == ReadEnd::Limit,
    })
}

/// Takes the events out of the perf buffers of all CPUs.
pub fn perf_buffers(buffers: &[PerfBuffer]) -> Result<PerfReadResult, ErrorBody> {
    let read = |buffer: &PerfBuffer| {
        let read = buffer.read().map_err(loader_error)?;
        Ok(PerfCpu {
            cpu: buffer.cpu,
            events: read.samples.into_iter().map(Bytes).collect(),
            lost: read.lost,
        })
    };
    let cpus = buffers.iter().map(read).collect::<Result<_, ErrorBody>>()?;
    Ok(PerfReadResult { cpus })
}
