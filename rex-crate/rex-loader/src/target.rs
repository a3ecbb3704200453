// SPDX-License-Identifier: GPL-2.0-only
//! Where programs attach.

use std::fmt;

use crate::names::program_type_name;

pub(crate) const BPF_PROG_TYPE_KPROBE: u32 = 2;
pub(crate) const BPF_PROG_TYPE_TRACEPOINT: u32 = 5;

/// Where a program attaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A kernel function.
    Kprobe {
        /// The function.
        symbol: String,
        /// Bytes after its start.
        offset: u64,
        /// At its return instead.
        ret: bool,
    },
    /// A tracepoint.
    Tracepoint {
        /// Folder under events/ of tracefs.
        category: String,
        /// Folder in that.
        name: String,
    },
    /// A perf event of one CPU, whatever runs there.
    PerfEvent {
        /// Its name as perf-list(1) has it, such as `cpu-clock`.
        event: String,
        /// The program runs each time the event has gone on by so much;
        /// nanoseconds for a clock.
        sample_period: u64,
        /// The CPU.
        cpu: u32,
    },
    /// Packets that a network device receives.
    Xdp {
        /// Name of the device.
        device: String,
        /// Where in the device's path.
        mode: XdpMode,
    },
    /// Packets on their way through a network device, by tcx.
    Tcx {
        /// Name of the device.
        device: String,
        /// Which way.
        direction: Direction,
    },
}

/// Where an XDP program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    /// In the driver where that can, else in the network stack.
    Any,
    /// In the driver.
    Native,
    /// In the network stack.
    Generic,
}

/// The way of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received.
    Ingress,
    /// Sent.
    Egress,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Target::Kprobe {
                symbol,
                offset: 0,
                ret: false,
            } => write!(f, "kprobe/{symbol}"),
            Target::Kprobe {
                symbol,
                offset,
                ret: false,
            } => write!(f, "kprobe/{symbol}+{offset:#x}"),
            Target::Kprobe { symbol, .. } => write!(f, "kretprobe/{symbol}"),
            Target::Tracepoint { category, name } => write!(f, "tracepoint/{category}/{name}"),
            Target::PerfEvent {
                event,
                sample_period,
                cpu,
            } => write!(f, "perf event {event} every {sample_period} on CPU {cpu}"),
            Target::Xdp { device, mode } => match mode {
                XdpMode::Any => write!(f, "xdp on {device}"),
                XdpMode::Native => write!(f, "native xdp on {device}"),
                XdpMode::Generic => write!(f, "generic xdp on {device}"),
            },
            Target::Tcx { device, direction } => match direction {
                Direction::Ingress => write!(f, "tcx ingress of {device}"),
                Direction::Egress => write!(f, "tcx egress of {device}"),
            },
        }
    }
}

impl Target {
    /// Reads a target as records have it, for a program of this type: for a
    /// kprobe `symbol`, `symbol+offset` or the same behind `kprobe/`, or behind
    /// `kretprobe/` for the return; for a tracepoint `category/name` (or with a
    /// colon), also behind `tracepoint/`. The other types' records say nothing.
    ///
    /// # Errors
    /// Says what the text should have been; whose fault it is the caller knows.
    pub fn parse(program_type: u32, text: &str) -> Result<Self, String> {
        match program_type {
            BPF_PROG_TYPE_KPROBE => kprobe(text),
            BPF_PROG_TYPE_TRACEPOINT => tracepoint(text),
            other => Err(format!(
                "a program of type {} doesn't say where it attaches",
                program_type_name(other)
            )),
        }
    }
}

fn kprobe(text: &str) -> Result<Target, String> {
    let (ret, place) = match text.split_once('/') {
        None | Some(("kprobe", _)) => (false, text.strip_prefix("kprobe/").unwrap_or(text)),
        Some(("kretprobe", place)) => (true, place),
        Some((kind, _)) => return Err(format!("a kprobe can't attach to a {kind}")),
    };
    let (symbol, offset) = match place.split_once('+') {
        None => (place, Some(0)),
        Some((symbol, offset)) => (symbol, parse_offset(offset)),
    };
    match offset {
        // A return has no offset.
        Some(offset) if !symbol.is_empty() && (offset == 0 || !ret) => Ok(Target::Kprobe {
            symbol: symbol.to_string(),
            offset,
            ret,
        }),
        _ => Err(format!("{text:?} isn't a function to probe")),
    }
}

fn parse_offset(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

pub(crate) fn tracepoint(text: &str) -> Result<Target, String> {
    let place = text.strip_prefix("tracepoint/").unwrap_or(text);
    let (category, name) = place
        .split_once(['/', ':'])
        .ok_or_else(|| format!("{text:?} isn't a tracepoint (category/name)"))?;
    // They become a path below tracefs.
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    if !plain(category) || !plain(name) {
        return Err(format!("{text:?} isn't a tracepoint (category/name)"));
    }
    Ok(Target::Tracepoint {
        category: category.to_string(),
        name: name.to_string(),
    })
}
