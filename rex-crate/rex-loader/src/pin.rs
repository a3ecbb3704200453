// SPDX-License-Identifier: GPL-2.0-only
//! Names in a BPF file system, which keep what they stand for when the process
//! that made it is gone.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::attach::Link;
use crate::error::{Blame, Errno, Error, Kind};
use crate::load::{Loader, Program};
use crate::map::Map;
use crate::object_file::{MapRecord, ProgramRecord};
use crate::sys::{IdKind, MapFd, MapShape, is_per_cpu};

impl Loader {
    /// Pins a program, and with it its object and maps.
    ///
    /// # Errors
    /// The kernel's: the path is taken, or not in a BPF file system.
    pub fn pin_program(&self, program: &Program, path: &str) -> Result<(), Error> {
        let name = format!("program {}", program.record.name);
        self.pin(&name, program.fd.as_fd(), path)
    }

    /// Pins a map.
    ///
    /// # Errors
    /// As [`Loader::pin_program`].
    pub fn pin_map(&self, map: &Map, path: &str) -> Result<(), Error> {
        self.pin(&format!("map {}", map.record.name), map.fd.as_fd(), path)
    }

    /// Pins a link: its program stays attached.
    ///
    /// # Errors
    /// As [`Loader::pin_program`].
    pub fn pin_link(&self, link: &Link, path: &str) -> Result<(), Error> {
        self.pin(&link.to_string(), link.fd.as_fd(), path)
    }

    fn pin(&self, what: &str, fd: BorrowedFd<'_>, path: &str) -> Result<(), Error> {
        let pinned = self.kernel.pin(fd, &c_path(path)?);
        pinned.map_err(|errno| {
            let message = format!("{what} can't be pinned at {path}");
            Error::errno(Blame::Caller, message, errno)
        })
    }

    /// The program that is pinned at a path. Where it attaches by default is
    /// not known: only its object says that.
    ///
    /// # Errors
    /// `NotFound` when nothing is, `Invalid` when something else is.
    pub fn pinned_program(&self, path: &str) -> Result<Program, Error> {
        let fd = self.pinned(IdKind::Program, path)?;
        self.described_program(fd)
            .map_err(|errno| unreadable(path, errno))
    }

    /// The map that is pinned at a path.
    ///
    /// # Errors
    /// As [`Loader::pinned_program`].
    pub fn pinned_map(&self, path: &str) -> Result<Map, Error> {
        let fd = self.pinned(IdKind::Map, path)?;
        self.described_map(fd, &format!("what is pinned at {path}"))
    }

    /// The link that is pinned at a path.
    ///
    /// # Errors
    /// As [`Loader::pinned_program`].
    pub fn pinned_link(&self, path: &str) -> Result<Link, Error> {
        let fd = self.pinned(IdKind::Link, path)?;
        let details = self.kernel.link_details(fd.as_fd());
        let details = details.map_err(|errno| unreadable(path, errno))?;
        Ok(Link {
            id: details.id,
            target: None,
            fd,
            _event: None,
        })
    }

    fn pinned(&self, kind: IdKind, path: &str) -> Result<OwnedFd, Error> {
        let found = self.kernel.pinned(kind, &c_path(path)?);
        found.map_err(|errno| {
            let (error_kind, message) = match errno.0 {
                libc::ENOENT => (Kind::NotFound, format!("nothing is pinned at {path}")),
                libc::EINVAL => (
                    Kind::Invalid,
                    format!("what is pinned at {path} isn't a {}", kind.noun()),
                ),
                _ => (Kind::Errno, format!("{path} can't be opened")),
            };
            Error {
                kind: error_kind,
                ..Error::errno(Blame::Caller, message, errno)
            }
        })
    }

    /// The first map that the kernel says a program uses.
    ///
    /// # Errors
    /// The kernel's.
    pub fn first_map_of(&self, program: &Program) -> Result<Option<Map>, Error> {
        let what = format!("the first map of {}", program.record.name);
        let failed = |errno| Error::errno(Blame::Kernel, format!("{what} can't be opened"), errno);
        let details = self.kernel.program_details(program.as_fd());
        let Some(id) = details.map_err(failed)?.map_ids.first().copied() else {
            return Ok(None);
        };
        let fd = self.kernel.fd_by_id(IdKind::Map, id).map_err(failed)?;
        self.described_map(fd, &what).map(Some)
    }

    /// A map of which there is only the descriptor.
    fn described_map(&self, fd: OwnedFd, what: &str) -> Result<Map, Error> {
        let details = self.kernel.map_details(fd.as_fd()).map_err(|errno| {
            Error::errno(Blame::Kernel, format!("{what} can't be looked at"), errno)
        })?;
        let values_per_entry = if is_per_cpu(details.map_type) {
            self.possible_cpus()?
        } else {
            1
        };
        // What the kernel itself says of the map behind the descriptor.
        let shape = MapShape {
            map_type: details.map_type,
            key_size: details.key_size,
            value_size: details.value_size,
            values_per_entry,
            max_entries: details.max_entries,
        };
        Ok(Map {
            record: MapRecord {
                name: details.name,
                map_type: details.map_type,
                key_size: details.key_size,
                value_size: details.value_size,
                max_entries: details.max_entries,
                flags: details.flags,
                lock_offset: None,
            },
            id: details.id,
            fd: MapFd::new(fd, shape),
            kernel: self.kernel.clone(),
        })
    }

    /// A program of which there is only the descriptor.
    pub(crate) fn described_program(&self, fd: OwnedFd) -> Result<Program, Errno> {
        let details = self.kernel.program_details(fd.as_fd())?;
        Ok(Program {
            record: ProgramRecord {
                name: details.name,
                program_type: details.program_type,
                attach: String::new(),
            },
            id: details.id,
            fd,
        })
    }
}

fn c_path(path: &str) -> Result<CString, Error> {
    CString::new(path).map_err(|_| Error::caller("a path can't have a NUL in it"))
}

fn unreadable(path: &str, errno: Errno) -> Error {
    let message = format!("what is pinned at {path} can't be looked at");
    Error::errno(Blame::Kernel, message, errno)
}

#[cfg(test)]
mod tests;
