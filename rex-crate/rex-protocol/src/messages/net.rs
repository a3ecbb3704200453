// SPDX-License-Identifier: GPL-2.0-only
//! Network devices of the guest, and packets on them.

use serde::{Deserialize, Serialize};

use super::TcDirection;
use crate::bytes::Bytes;

/// Parameters of `vethAdd`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct VethAddParams {
    /// Name of the one end, at most 15 bytes.
    pub name: String,
    /// Name of the other.
    pub peer: String,
}

/// Result of `vethAdd`. Both ends are up and have no addresses, so that
/// nothing runs through them but what somebody sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct VethAddResult {
    /// The one end.
    pub device: NetDevice,
    /// The other.
    pub peer: NetDevice,
}

/// A network device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NetDevice {
    /// Its name.
    pub name: String,
    /// Its number.
    pub index: u32,
    /// Its hardware address, as `02:00:00:00:00:01`.
    pub mac: String,
}

/// Parameters of `netRemove`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NetRemoveParams {
    /// Name of the device; the other end of a pair goes with it.
    pub name: String,
}

/// Parameters of `netUp`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct NetUpParams {
    /// Name of the device.
    pub name: String,
    /// Its IPv4 address with the prefix of its network, as `10.0.2.15/24`; none if not given.
    pub address: Option<String>,
    /// IPv4 address of who forwards packets for elsewhere; nobody does if not given.
    pub gateway: Option<String>,
}

/// Parameters of `filterAdd`: a tc filter of kind `bpf` whose program's verdict
/// is the packet's (`direct-action`). The device gets a `clsact` qdisc if it has none.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct FilterAddParams {
    /// Handle of the program.
    pub program: u32,
    /// Name of the device.
    pub device: String,
    /// Which way.
    pub direction: TcDirection,
    /// Filters run in the order of their priorities; 1 if not given.
    pub priority: Option<u16>,
    /// Put the program in the place of the one that is there; false if not given.
    pub replace: Option<bool>,
}

/// Parameters of `filterRemove`.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct FilterRemoveParams {
    /// Name of the device.
    pub device: String,
    /// Which way.
    pub direction: TcDirection,
    /// As it was added with; 1 if not given.
    pub priority: Option<u16>,
}

/// Frames to send.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct PacketSend {
    /// Name of the device that sends them.
    pub device: String,
    /// Each from its Ethernet header on, in this order.
    pub frames: Vec<Bytes>,
    /// How often all of them; 1 if not given, 1,000,000 at most.
    pub repeat: Option<u32>,
}

/// Where to listen.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct PacketReceive {
    /// Name of the device.
    pub device: String,
    /// Only frames of this type. They are seen behind the device's ingress
    /// programs; without a type all frames are, in front of them (but behind
    /// XDP in any case).
    pub ethertype: Option<u16>,
    /// How many to wait for; 0 if not given: those that are there already.
    pub count: Option<u32>,
}

/// Parameters of `packets`: opens a socket for each entry of `receive`, sends,
/// then reads.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct PacketsParams {
    /// The CPU that the sending thread is pinned to; not pinned if not given.
    pub cpu: Option<u32>,
    /// What to send; nothing if not given.
    pub send: Option<PacketSend>,
    /// Where to listen.
    pub receive: Vec<PacketReceive>,
    /// For how long to wait for what was to be received; the answer has what
    /// came. 2,000 if not given.
    pub timeout_ms: Option<u32>,
}

/// Result of `packets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PacketsResult {
    /// How many frames the kernel took.
    pub sent: u32,
    /// Frames that came, for each entry of `receive`.
    pub received: Vec<Vec<Bytes>>,
    /// The sending, on the monotonic clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub duration_ns: u64,
    /// The thread that sent.
    pub tid: u32,
}
