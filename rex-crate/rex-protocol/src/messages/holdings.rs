// SPDX-License-Identifier: GPL-2.0-only
//! What a test can leave behind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::InventoryResult;

/// Parameters of `holdings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct HoldingsParams {
    /// Files of procfs, sysfs and the like to read.
    pub texts: Vec<String>,
    /// How long a thread may take to run on each CPU.
    pub cpu_limit_ms: u32,
}

/// Result of `holdings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct HoldingsResult {
    /// As from `inventory` without parameters.
    pub inventory: InventoryResult,
    /// The files by path; those that can't be read are missing.
    pub texts: BTreeMap<String, String>,
    /// What the agent has open, as /proc names it: `anon_inode:bpf-map`.
    pub open_files: Vec<String>,
    /// Paths below /sys/fs/bpf.
    pub pins: Vec<String>,
    /// The highest id of a BTF object, 0 without any.
    pub last_btf: u32,
    /// CPUs that are online and on which no thread ran within the limit.
    pub deaf_cpus: Vec<u32>,
}
