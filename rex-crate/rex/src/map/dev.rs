// SPDX-License-Identifier: GPL-2.0-only
//! Network devices that XDP programs redirect to.

use super::RexMapHandle;
use crate::linux::bpf::{BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH};

/// Devices by index: user space stores the number of an interface.
pub type RexDevMap = RexMapHandle<BPF_MAP_TYPE_DEVMAP, u32, u32>;

/// Devices by any number.
pub type RexDevMapHash = RexMapHandle<BPF_MAP_TYPE_DEVMAP_HASH, u32, u32>;
