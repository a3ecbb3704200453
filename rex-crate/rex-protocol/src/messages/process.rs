// SPDX-License-Identifier: GPL-2.0-only
//! Programs that run in the guest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// A user without the powers of root.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct User {
    /// Its number.
    pub uid: u32,
    /// Number of its only group; the same if not given.
    pub gid: Option<u32>,
    /// Capabilities that it has all the same, as `CAP_BPF`; none if not given.
    pub capabilities: Option<Vec<String>>,
}

/// The file system that a program sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ExecRoot {
    /// The host's, read-only, with the guest's /proc, /sys, /dev and /tmp.
    Host,
    /// The guest's.
    Guest,
}

/// Parameters of `exec`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct ExecParams {
    /// Program and arguments. A program without a slash is searched on PATH.
    pub argv: Vec<String>,
    /// Empty if not given.
    pub stdin: Option<Bytes>,
    /// After so long the program and all of its process group are killed;
    /// 60,000 if not given.
    pub timeout_ms: Option<u32>,
    /// Which file system.
    pub root: ExecRoot,
    /// The environment, beside PATH and HOME.
    #[cfg_attr(test, ts(as = "Option<BTreeMap<String, String>>", optional))]
    pub env: Option<BTreeMap<String, String>>,
    /// Working directory; `/` if not given.
    pub cwd: Option<String>,
    /// Who runs it; root if not given.
    pub user: Option<User>,
}

/// Result of `exec`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct ExecResult {
    /// Exit status, when the program ended by itself.
    pub status: Option<i32>,
    /// Name of the signal that ended it, such as `SIGKILL`.
    pub signal: Option<String>,
    /// It was killed because its time was up.
    pub timed_out: bool,
    /// The first 4 MiB of its output.
    pub stdout: Bytes,
    /// The first 1 MiB of its error output.
    pub stderr: Bytes,
    /// There was more output than that, or something that the program left
    /// behind still held a pipe (and was killed).
    pub truncated: bool,
    /// From start to end.
    #[cfg_attr(test, ts(type = "number"))]
    pub duration_ms: u64,
}
