// SPDX-License-Identifier: GPL-2.0-only
//! Objects, their programs, and where these attach.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ExitsResult, MapInfo, User};
use crate::bytes::Bytes;
use crate::number::U64;

/// Parameters of `load`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct LoadParams {
    /// The object file.
    pub object: Bytes,
    /// What kernel messages and exit records call the object; `object` if not given.
    pub name: Option<String>,
    /// Hand the object to the kernel even when the loader finds that it can't
    /// be one, to put the kernel's own checks to the test; false if not given.
    pub unchecked: Option<bool>,
    /// Maps of other objects that this one uses in place of its own, as
    /// handles by the names of its records; none if not given.
    pub maps: Option<BTreeMap<String, u32>>,
    /// Who has the kernel load it; root if not given.
    pub user: Option<User>,
}

/// Result of `load`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct LoadResult {
    /// Handle of the object.
    pub object: u32,
    /// Its programs, in the order of its records.
    pub programs: Vec<ProgramInfo>,
    /// Its maps, in the order of its records.
    pub maps: Vec<MapInfo>,
    /// What the kernel wrote to `log_buf`, if anything.
    pub log: Option<String>,
}

/// A loaded program.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct ProgramInfo {
    /// Handle of the program.
    pub program: u32,
    /// The kernel's id of it.
    pub id: u32,
    /// Its name in the object.
    pub name: String,
    /// Its type as bpftool writes it, such as `kprobe`.
    #[serde(rename = "type")]
    pub program_type: String,
    /// Where it attaches by default, as its record says.
    pub attach: Option<String>,
}

/// Parameters of `unload`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct UnloadParams {
    /// Handle of the object.
    pub object: u32,
}

/// Where a program attaches.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum AttachTarget {
    /// A kernel function, at its entry or an offset, or at its return.
    Kprobe {
        /// The function.
        symbol: String,
        /// Bytes after its start; 0 if not given.
        #[cfg_attr(test, ts(optional))]
        offset: Option<U64>,
        /// At the function's return instead; false if not given.
        #[cfg_attr(test, ts(optional))]
        ret: Option<bool>,
    },
    /// A tracepoint, by its folders under events/ of tracefs.
    Tracepoint {
        /// Such as `syscalls`.
        category: String,
        /// Such as `sys_enter_dup`.
        name: String,
    },
    /// A perf event of one CPU, whatever runs there.
    #[serde(rename_all = "camelCase")]
    PerfEvent {
        /// Such as `cpu-clock`.
        event: String,
        /// The program runs each time the event has gone on by so much;
        /// nanoseconds for a clock.
        sample_period: U64,
        /// 0 if not given.
        #[cfg_attr(test, ts(optional))]
        cpu: Option<u32>,
    },
    /// Packets that a network device receives.
    Xdp {
        /// Name of the device.
        device: String,
        /// In the driver or in the network stack; if not given, in the driver
        /// where that can.
        #[cfg_attr(test, ts(optional))]
        mode: Option<XdpMode>,
    },
    /// Packets on their way through a network device.
    Tcx {
        /// Name of the device.
        device: String,
        /// Which way.
        direction: TcDirection,
    },
}

/// Where an XDP program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// In the network stack.
    Generic,
}

/// The way of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum TcDirection {
    /// Received.
    Ingress,
    /// Sent.
    Egress,
}

/// Parameters of `attach`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct AttachParams {
    /// Handle of the program.
    pub program: u32,
    /// Where; if not given, where the program's record says.
    pub target: Option<AttachTarget>,
    /// A number that the program can ask for when it runs; 0 if not given. Not
    /// for network devices.
    pub cookie: Option<U64>,
}

/// Result of `attach`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct AttachResult {
    /// Handle of the link.
    pub link: u32,
    /// The kernel's id of it.
    pub id: u32,
    /// Where the program is attached.
    pub target: AttachTarget,
}

/// Parameters of `detach`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DetachParams {
    /// Handle of the link.
    pub link: u32,
}

/// Parameters of `linkUpdate`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct LinkUpdateParams {
    /// Handle of the link.
    pub link: u32,
    /// Handle of the program that takes the place of the link's.
    pub program: u32,
    /// Handle of the program that the link must have for that; any if not given.
    pub expected: Option<u32>,
}

/// Parameters of `testRun`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct TestRunParams {
    /// Handle of the program.
    pub program: u32,
    /// The packet, for programs that take one.
    pub data_in: Option<Bytes>,
    /// The context, for programs that take one.
    pub ctx_in: Option<Bytes>,
    /// How often; 1 if not given.
    pub repeat: Option<u32>,
    /// For XDP: have the packets go where the program says, so many at a time,
    /// instead of only judging them. Then there is no packet or context afterwards.
    pub live_frames: Option<u32>,
    /// As of `trigger`.
    #[cfg_attr(test, ts(type = "number", optional))]
    pub exits_since: Option<u64>,
}

/// Parameters of `ebpfLoad`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct EbpfLoadParams {
    /// Type of the program as bpftool writes it, such as `xdp`.
    #[serde(rename = "type")]
    pub program_type: String,
    /// Its instructions, 8 bytes each.
    pub instructions: Bytes,
    /// Its name.
    pub name: String,
}

/// Result of `testRun`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct TestRunResult {
    /// What the program returned, the last time.
    pub retval: u32,
    /// The packet afterwards.
    pub data_out: Bytes,
    /// The context afterwards.
    pub ctx_out: Bytes,
    /// Mean duration of one run, in nanoseconds.
    pub duration_ns: u32,
    /// As of `trigger`.
    pub exits: Option<ExitsResult>,
}
