// SPDX-License-Identifier: GPL-2.0-only
//! What the kernel holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::number::U64;

/// Parameters of `inventory`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct InventoryParams {
    /// Slab caches to report, by name; if not given those that Rex and BPF use.
    pub slabs: Option<Vec<String>>,
}

/// Result of `inventory`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct InventoryResult {
    /// All BPF programs, by id.
    pub progs: Vec<InventoryProgram>,
    /// All BPF maps, by id.
    pub maps: Vec<InventoryMap>,
    /// All BPF links, by id.
    pub links: Vec<InventoryLink>,
    /// Kernel modules.
    pub modules: Vec<InventoryModule>,
    /// Bits of /proc/sys/kernel/tainted.
    pub taint: u32,
    /// One letter for each of the bits, as an oops shows them: `G` is not one.
    pub taint_flags: Vec<String>,
    /// debugfs rex/stats; absent on a kernel without Rex.
    #[cfg_attr(test, ts(as = "Option<BTreeMap<String, f64>>", optional))]
    pub rex_stats: Option<BTreeMap<String, u64>>,
    /// From /proc/slabinfo; absent where that can't be read.
    pub slabs: Option<Vec<InventorySlab>>,
    /// What this agent itself holds.
    pub handles: InventoryHandles,
}

/// A BPF program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InventoryProgram {
    /// The kernel's id.
    pub id: u32,
    /// As the kernel reports it: at most 15 bytes.
    pub name: String,
    /// As bpftool writes it.
    #[serde(rename = "type")]
    pub program_type: String,
    /// In hexadecimal.
    pub tag: String,
    /// Bytes of machine code.
    pub jited_bytes: u32,
    /// Ids of the maps it uses; at most 64.
    pub map_ids: Vec<u32>,
    /// How often it ran, while kernel.bpf_stats_enabled is 1.
    #[cfg_attr(test, ts(type = "number"))]
    pub run_count: u64,
    /// How long it ran, while kernel.bpf_stats_enabled is 1.
    #[cfg_attr(test, ts(type = "number"))]
    pub run_time_ns: u64,
    /// How often it was skipped because it was already running.
    #[cfg_attr(test, ts(type = "number"))]
    pub recursion_misses: u64,
}

/// A BPF map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InventoryMap {
    /// The kernel's id.
    pub id: u32,
    /// As the kernel reports it: at most 15 bytes.
    pub name: String,
    /// As bpftool writes it.
    #[serde(rename = "type")]
    pub map_type: String,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// How many elements it can hold.
    pub max_entries: u32,
    /// BPF_F_*.
    pub flags: u32,
}

/// A BPF link.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct InventoryLink {
    /// The kernel's id.
    pub id: u32,
    /// As bpftool writes it.
    #[serde(rename = "type")]
    pub link_type: String,
    /// Its program.
    pub prog_id: u32,
    /// On a network device: its number, 0 once the link is detached.
    pub device: Option<u32>,
    /// On a kernel function: its name, and `+0x…` if it is not at the start.
    pub function: Option<String>,
    /// On a kernel function: whether at its return.
    pub ret: Option<bool>,
    /// On a kernel function: hits that did not get to the program.
    #[cfg_attr(test, ts(as = "Option<f64>", optional))]
    pub missed: Option<u64>,
    /// On a tracepoint: its name, without the category.
    pub tracepoint: Option<String>,
    /// On another perf event: its type and number, of linux/perf_event.h.
    pub event: Option<[U64; 2]>,
    /// On a perf event of any kind: the number that the attacher gave it.
    pub cookie: Option<U64>,
}

/// A kernel module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InventoryModule {
    /// Its name.
    pub name: String,
    /// Its size.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes: u64,
    /// `Live`, `Loading` or `Unloading`.
    pub state: String,
}

/// A slab cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InventorySlab {
    /// Its name.
    pub name: String,
    /// Objects in use.
    #[cfg_attr(test, ts(type = "number"))]
    pub active: u64,
    /// Objects there is room for.
    #[cfg_attr(test, ts(type = "number"))]
    pub total: u64,
    /// Size of an object.
    #[cfg_attr(test, ts(type = "number"))]
    pub object_bytes: u64,
}

/// Handles that the agent holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InventoryHandles {
    /// Loaded objects.
    pub objects: Vec<u32>,
    /// Attachments.
    pub links: Vec<u32>,
}
