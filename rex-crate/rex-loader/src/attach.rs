// SPDX-License-Identifier: GPL-2.0-only
//! Where programs attach, and attaching them.

use std::ffi::CString;
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

use crate::error::{Blame, Errno, Error, Kind};
use crate::load::{Loader, Program};
use crate::names::program_type_name;
use crate::sys::PerfEvent;

const KPROBE_PMU: &str = "/sys/bus/event_source/devices/kprobe";
/// tracefs has its own place, and an older one under debugfs.
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

const BPF_PROG_TYPE_KPROBE: u32 = 2;
const BPF_PROG_TYPE_TRACEPOINT: u32 = 5;

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
        }
    }
}

impl Target {
    /// Reads a target as records have it, for a program of this type: for a
    /// kprobe `symbol`, `symbol+offset` or the same behind `kprobe/`, or behind
    /// `kretprobe/` for the return; for a tracepoint `category/name` (or with a
    /// colon), also behind `tracepoint/`.
    ///
    /// # Errors
    /// Says what the text should have been; whose fault it is the caller knows.
    pub fn parse(program_type: u32, text: &str) -> Result<Self, String> {
        match program_type {
            BPF_PROG_TYPE_KPROBE => kprobe(text),
            BPF_PROG_TYPE_TRACEPOINT => tracepoint(text),
            other => Err(format!(
                "programs of type {} can't be attached yet",
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

fn tracepoint(text: &str) -> Result<Target, String> {
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

/// An attachment: the program stays attached while this lives.
#[derive(Debug)]
pub struct Link {
    /// The kernel's id of the link.
    pub id: u32,
    /// Where the program is attached.
    pub target: Target,
    // Declared, and so closed, in this order: the link holds the event.
    _link: OwnedFd,
    _event: OwnedFd,
}

impl Program {
    /// Where the program's record says it attaches.
    ///
    /// # Errors
    /// The object's when that can't be read; the caller's when the record
    /// leaves it open.
    pub fn default_target(&self) -> Result<Target, Error> {
        let name = &self.record.name;
        if self.record.attach.is_empty() {
            let message = format!("program {name} has no default target: say where to attach it");
            return Err(Error::caller(message));
        }
        Target::parse(self.record.program_type, &self.record.attach)
            .map_err(|why| Error::object(format!("program {name}: {why}")))
    }
}

impl Loader {
    /// Attaches a program.
    ///
    /// # Errors
    /// `NotFound` when the kernel has no such function or tracepoint, and the
    /// kernel's refusal otherwise.
    pub fn attach(&self, program: &Program, target: &Target) -> Result<Link, Error> {
        let name = &program.record.name;
        let event = self.event(target)?;
        let event = self
            .kernel
            .perf_event_open(&event)
            .map_err(|errno| not_probed(target, errno))?;
        let failed = |errno: Errno| {
            // The kernel says EINVAL when program and event don't go together.
            let blame = if errno.0 == libc::EINVAL {
                Blame::Caller
            } else {
                Blame::Kernel
            };
            Error::errno(
                blame,
                format!("program {name} can't be attached to {target}"),
                errno,
            )
        };
        let link = self
            .kernel
            .link_create(program.fd.as_fd(), event.as_fd())
            .map_err(failed)?;
        self.kernel
            .perf_event_enable(event.as_fd())
            .map_err(failed)?;
        let id = self.kernel.link_details(link.as_fd()).map_err(failed)?.id;
        Ok(Link {
            id,
            target: target.clone(),
            _link: link,
            _event: event,
        })
    }

    fn event(&self, target: &Target) -> Result<PerfEvent, Error> {
        match target {
            Target::Kprobe {
                symbol,
                offset,
                ret,
            } => {
                let symbol = CString::new(symbol.as_str())
                    .map_err(|_| Error::caller("a function's name can't have a NUL"))?;
                let pmu = self.read_number(&format!("{KPROBE_PMU}/type"))?;
                let pmu = u32::try_from(pmu).map_err(|_| {
                    Error::new(Kind::Invalid, Blame::Kernel, "the kprobe PMU has no number")
                })?;
                let config = if *ret { self.retprobe_bit()? } else { 0 };
                Ok(PerfEvent::Kprobe {
                    pmu,
                    config,
                    symbol,
                    offset: *offset,
                })
            }
            Target::Tracepoint { category, name } => {
                // A caller may have made the target itself: no way out of tracefs.
                tracepoint(&format!("{category}/{name}")).map_err(Error::caller)?;
                self.tracepoint_id(category, name)
                    .map(|id| PerfEvent::Tracepoint { id })
            }
        }
    }

    fn read_number(&self, path: &str) -> Result<u64, Error> {
        let text = self.kernel.read_text(path).map_err(|errno| {
            Error::errno(
                Blame::Kernel,
                format!("{path} can't be read (is this kernel without kprobes?)"),
                errno,
            )
        })?;
        text.trim().parse().map_err(|_| {
            Error::new(
                Kind::Invalid,
                Blame::Kernel,
                format!("{path} says {text:?}"),
            )
        })
    }

    /// The bit of `config` that makes a return probe: the file says `config:0`.
    fn retprobe_bit(&self) -> Result<u64, Error> {
        let path = format!("{KPROBE_PMU}/format/retprobe");
        let strange = |text: &str| {
            Error::new(
                Kind::Invalid,
                Blame::Kernel,
                format!("{path} says {text:?}"),
            )
        };
        let text = self
            .kernel
            .read_text(&path)
            .map_err(|errno| Error::errno(Blame::Kernel, format!("{path} can't be read"), errno))?;
        let bit: u32 = text
            .trim()
            .strip_prefix("config:")
            .and_then(|bit| bit.parse().ok())
            .ok_or_else(|| strange(&text))?;
        1u64.checked_shl(bit).ok_or_else(|| strange(&text))
    }

    fn tracepoint_id(&self, category: &str, name: &str) -> Result<u64, Error> {
        for root in TRACEFS {
            let path = format!("{root}/events/{category}/{name}/id");
            match self.kernel.read_text(&path) {
                Ok(text) => {
                    return text.trim().parse().map_err(|_| {
                        Error::new(
                            Kind::Invalid,
                            Blame::Kernel,
                            format!("{path} says {text:?}"),
                        )
                    });
                }
                Err(Errno(libc::ENOENT)) => {}
                Err(errno) => {
                    return Err(Error::errno(
                        Blame::Kernel,
                        format!("{path} can't be read"),
                        errno,
                    ));
                }
            }
        }
        let message = format!("there is no tracepoint {category}/{name}, or tracefs isn't mounted");
        Err(Error::new(Kind::NotFound, Blame::Caller, message))
    }
}

fn not_probed(target: &Target, errno: Errno) -> Error {
    let (kind, why) = match errno.0 {
        libc::ENOENT => (Kind::NotFound, ": there is no such function"),
        libc::EADDRNOTAVAIL => (Kind::Invalid, ": there are several functions of that name"),
        libc::EINVAL | libc::EILSEQ => (Kind::Errno, ": it can't be probed"),
        _ => (Kind::Errno, ""),
    };
    let message = format!("the kernel refused the probe at {target}{why}");
    Error {
        kind,
        ..Error::errno(Blame::Caller, message, errno)
    }
}

#[cfg(test)]
mod tests;
