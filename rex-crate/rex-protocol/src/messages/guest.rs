// SPDX-License-Identifier: GPL-2.0-only
//! The guest itself: who it is, its kernel log, its files.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::number::U64;

/// Who is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Hello {
    /// Version of these messages.
    pub protocol_version: u32,
    /// Version of the agent's crate.
    pub agent_version: String,
    /// As uname(2) says.
    pub kernel_release: String,
    /// CPUs online.
    pub cpus: u32,
    /// Time since the kernel booted, when this was asked.
    #[cfg_attr(test, ts(type = "number"))]
    pub boot_ms: u64,
    /// The kernel's command line.
    pub cmdline: String,
    /// The kernel has the Rex commands.
    pub rex: bool,
}

/// Parameters of `renew`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RenewParams {
    /// Random bytes that no other guest gets, 32 to 512 of them.
    pub entropy: Bytes,
    /// What the clock is set to: nanoseconds since 1970, UTC.
    pub realtime_ns: U64,
}

/// One record of the kernel log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LogRecord {
    /// Sequence number, from 0, increasing by 1.
    #[cfg_attr(test, ts(type = "number"))]
    pub seq: u64,
    /// 0 (emergency) to 7 (debug).
    pub level: u8,
    /// 0 is the kernel itself.
    pub facility: u8,
    /// Time since boot.
    #[cfg_attr(test, ts(type = "number"))]
    pub time_us: u64,
    /// One line, without a newline at its end.
    pub text: String,
}

/// New records of the kernel log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct KernelLog {
    /// In order.
    pub records: Vec<LogRecord>,
    /// How many records were overwritten before they could be read, ahead of
    /// or between these.
    #[cfg_attr(test, ts(type = "number"))]
    pub lost: u64,
}

/// Result of `logSync`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LogSyncResult {
    /// All records below this number were sent or are lost.
    #[cfg_attr(test, ts(type = "number"))]
    pub next_seq: u64,
}

/// Result of `traceRead`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TraceReadResult {
    /// Whole lines of the trace pipe.
    pub text: String,
    /// There is more; call again.
    pub more: bool,
}

/// Parameters of `readFile`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct ReadFileParams {
    /// In the guest.
    pub path: String,
    /// At most so much from the start; 4 MiB if not given, 8 MiB at most.
    pub max_bytes: Option<u32>,
}

/// Result of `readFile`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ReadFileResult {
    /// Its contents.
    pub data: Bytes,
    /// The file is longer.
    pub truncated: bool,
}

/// Parameters of `readFolder`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct ReadFolderParams {
    /// In the guest.
    pub path: String,
    /// Only files whose names end so; all if not given.
    pub suffix: Option<String>,
}

/// A file below a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FolderFile {
    /// Its path below the folder.
    pub path: String,
    /// Its contents.
    pub data: Bytes,
}

/// Result of `readFolder`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ReadFolderResult {
    /// By their paths.
    pub files: Vec<FolderFile>,
}

/// Parameters of `writeFile`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct WriteFileParams {
    /// In the guest.
    pub path: String,
    /// All of it goes out in one write(2), as files of /proc and /sys want it.
    pub data: Bytes,
    /// Append instead of replacing; false if not given.
    pub append: Option<bool>,
    /// Make the file if it isn't there; true if not given.
    pub create: Option<bool>,
    /// Permission bits of a new file; 0644 if not given.
    pub mode: Option<u32>,
}

/// Result of `writeFile`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct WriteFileResult {
    /// Bytes that write(2) took.
    pub written: u32,
}

/// Parameters of `sysrq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SysrqParams {
    /// One character, such as `c` to crash.
    pub key: String,
}

/// Parameters of `kallsyms`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct KallsymsParams {
    /// Symbols with exactly these names.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// Symbols whose name contains this.
    pub contains: Option<String>,
    /// At most so many; 1,000 if not given, 20,000 at most.
    pub limit: Option<u32>,
}

/// A kernel symbol.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct KernelSymbol {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: U64,
    /// As nm(1) writes it: `T` or `t` for code.
    #[serde(rename = "type")]
    pub symbol_type: String,
    /// What stands in brackets behind it: a module, `bpf`, …
    pub module: Option<String>,
}

/// Result of `kallsyms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct KallsymsResult {
    /// Those that were found, in the kernel's order.
    pub symbols: Vec<KernelSymbol>,
    /// There are more than the limit.
    pub truncated: bool,
}

/// Result of `cpus`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CpusResult {
    /// CPUs that there can be; a value of a per-CPU map has one part for each.
    pub possible: Vec<u32>,
    /// CPUs that run.
    pub online: Vec<u32>,
}
