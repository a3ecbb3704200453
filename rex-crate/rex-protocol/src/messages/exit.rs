// SPDX-License-Identifier: GPL-2.0-only
//! Exit records of Rex programs.

use serde::{Deserialize, Serialize};

use crate::number::U64;

/// Parameters of `exits`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct ExitsParams {
    /// Only records with a larger sequence number; all if not given.
    #[cfg_attr(test, ts(type = "number", optional))]
    pub since_seq: Option<u64>,
}

/// One frame of a backtrace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ExitFrame {
    /// The return address.
    pub address: U64,
    /// As the kernel writes it: `hello::prog+0x24/0x60`.
    pub symbol: String,
}

/// How a program ended that did not return.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct ExitRecord {
    /// Sequence number, from 1, increasing by 1.
    #[cfg_attr(test, ts(type = "number"))]
    pub seq: u64,
    /// The kernel's id of the program.
    pub prog_id: u32,
    /// Name of the program.
    pub prog: String,
    /// Name of the object.
    pub object: String,
    /// `panic`, `nested_panic`, `stack_overflow`, `resources`, `timeout` or `fault`.
    pub reason: String,
    /// Where it ran.
    pub cpu: u32,
    /// `task`, `softirq`, `hardirq` or `nmi`.
    pub level: String,
    /// The thread that it interrupted.
    pub pid: u32,
    /// Name of that thread.
    pub comm: String,
    /// When, on the monotonic clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub at_ns: u64,
    /// How long it had run.
    #[cfg_attr(test, ts(type = "number"))]
    pub duration_ns: u64,
    /// Bytes of Rex stack in use.
    pub stack_used: u32,
    /// How often this program has ended abnormally, this time included.
    #[cfg_attr(test, ts(type = "number"))]
    pub count: u64,
    /// What the hook got instead: the default verdict of the program's type.
    pub retval: U64,
    /// Of a panic: `src/main.rs:12:5`.
    pub location: Option<String>,
    /// In words: those of the panic, or the runtime's. What is not UTF-8 is U+FFFD.
    pub message: Option<String>,
    /// What the program held and the runtime released, in that order: `task`, …
    pub released: Vec<String>,
    /// The backtrace, innermost first.
    pub frames: Vec<ExitFrame>,
}

/// Result of `exits`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ExitsResult {
    /// Oldest first.
    pub records: Vec<ExitRecord>,
    /// How many were asked for that the kernel no longer holds.
    #[cfg_attr(test, ts(type = "number"))]
    pub lost: u64,
}
