// SPDX-License-Identifier: GPL-2.0-only
//! Names of programs, maps and links in a BPF file system.

use serde::{Deserialize, Serialize};

/// What can be pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum PinKind {
    /// A program, which keeps its object.
    Program,
    /// A map.
    Map,
    /// A link, which keeps its program attached.
    Link,
}

/// Parameters of `pin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PinParams {
    /// What the handle is of.
    pub kind: PinKind,
    /// Of what is to be pinned.
    pub handle: u32,
    /// Where, below a BPF file system such as /sys/fs/bpf.
    pub path: String,
}

/// Where something is pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PinnedParams {
    /// The path.
    pub path: String,
}

/// Result of `pinnedLink`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PinnedLinkResult {
    /// Handle of the link.
    pub link: u32,
    /// The kernel's id of it.
    pub id: u32,
}
