// SPDX-License-Identifier: GPL-2.0-only
//! System calls that the agent makes so that programs run.

use serde::{Deserialize, Serialize};

use super::{ExitsResult, User};
use crate::bytes::Bytes;
use crate::number::{I64, U64};

/// A system call: its name as in `dup`, or its number on x86-64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Syscall {
    /// The number.
    Number(u32),
    /// The name.
    Name(String),
}

/// An argument of a system call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum SyscallArg {
    /// A number.
    Number(U64),
    /// The address of a copy of this text, with a NUL behind it.
    Text(TextArg),
    /// The address of a copy of these bytes.
    Data(DataArg),
    /// The address of so many zero bytes; what is in them after the last
    /// repetition is in the result's `buffers`.
    Buffer(BufferArg),
}

/// The address of a copy of this text, with a NUL behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TextArg {
    /// Without NUL.
    pub text: String,
}

/// The address of a copy of these bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DataArg {
    /// The bytes.
    pub data: Bytes,
}

/// The address of zero bytes that the kernel may write to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct BufferArg {
    /// How many; at most 1 MiB.
    pub buffer: u32,
}

/// System calls of one thread.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct TriggerCall {
    /// The CPU that the thread is pinned to; not pinned if not given.
    pub cpu: Option<u32>,
    /// Which call.
    pub syscall: Syscall,
    /// Up to six arguments; the others are 0.
    #[serde(default)]
    pub args: Vec<SyscallArg>,
    /// How often; 1 if not given, 10,000,000 at most.
    pub repeat: Option<u32>,
    /// Whose thread it is; root's if not given.
    pub user: Option<User>,
}

/// Parameters of `trigger`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct TriggerParams {
    /// Up to 64 threads.
    pub calls: Vec<TriggerCall>,
    /// All threads start together, once every one is on its CPU; true if not
    /// given. With false they run one after another.
    pub barrier: Option<bool>,
    /// After so long the answer is an error of kind `timeout`; a thread that is
    /// still in its call is left behind. 30,000 if not given.
    pub timeout_ms: Option<u32>,
    /// The calls work on the agent's own file descriptors, and what they open
    /// stays open; false if not given. Else each thread begins with /dev/null as
    /// descriptors 0, 1 and 2 and no others, and what it opens ends with it.
    pub keep_files: Option<bool>,
    /// Have the exit records told that come about meanwhile. The number of one
    /// that the caller knows, or 0: what came since then, before the calls, is
    /// looked through first.
    #[cfg_attr(test, ts(type = "number", optional))]
    pub exits_since: Option<u64>,
}

/// What became of one thread's calls.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct TriggerOutcome {
    /// What the last call returned, as the kernel returns it: -errno on failure.
    pub ret: I64,
    /// The errno, when the last call failed.
    pub errno: Option<i32>,
    /// Its name, such as `EBADF`.
    pub errno_name: Option<String>,
    /// How often the call was made.
    pub count: u32,
    /// How many of them failed.
    pub failed: u32,
    /// All of them together, on the monotonic clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub duration_ns: u64,
    /// The CPU that the last one ended on.
    pub cpu: u32,
    /// The thread that made them.
    pub tid: u32,
    /// Contents of the `buffer` arguments, in their order.
    pub buffers: Vec<Bytes>,
}

/// Result of `trigger`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct TriggerResult {
    /// In the order of the request's `calls`.
    pub calls: Vec<TriggerOutcome>,
    /// What came about meanwhile, if that was asked for.
    pub exits: Option<ExitsResult>,
}
