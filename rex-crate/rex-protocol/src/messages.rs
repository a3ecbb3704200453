// SPDX-License-Identifier: GPL-2.0-only
//! Parameters and results of the methods, and the contents of events.

mod exit;
mod guest;
mod holdings;
mod inventory;
mod map;
mod net;
mod object;
mod pin;
mod process;
mod program;
mod trigger;

pub use exit::*;
pub use guest::*;
pub use holdings::*;
pub use inventory::*;
pub use map::*;
pub use net::*;
pub use object::*;
pub use pin::*;
pub use process::*;
pub use program::*;
pub use trigger::*;

use serde::{Deserialize, Serialize};

/// No parameters, or nothing to report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "Record<string, never>"))]
pub struct Empty {}
