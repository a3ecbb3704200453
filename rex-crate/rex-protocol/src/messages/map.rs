// SPDX-License-Identifier: GPL-2.0-only
//! Maps and their elements.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::number::U64;

/// A loaded map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MapInfo {
    /// Handle of the map.
    pub map: u32,
    /// The kernel's id of it.
    pub id: u32,
    /// Its name in the object.
    pub name: String,
    /// Its type as bpftool writes it, such as `hash`.
    #[serde(rename = "type")]
    pub map_type: String,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// How many elements it can hold.
    pub max_entries: u32,
    /// How many values an element has: the possible CPUs of a per-CPU map, or 1.
    pub values_per_entry: u32,
}

/// A value of a map. For a per-CPU map a list with one for each possible CPU,
/// each of `valueSize` bytes (without the padding that bpf(2) adds).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum MapValue {
    /// Of an ordinary map.
    One(Bytes),
    /// Of a per-CPU map.
    PerCpu(Vec<Bytes>),
}

/// Parameters of `mapGet` and `mapDelete`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MapKeyParams {
    /// Handle of the map.
    pub map: u32,
    /// The key, `keySize` bytes.
    pub key: Bytes,
}

/// Result of `mapGet`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MapGetResult {
    /// The value, or null when there is no such key.
    pub value: Option<MapValue>,
}

/// Parameters of `mapSet`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct MapSetParams {
    /// Handle of the map.
    pub map: u32,
    /// The key, `keySize` bytes.
    pub key: Bytes,
    /// The value; a list for a per-CPU map.
    pub value: MapValue,
    /// BPF_ANY (0), BPF_NOEXIST (1), BPF_EXIST (2), …; 0 if not given.
    pub flags: Option<U64>,
}

/// Result of `mapDelete`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MapDeleteResult {
    /// False when there was no such key.
    pub deleted: bool,
}

/// Parameters of `mapEntries`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct MapEntriesParams {
    /// Handle of the map.
    pub map: u32,
    /// At most so many; 1,000 if not given, 100,000 at most.
    pub limit: Option<u32>,
}

/// One element of a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MapEntry {
    /// The key.
    pub key: Bytes,
    /// The value; a list for a per-CPU map.
    pub value: MapValue,
}

/// Result of `mapEntries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MapEntriesResult {
    /// The elements, in the kernel's order.
    pub entries: Vec<MapEntry>,
    /// There are more than the limit, or than fit an answer.
    pub truncated: bool,
}

/// Parameters of `ringbufRead`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RingbufReadParams {
    /// Handle of the map.
    pub map: u32,
}

/// Result of `ringbufRead`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RingbufReadResult {
    /// The records, oldest first.
    pub records: Vec<Bytes>,
    /// How many records between them were discarded.
    pub discarded: u32,
    /// Reading ended at a record that is reserved and not submitted yet.
    pub busy: bool,
    /// There are more than fit an answer: ask again.
    pub truncated: bool,
}

/// Parameters of `perfOpen` and `perfRead`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PerfParams {
    /// Handle of the map.
    pub map: u32,
}

/// What came through the perf buffer of one CPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PerfCpu {
    /// The CPU.
    pub cpu: u32,
    /// Events, oldest first; the kernel has padded each to 4 more than a multiple of 8 bytes.
    pub events: Vec<Bytes>,
    /// How many did not fit.
    #[cfg_attr(test, ts(type = "number"))]
    pub lost: u64,
}

/// Result of `perfRead`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PerfReadResult {
    /// For each CPU that was online when the buffers were opened.
    pub cpus: Vec<PerfCpu>,
}
