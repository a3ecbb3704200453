// SPDX-License-Identifier: GPL-2.0-only
//! Loading an object: maps first, then the object, then its programs.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::error::{Blame, Errno, Error, Kind};
use crate::map::Map;
use crate::object_file::{MapRecord, ObjectFile, ProgramRecord};
use crate::sys::{Kernel, Linux, RexLoad, TestRun, TestRunOutcome, is_per_cpu};

/// Loads objects through a kernel.
#[derive(Clone)]
pub struct Loader {
    pub(crate) kernel: Arc<dyn Kernel>,
}

/// A program of a loaded object. It lives while this, or a link of it, does.
pub struct Program {
    /// What its record says.
    pub record: ProgramRecord,
    /// The kernel's id of it.
    pub id: u32,
    pub(crate) fd: OwnedFd,
}

/// An object in the kernel. Its programs and maps keep it there.
pub struct LoadedObject {
    /// What messages call it.
    pub name: String,
    /// Its programs, in the order of the records.
    pub programs: Vec<Program>,
    /// Its maps, in the order of the records.
    pub maps: Vec<Map>,
    /// What the kernel wrote to `log_buf` although it took the object.
    pub log: String,
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Default for Loader {
    fn default() -> Self {
        Self::new()
    }
}

impl Loader {
    /// A loader for the kernel this process runs on.
    pub fn new() -> Self {
        Self::with_kernel(Arc::new(Linux))
    }

    /// A loader that makes its system calls through `kernel`.
    pub fn with_kernel(kernel: Arc<dyn Kernel>) -> Self {
        Loader { kernel }
    }

    /// Whether the kernel has the Rex commands: only it can tell a bad object
    /// descriptor from an unknown command.
    pub fn has_rex(&self) -> bool {
        matches!(
            self.kernel.rex_get_program(None, ""),
            Err(Errno(libc::EBADF))
        )
    }

    /// Loads an object: all of it, or nothing stays behind.
    ///
    /// `file` is what was read out of `bytes`. To put the kernel's own checks
    /// to the test it may also be something else.
    ///
    /// # Errors
    /// «this kernel has no Rex»; or what the kernel refused and why, with the
    /// object to blame where the kernel names no other reason.
    pub fn load(&self, file: &ObjectFile, bytes: &[u8], name: &str) -> Result<LoadedObject, Error> {
        self.load_sharing(file, bytes, name, &BTreeMap::new())
    }

    /// Loads an object that uses maps of others in place of maps of its own:
    /// `shared` has them by the names of its records.
    ///
    /// # Errors
    /// As for `load`. The kernel refuses a map that differs from its record.
    pub fn load_sharing(
        &self,
        file: &ObjectFile,
        bytes: &[u8],
        name: &str,
        shared: &BTreeMap<&str, &Map>,
    ) -> Result<LoadedObject, Error> {
        if let Err(errno @ Errno(libc::EINVAL)) = self.kernel.rex_get_program(None, "") {
            return Err(Error::no_rex(errno));
        }
        let maps = self.provide_maps(&file.maps, shared)?;
        let load = RexLoad {
            elf: bytes,
            name,
            maps: maps
                .iter()
                .map(|map| (map.record.name.as_str(), map.fd.as_fd()))
                .collect(),
        };
        let mut log = String::new();
        let object = match self.kernel.rex_load(&load, &mut log) {
            Ok(object) => object,
            Err(errno) => return Err(refused(name, errno, log)),
        };
        let programs = file
            .programs
            .iter()
            .map(|record| self.program_of(object.as_fd(), record))
            .collect::<Result<_, _>>()?;
        Ok(LoadedObject {
            name: name.to_string(),
            programs,
            maps,
            log,
        })
    }

    fn provide_maps(
        &self,
        records: &[MapRecord],
        shared: &BTreeMap<&str, &Map>,
    ) -> Result<Vec<Map>, Error> {
        let per_cpu = records.iter().any(|record| is_per_cpu(record.map_type));
        let cpus = if per_cpu { self.possible_cpus()? } else { 1 };
        records
            .iter()
            .map(|record| match shared.get(record.name.as_str()) {
                Some(map) => self.share_map(record, map),
                None => self.create_map(record, cpus),
            })
            .collect()
    }

    fn share_map(&self, record: &MapRecord, map: &Map) -> Result<Map, Error> {
        let fd = map.fd.try_clone().map_err(|errno| {
            let message = format!("map {} can't be shared", map.record.name);
            Error::errno(Blame::Loader, message, errno)
        })?;
        Ok(Map {
            record: record.clone(),
            id: map.id,
            fd,
            kernel: self.kernel.clone(),
        })
    }

    fn create_map(&self, record: &MapRecord, cpus: u32) -> Result<Map, Error> {
        let failed = |errno: Errno| {
            let blame = match errno.0 {
                libc::EINVAL | libc::E2BIG => Blame::Object,
                libc::EPERM => Blame::Caller,
                _ => Blame::Kernel,
            };
            Error::errno(
                blame,
                format!("map {} can't be created", record.name),
                errno,
            )
        };
        let fd = self.kernel.map_create(record, cpus).map_err(failed)?;
        let id = self.kernel.map_details(fd.as_fd()).map_err(failed)?.id;
        Ok(Map {
            record: record.clone(),
            id,
            fd,
            kernel: self.kernel.clone(),
        })
    }

    /// Gets a program of an object of which there is the descriptor, wherever
    /// that came from.
    ///
    /// # Errors
    /// The object's when it has no such program.
    pub fn program_of(
        &self,
        object: BorrowedFd<'_>,
        record: &ProgramRecord,
    ) -> Result<Program, Error> {
        let failed = |errno: Errno| {
            let blame = if errno.0 == libc::ENOENT {
                Blame::Object
            } else {
                Blame::Kernel
            };
            Error::errno(
                blame,
                format!("the kernel didn't give program {}", record.name),
                errno,
            )
        };
        let fd = self
            .kernel
            .rex_get_program(Some(object), &record.name)
            .map_err(failed)?;
        let id = self.kernel.program_details(fd.as_fd()).map_err(failed)?.id;
        Ok(Program {
            record: record.clone(),
            id,
            fd,
        })
    }

    /// How many values an element of a per-CPU map has.
    ///
    /// # Errors
    /// The kernel's, when /sys isn't there or says something strange.
    pub fn possible_cpus(&self) -> Result<u32, Error> {
        const PATH: &str = "/sys/devices/system/cpu/possible";
        let text = self
            .kernel
            .read_text(PATH)
            .map_err(|errno| Error::errno(Blame::Kernel, format!("{PATH} can't be read"), errno))?;
        count_cpus(text.trim()).ok_or_else(|| {
            Error::new(
                Kind::Invalid,
                Blame::Kernel,
                format!("{PATH} says {text:?}"),
            )
        })
    }

    /// Runs a program without its hook (BPF_PROG_TEST_RUN).
    ///
    /// # Errors
    /// `Unsupported` for a type of program that has no test run.
    pub fn test_run(&self, program: &Program, run: &TestRun) -> Result<TestRunOutcome, Error> {
        let name = &program.record.name;
        self.kernel
            .test_run(program.fd.as_fd(), run)
            .map_err(|errno| match errno.0 {
                // ENOTSUPP, which is the kernel's own, or its public sister.
                524 | libc::EOPNOTSUPP => Error {
                    kind: Kind::Unsupported,
                    ..Error::errno(
                        Blame::Caller,
                        format!("programs like {name} have no test run"),
                        errno,
                    )
                },
                _ => Error::errno(
                    Blame::Caller,
                    format!("the test run of {name} failed"),
                    errno,
                ),
            })
    }
}

/// Counts the CPUs of a list such as `0-3,5`.
fn count_cpus(list: &str) -> Option<u32> {
    list.split(',').try_fold(0u32, |count, range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        count.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

fn refused(name: &str, errno: Errno, log: String) -> Error {
    let blame = match errno.0 {
        libc::ENOMEM | libc::EFAULT => Blame::Kernel,
        libc::EPERM if log.contains("CAP_") => Blame::Caller,
        _ => Blame::Object,
    };
    let log = Some(log).filter(|log| !log.is_empty());
    Error {
        log,
        ..Error::errno(blame, format!("the kernel refused object {name}"), errno)
    }
}

#[cfg(test)]
mod tests;
