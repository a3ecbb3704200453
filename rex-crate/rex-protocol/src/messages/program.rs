// SPDX-License-Identifier: GPL-2.0-only
//! What Rex programs have done so far.

use serde::{Deserialize, Serialize};

/// What one program has done so far.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct ProgramStats {
    /// The kernel's id of it.
    pub id: u32,
    /// Its name, in full.
    pub name: String,
    /// Name of its object.
    pub object: String,
    /// As bpftool writes it.
    #[serde(rename = "type")]
    pub program_type: String,
    /// How often it was begun.
    #[cfg_attr(test, ts(type = "number"))]
    pub runs: u64,
    /// How often it was skipped, because a program was running there already.
    #[cfg_attr(test, ts(type = "number"))]
    pub misses: u64,
    /// How often it ended abnormally.
    #[cfg_attr(test, ts(type = "number"))]
    pub exits: u64,
    /// Whether it does not run any more, because of such an end.
    pub stopped: bool,
    /// Bytes of stack that it needs at most, as `rex-verify` has proved. Absent
    /// when it looks itself, at run time.
    pub stack_bound_bytes: Option<u32>,
    /// Bytes of stack that it has used at most so far: where objects are
    /// measured of all runs that `measured_runs` counts, else at calls of
    /// helpers and at abnormal ends.
    pub stack_used_bytes: u32,
    /// Likewise, while its code formatted the message of a panic.
    pub report_used_bytes: u32,
    /// Likewise, with all that ran on its stack: helpers, exits, interrupts. 0
    /// where objects aren't measured.
    pub total_used_bytes: u32,
    /// Runs that were measured from begin to end, without an interrupt.
    #[cfg_attr(test, ts(type = "number"))]
    pub measured_runs: u64,
}

/// Result of `programs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ProgramsResult {
    /// The oldest first.
    pub programs: Vec<ProgramStats>,
}
