// SPDX-License-Identifier: GPL-2.0-only
//! What the kernel holds: all programs, maps and links, by id.

use std::os::fd::{AsFd, BorrowedFd};

use crate::error::{Blame, Errno, Error};
use crate::load::Loader;
use crate::sys::{IdKind, LinkDetails, MapDetails, ProgramDetails, SysResult};

/// Bounds a walk over ids, should a kernel never come to an end.
const MAX_IDS: usize = 100_000;

/// What the kernel says of a program.
pub type ProgramEntry = ProgramDetails;
/// What the kernel says of a map.
pub type MapEntry = MapDetails;
/// What the kernel says of a link.
pub type LinkEntry = LinkDetails;

impl Loader {
    /// All programs.
    ///
    /// # Errors
    /// What the kernel says; something that went away meanwhile is left out.
    pub fn programs(&self) -> Result<Vec<ProgramEntry>, Error> {
        self.walk(IdKind::Program, |fd| self.kernel.program_details(fd))
    }

    /// All maps.
    ///
    /// # Errors
    /// As [`Loader::programs`].
    pub fn maps(&self) -> Result<Vec<MapEntry>, Error> {
        self.walk(IdKind::Map, |fd| self.kernel.map_details(fd))
    }

    /// All links.
    ///
    /// # Errors
    /// As [`Loader::programs`].
    pub fn links(&self) -> Result<Vec<LinkEntry>, Error> {
        self.walk(IdKind::Link, |fd| self.kernel.link_details(fd))
    }

    /// The highest id of a BTF object, 0 without any. They are never given twice.
    ///
    /// # Errors
    /// As [`Loader::programs`].
    pub fn last_btf(&self) -> Result<u32, Error> {
        let mut last = 0;
        for _ in 0..MAX_IDS {
            last = match self.kernel.next_id(IdKind::Btf, last) {
                Ok(next) => next,
                Err(Errno(libc::ENOENT)) => break,
                Err(errno) => return Err(unreadable(IdKind::Btf, errno)),
            };
        }
        Ok(last)
    }

    fn walk<T>(
        &self,
        kind: IdKind,
        details: impl Fn(BorrowedFd<'_>) -> SysResult<T>,
    ) -> Result<Vec<T>, Error> {
        let failed = |errno| unreadable(kind, errno);
        let mut entries = Vec::new();
        let mut id = 0;
        for _ in 0..MAX_IDS {
            id = match self.kernel.next_id(kind, id) {
                Ok(next) => next,
                Err(Errno(libc::ENOENT)) => break,
                Err(errno) => return Err(failed(errno)),
            };
            match self.kernel.fd_by_id(kind, id) {
                Ok(fd) => entries.push(details(fd.as_fd()).map_err(failed)?),
                // Gone since, or (a link) on its way.
                Err(Errno(libc::ENOENT | libc::EAGAIN)) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        Ok(entries)
    }
}

fn unreadable(kind: IdKind, errno: Errno) -> Error {
    let blame = if errno.0 == libc::EPERM {
        Blame::Caller
    } else {
        Blame::Kernel
    };
    let message = format!("the kernel's list of {}s can't be read", kind.noun());
    Error::errno(blame, message, errno)
}
