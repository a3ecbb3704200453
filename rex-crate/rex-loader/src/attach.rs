// SPDX-License-Identifier: GPL-2.0-only
//! Attaching programs: by a perf event and a BPF link on it, or by a BPF link on
//! a network device.

use std::ffi::CString;
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

use crate::error::{Blame, Errno, Error, Kind};
use crate::load::{Loader, Program};
use crate::sys::{LinkPlace, PerfEvent};
use crate::target::{Direction, Target, XdpMode, tracepoint};

const KPROBE_PMU: &str = "/sys/bus/event_source/devices/kprobe";
/// tracefs has its own place, and an older one under debugfs.
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// enum bpf_attach_type.
const BPF_XDP: u32 = 37;
const BPF_TCX_INGRESS: u32 = 46;
const BPF_TCX_EGRESS: u32 = 47;
/// linux/if_link.h
const XDP_FLAGS_SKB_MODE: u32 = 1 << 1;
const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;
/// enum perf_type_id.
const PERF_TYPE_HARDWARE: u32 = 0;
const PERF_TYPE_SOFTWARE: u32 = 1;
/// Names as perf-list(1) has them, types and numbers of linux/perf_event.h.
const PERF_EVENTS: &[(&str, u32, u64)] = &[
    ("cpu-clock", PERF_TYPE_SOFTWARE, 0),
    ("task-clock", PERF_TYPE_SOFTWARE, 1),
    ("page-faults", PERF_TYPE_SOFTWARE, 2),
    ("context-switches", PERF_TYPE_SOFTWARE, 3),
    ("cpu-migrations", PERF_TYPE_SOFTWARE, 4),
    ("minor-faults", PERF_TYPE_SOFTWARE, 5),
    ("major-faults", PERF_TYPE_SOFTWARE, 6),
    ("cpu-cycles", PERF_TYPE_HARDWARE, 0),
    ("instructions", PERF_TYPE_HARDWARE, 1),
];

/// An attachment: the program stays attached while this lives.
#[derive(Debug)]
pub struct Link {
    /// The kernel's id of the link.
    pub id: u32,
    /// Where the program is attached, if it was attached here: a pinned link
    /// may come from anywhere.
    pub target: Option<Target>,
    // Declared, and so closed, in this order: the link holds the event.
    pub(crate) fd: OwnedFd,
    pub(crate) _event: Option<OwnedFd>,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.target {
            Some(target) => write!(f, "the link to {target}"),
            None => write!(f, "link {}", self.id),
        }
    }
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
    /// `NotFound` when the kernel has no such function, tracepoint, perf event
    /// or network device, and the kernel's refusal otherwise.
    pub fn attach(&self, program: &Program, target: &Target) -> Result<Link, Error> {
        self.attach_with_cookie(program, target, 0)
    }

    /// Attaches a program and gives the attachment a number, which the program
    /// can ask for when it runs.
    ///
    /// # Errors
    /// As [`Loader::attach`]; the caller's for a number other than 0 where there is
    /// none to be given, on a network device.
    pub fn attach_with_cookie(
        &self,
        program: &Program,
        target: &Target,
        cookie: u64,
    ) -> Result<Link, Error> {
        match target {
            Target::Xdp { .. } | Target::Tcx { .. } if cookie != 0 => Err(Error::caller(format!(
                "the link to {target} can't have a cookie"
            ))),
            Target::Xdp { device, mode } => {
                let flags = match mode {
                    XdpMode::Any => 0,
                    XdpMode::Native => XDP_FLAGS_DRV_MODE,
                    XdpMode::Generic => XDP_FLAGS_SKB_MODE,
                };
                self.attach_to_device(program, target, device, BPF_XDP, flags)
            }
            Target::Tcx { device, direction } => {
                let attach_type = match direction {
                    Direction::Ingress => BPF_TCX_INGRESS,
                    Direction::Egress => BPF_TCX_EGRESS,
                };
                self.attach_to_device(program, target, device, attach_type, 0)
            }
            _ => self.attach_to_event(program, target, cookie),
        }
    }

    fn attach_to_device(
        &self,
        program: &Program,
        target: &Target,
        device: &str,
        attach_type: u32,
        flags: u32,
    ) -> Result<Link, Error> {
        let place = LinkPlace::Device {
            index: self.device_index(device)?,
            attach_type,
            flags,
        };
        let link = self.link(program, target, place)?;
        self.described(program, target, link, None)
    }

    fn attach_to_event(
        &self,
        program: &Program,
        target: &Target,
        cookie: u64,
    ) -> Result<Link, Error> {
        let event = self.event(target)?;
        let event = self
            .kernel
            .perf_event_open(&event)
            .map_err(|errno| not_probed(target, errno))?;
        let place = LinkPlace::PerfEvent {
            event: event.as_fd(),
            cookie,
        };
        let link = self.link(program, target, place)?;
        self.kernel
            .perf_event_enable(event.as_fd())
            .map_err(|errno| not_attached(program, target, errno))?;
        self.described(program, target, link, Some(event))
    }

    fn link(
        &self,
        program: &Program,
        target: &Target,
        place: LinkPlace<'_>,
    ) -> Result<OwnedFd, Error> {
        self.kernel
            .link_create(program.fd.as_fd(), place)
            .map_err(|errno| not_attached(program, target, errno))
    }

    fn described(
        &self,
        program: &Program,
        target: &Target,
        fd: OwnedFd,
        event: Option<OwnedFd>,
    ) -> Result<Link, Error> {
        let details = self.kernel.link_details(fd.as_fd());
        let details = details.map_err(|errno| not_attached(program, target, errno))?;
        Ok(Link {
            id: details.id,
            target: Some(target.clone()),
            fd,
            _event: event,
        })
    }

    /// Puts another program in the place of a link's; if a program is expected,
    /// only in the place of that one.
    ///
    /// # Errors
    /// The kernel's refusal: links on perf events keep their program, and EPERM
    /// when the link has another one than the expected.
    pub fn update_link(
        &self,
        link: &Link,
        program: &Program,
        expected: Option<&Program>,
    ) -> Result<(), Error> {
        let expected = expected.map(|program| program.fd.as_fd());
        let (link_fd, program_fd) = (link.fd.as_fd(), program.fd.as_fd());
        let updated = self.kernel.link_update(link_fd, program_fd, expected);
        updated.map_err(|errno| {
            let message = format!("{link} can't be given program {}", program.record.name);
            Error::errno(Blame::Caller, message, errno)
        })
    }

    /// Takes a link's program from its hook; the link itself stays.
    ///
    /// # Errors
    /// The kernel's refusal: links on perf events are detached by closing them.
    pub fn detach_link(&self, link: &Link) -> Result<(), Error> {
        self.kernel.link_detach(link.fd.as_fd()).map_err(|errno| {
            let message = format!("{link} can't be detached");
            Error::errno(Blame::Caller, message, errno)
        })
    }

    fn device_index(&self, device: &str) -> Result<u32, Error> {
        // It becomes a path below /sys.
        if device.is_empty() || device.starts_with('.') || device.contains(['/', '\0']) {
            let message = format!("{device:?} isn't the name of a network device");
            return Err(Error::caller(message));
        }
        let path = format!("/sys/class/net/{device}/ifindex");
        match self.kernel.read_text(&path) {
            Ok(text) => text.trim().parse().map_err(|_| strange(&path, &text)),
            Err(Errno(libc::ENOENT)) => {
                let message = format!("there is no network device {device}");
                Err(Error::new(Kind::NotFound, Blame::Caller, message))
            }
            Err(errno) => {
                let message = format!("{path} can't be read");
                Err(Error::errno(Blame::Kernel, message, errno))
            }
        }
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
            Target::PerfEvent {
                event,
                sample_period,
                cpu,
            } => counter(event, *sample_period, *cpu),
            Target::Xdp { .. } | Target::Tcx { .. } => Err(Error::caller(format!(
                "{target} is reached without a perf event"
            ))),
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
        text.trim().parse().map_err(|_| strange(path, &text))
    }

    /// The bit of `config` that makes a return probe: the file says `config:0`.
    fn retprobe_bit(&self) -> Result<u64, Error> {
        let path = format!("{KPROBE_PMU}/format/retprobe");
        let text = self
            .kernel
            .read_text(&path)
            .map_err(|errno| Error::errno(Blame::Kernel, format!("{path} can't be read"), errno))?;
        let bit: u32 = text
            .trim()
            .strip_prefix("config:")
            .and_then(|bit| bit.parse().ok())
            .ok_or_else(|| strange(&path, &text))?;
        1u64.checked_shl(bit).ok_or_else(|| strange(&path, &text))
    }

    fn tracepoint_id(&self, category: &str, name: &str) -> Result<u64, Error> {
        for root in TRACEFS {
            let path = format!("{root}/events/{category}/{name}/id");
            match self.kernel.read_text(&path) {
                Ok(text) => {
                    return text.trim().parse().map_err(|_| strange(&path, &text));
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

fn counter(event: &str, sample_period: u64, cpu: u32) -> Result<PerfEvent, Error> {
    let found = PERF_EVENTS.iter().find(|(name, ..)| *name == event);
    let Some((_, event_type, config)) = found else {
        let names: Vec<&str> = PERF_EVENTS.iter().map(|(name, ..)| *name).collect();
        let message = format!(
            "there is no perf event {event:?}; known: {}",
            names.join(", ")
        );
        return Err(Error::new(Kind::NotFound, Blame::Caller, message));
    };
    if sample_period == 0 {
        return Err(Error::caller(
            "the sample period of a perf event can't be 0",
        ));
    }
    Ok(PerfEvent::Counter {
        event_type: *event_type,
        config: *config,
        sample_period,
        cpu,
    })
}

fn strange(path: &str, text: &str) -> Error {
    Error::new(
        Kind::Invalid,
        Blame::Kernel,
        format!("{path} says {text:?}"),
    )
}

fn not_attached(program: &Program, target: &Target, errno: Errno) -> Error {
    // The kernel says EINVAL when program and place don't go together.
    let blame = if errno.0 == libc::EINVAL {
        Blame::Caller
    } else {
        Blame::Kernel
    };
    let name = &program.record.name;
    Error::errno(
        blame,
        format!("program {name} can't be attached to {target}"),
        errno,
    )
}

fn not_probed(target: &Target, errno: Errno) -> Error {
    let (kind, why) = match errno.0 {
        // Of a counter: this machine's processor, or the one that QEMU makes of it, has none.
        libc::ENOENT | libc::EOPNOTSUPP if matches!(target, Target::PerfEvent { .. }) => {
            (Kind::Unsupported, ": this machine doesn't have it")
        }
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
