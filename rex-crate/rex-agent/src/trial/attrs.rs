// SPDX-License-Identifier: GPL-2.0-only
//! Calls bpf(2) with attrs that are wrong at random: fields, sizes, bytes behind
//! what the kernel knows, addresses of what is not there, descriptors of other
//! things. Rex's own commands, and those of eBPF with Rex programs. Of Rex's it is
//! known whether the kernel has to take them.

use std::os::fd::AsRawFd;

use rex_abi::{REX_OBJ_GET_PROG, REX_OBJ_LOAD, rex_get_prog_attr, rex_load_attr};
use rex_loader::Errno;
use serde::Deserialize;

use super::kernel::{self, Load};
use super::mutate::Random;
use super::report::Report;

/// Which and how many.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attrs {
    seed: u64,
    rounds: u32,
}

const PAGE: usize = 4096;
const LOAD: usize = size_of::<rex_load_attr>();
const GET_PROG: usize = size_of::<rex_get_prog_attr>();
const UNION: usize = 168;

/// Commands of eBPF that take a program's descriptor, or make something of it:
/// pin, attach, detach, test run, get by id, info, query, raw tracepoint, task,
/// link create, update, detach, bind map, token.
const COMMANDS: &[u32] = &[
    6,
    8,
    9,
    10,
    13,
    15,
    16,
    17,
    20,
    28,
    29,
    34,
    35,
    36,
    37,
    38,
    0xffff,
    0x7fff_ffff,
];

/// Addresses at which nothing of ours is.
const BAD: &[u64] = &[
    0,
    1,
    0xfff,
    1 << 47,
    0xdead_0000_0000_0000,
    0xffff_8880_0000_0000,
    u64::MAX - 7,
    u64::MAX,
];

const NUMBERS: &[u32] = &[0, 1, 2, 3, 7, 8, 16, 64, 4096, 1 << 16, 1 << 31, u32::MAX];

/// Two pages, and nothing behind them.
struct Edge(*mut u8);

impl Edge {
    fn new() -> Result<Self, String> {
        // SAFETY: a new mapping, of which the last page is given back.
        unsafe {
            let place = libc::mmap(
                std::ptr::null_mut(),
                3 * PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if place == libc::MAP_FAILED {
                return Err(format!("mmap: {}", Errno::last().name()));
            }
            libc::munmap(place.cast::<u8>().add(2 * PAGE).cast(), PAGE);
            Ok(Edge(place.cast()))
        }
    }

    /// Puts `bytes` so that the first `inside` of them are the last there are.
    fn put(&mut self, bytes: &[u8], inside: usize) -> *const u8 {
        let inside = inside.min(bytes.len()).min(2 * PAGE);
        // SAFETY: within the two pages.
        unsafe {
            let at = self.0.add(2 * PAGE - inside);
            at.copy_from_nonoverlapping(bytes.as_ptr(), inside);
            at
        }
    }
}

/// One call: a command, its attr, and whether the kernel has to take it.
struct Call {
    command: u32,
    attr: Vec<u8>,
    /// None where it may.
    succeeds: Option<bool>,
    what: String,
}

struct Trial<'a> {
    random: Random,
    load: &'a Load<'a>,
    /// What eBPF's commands get: an object, a program, a map, no map, nothing.
    fds: Vec<i32>,
    object: i32,
    program: &'a str,
    maps: Vec<u8>,
}

impl Attrs {
    /// Makes the calls.
    ///
    /// # Errors
    /// The object can't be loaded as it is.
    pub fn run(&self, load: &Load<'_>, program: Option<&str>) -> Result<Report, String> {
        let program = program.ok_or("the object has no program")?;
        let object = kernel::load(load);
        let object_fd = object
            .result
            .map_err(|errno| format!("{}: {}", errno.name(), object.log))?;
        let program_fd = kernel::get_program(object_fd, program)
            .map_err(|errno| format!("{program}: {}", errno.name()))?;
        let null = std::fs::File::open("/dev/null").map_err(|error| error.to_string())?;
        let first_map = load.maps.first().map_or(-1, |map| map.fd());
        let mut trial = Trial {
            random: Random::new(self.seed),
            load,
            fds: vec![
                object_fd,
                program_fd,
                program_fd,
                first_map,
                null.as_raw_fd(),
                -1,
                9_999,
            ],
            object: object_fd,
            program,
            maps: kernel::bytes_of_maps(load.maps),
        };
        let mut edge = Edge::new()?;
        let mut report = Report::default();
        for _ in 0..self.rounds {
            let call = trial.next();
            let result = trial.make(&call, &mut edge);
            report.count(&result.map_err(|errno| errno.name()));
            if call
                .succeeds
                .is_some_and(|succeeds| succeeds != result.is_ok())
            {
                let told = result.map_err(|errno| errno.name());
                report.unexpected.push(format!("{}: {told:?}", call.what));
            }
            if let Ok(fd) = result
                && fd > 2
                && !trial.fds.contains(&fd)
                && Trial::gives_descriptor(call.command)
            {
                kernel::close(fd);
            }
        }
        kernel::close(program_fd);
        kernel::close(object_fd);
        Ok(report)
    }
}

impl Trial<'_> {
    fn gives_descriptor(command: u32) -> bool {
        [REX_OBJ_LOAD, REX_OBJ_GET_PROG, 13, 17, 28, 36].contains(&command)
    }

    fn next(&mut self) -> Call {
        match self.random.below(8) {
            0..=2 => self.get_program(),
            3 => self.load(),
            _ => self.other(),
        }
    }

    /// Bytes behind what the kernel knows, and a size that may leave some of it out.
    /// Gives whether they are such as the kernel takes.
    fn resize(&mut self, attr: &mut Vec<u8>) -> bool {
        let known = attr.len();
        let size = match self.random.below(8) {
            0 => known + 8,
            1 => known + 1 + self.random.below(64),
            2 => PAGE,
            3 => PAGE + 1 + self.random.below(64),
            4 => self.random.below(known),
            _ => known,
        };
        attr.resize(size, 0);
        if size > known && self.random.below(2) == 0 {
            let at = known + self.random.below(size - known);
            attr[at] = 1;
            return false;
        }
        size >= known && size <= PAGE
    }

    fn get_program(&mut self) -> Call {
        let mut attr = vec![0; GET_PROG];
        let mut good = true;
        let fd = if self.random.below(4) == 0 {
            good = false;
            self.fds[1 + self.random.below(self.fds.len() - 1)]
        } else {
            self.object
        };
        put(&mut attr, 0, &fd.to_le_bytes());
        if self.random.below(8) == 0 {
            good = false;
            put(&mut attr, 4, &(1u32 << self.random.below(32)).to_le_bytes());
        }
        let name = self.program.as_bytes();
        put(&mut attr, 8, name);
        match self.random.below(8) {
            0 => {
                good = false;
                attr[8..].fill(b'x');
            }
            1 => {
                good = false;
                let at = 8 + self.random.below(name.len());
                attr[at] ^= 1;
            }
            _ => {}
        }
        let whole = attr.clone();
        let fits = self.resize(&mut attr);
        // What is left out is zero, and so may well have been.
        let cut = attr.len() < whole.len() && whole[attr.len()..].iter().all(|byte| *byte == 0);
        Call {
            command: REX_OBJ_GET_PROG,
            what: format!("REX_OBJ_GET_PROG with {} bytes {attr:x?}", attr.len()),
            attr,
            succeeds: Some(good && (fits || cut)),
        }
    }

    fn load(&mut self) -> Call {
        let mut attr = vec![0; LOAD];
        put(&mut attr, 0, &self.load.elf.address().to_le_bytes());
        put(&mut attr, 8, &(self.maps.as_ptr() as u64).to_le_bytes());
        let size = u32::try_from(self.load.elf.len()).unwrap_or(0);
        put(&mut attr, 24, &size.to_le_bytes());
        let maps = u32::try_from(self.load.maps.len()).unwrap_or(0);
        put(&mut attr, 28, &maps.to_le_bytes());
        put(&mut attr, 40, b"trial");
        let mut succeeds = Some(true);
        match self.random.below(8) {
            0 => {
                succeeds = Some(false);
                put(&mut attr, 0, &self.bad().to_le_bytes());
            }
            1 if maps > 0 => {
                succeeds = Some(false);
                put(&mut attr, 8, &self.bad().to_le_bytes());
            }
            2 => {
                // A log that can't be written, or of an odd size: it may say so.
                succeeds = None;
                put(&mut attr, 16, &self.bad().to_le_bytes());
                put(&mut attr, 32, &self.number().to_le_bytes());
            }
            3 => {
                succeeds = None;
                put(&mut attr, 24, &self.number().to_le_bytes());
            }
            4 => {
                succeeds = None;
                put(&mut attr, 28, &self.number().to_le_bytes());
            }
            5 => {
                succeeds = Some(false);
                put(
                    &mut attr,
                    36,
                    &(1u32 << self.random.below(32)).to_le_bytes(),
                );
            }
            6 => {
                succeeds = Some(false);
                attr[40..].fill(b'x');
            }
            _ => {}
        }
        let whole = attr.clone();
        let fits = self.resize(&mut attr);
        // It may do without the name, and without what is zero anyway.
        let missing = whole.get(attr.len()..40).unwrap_or_default();
        let cut = attr.len() < whole.len() && missing.iter().all(|byte| *byte == 0);
        let succeeds = match succeeds {
            Some(true) if !fits && !cut => Some(false),
            // What was wrong may have been left out.
            Some(false) if attr.len() < whole.len() => None,
            other => other,
        };
        Call {
            command: REX_OBJ_LOAD,
            what: format!("REX_OBJ_LOAD with {} bytes {attr:x?}", attr.len()),
            attr,
            succeeds,
        }
    }

    /// A command of eBPF, its first words about Rex programs.
    fn other(&mut self) -> Call {
        let command = COMMANDS[self.random.below(COMMANDS.len())];
        let mut attr = vec![0; UNION];
        for at in (0..48).step_by(4) {
            let word = match self.random.below(6) {
                0 | 1 => self.fds[self.random.below(self.fds.len())].cast_unsigned(),
                2 => self.number(),
                _ => 0,
            };
            put(&mut attr, at, &word.to_le_bytes());
        }
        if self.random.below(4) == 0 {
            let at = 8 * self.random.below(UNION / 8);
            put(&mut attr, at, &self.bad().to_le_bytes());
        }
        self.resize(&mut attr);
        Call {
            command,
            what: String::new(),
            attr,
            succeeds: None,
        }
    }

    fn bad(&mut self) -> u64 {
        BAD[self.random.below(BAD.len())]
    }

    fn number(&mut self) -> u32 {
        NUMBERS[self.random.below(NUMBERS.len())]
    }

    fn make(&mut self, call: &Call, edge: &mut Edge) -> Result<i32, Errno> {
        let size = call.attr.len();
        // Up to the end of what there is; sometimes beyond it.
        let beyond = call.succeeds.is_none() && self.random.below(8) == 0;
        let inside = if beyond {
            self.random.below(size + 1)
        } else {
            size
        };
        let attr = edge.put(&call.attr, inside);
        // SAFETY: what the kernel may write to through these addresses is the attr itself,
        // in pages that are for nothing else, or is not there.
        unsafe { kernel::bpf_raw(call.command, attr, size) }
    }
}

fn put(attr: &mut [u8], at: usize, bytes: &[u8]) {
    attr[at..at + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests;
