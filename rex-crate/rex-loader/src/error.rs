// SPDX-License-Identifier: GPL-2.0-only
//! Errors that say who has to change something.

use std::fmt;

/// An error number of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

/// Numbers that the kernel keeps to itself and yet lets out in places, such as
/// bpf(2) or a return that a kprobe overrode.
const KERNEL_ONLY: &[(i32, &str)] = &[
    (512, "ERESTARTSYS"),
    (513, "ERESTARTNOINTR"),
    (514, "ERESTARTNOHAND"),
    (515, "ENOIOCTLCMD"),
    (516, "ERESTART_RESTARTBLOCK"),
    (517, "EPROBE_DEFER"),
    (524, "ENOTSUPP"),
];

impl Errno {
    /// The largest: what a system call returns from -4095 up is an error.
    pub const MAX: i32 = 4095;

    /// Its name, such as `EACCES`.
    pub fn name(self) -> String {
        if let Some((_, name)) = KERNEL_ONLY.iter().find(|(number, _)| *number == self.0) {
            return (*name).to_string();
        }
        match nix::errno::Errno::from_raw(self.0) {
            nix::errno::Errno::UnknownErrno => format!("errno {}", self.0),
            known => format!("{known:?}"),
        }
    }

    /// The calling thread's last one.
    pub fn last() -> Self {
        Errno(nix::errno::Errno::last_raw())
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let known = nix::errno::Errno::from_raw(self.0);
        match known {
            nix::errno::Errno::UnknownErrno => f.write_str(&self.name()),
            known => write!(f, "{} ({})", self.name(), known.desc()),
        }
    }
}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Self {
        Errno(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

/// Who has to change something for the error to go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Whoever called the loader.
    Caller,
    /// The object.
    Object,
    /// The kernel, or how it is configured.
    Kernel,
    /// The loader itself.
    Loader,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A system call failed.
    Errno,
    /// Something isn't what it should be.
    Invalid,
    /// This kernel can't do that at all.
    Unsupported,
    /// Something isn't there.
    NotFound,
}

/// Why the loader could not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of thing went wrong.
    pub kind: Kind,
    /// Who has to change something.
    pub blame: Blame,
    /// A sentence for a person, without the errno and the log.
    pub message: String,
    /// What the system call said.
    pub errno: Option<Errno>,
    /// What the kernel wrote to `log_buf`.
    pub log: Option<String>,
}

impl Error {
    pub(crate) fn new(kind: Kind, blame: Blame, message: impl Into<String>) -> Self {
        Error {
            kind,
            blame,
            message: message.into(),
            errno: None,
            log: None,
        }
    }

    /// The object isn't one.
    pub(crate) fn object(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, Blame::Object, message)
    }

    /// The caller asked for something that makes no sense.
    pub(crate) fn caller(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, Blame::Caller, message)
    }

    /// A system call failed while something was done.
    pub(crate) fn errno(blame: Blame, what: impl Into<String>, errno: Errno) -> Self {
        Error {
            errno: Some(errno),
            ..Self::new(Kind::Errno, blame, what)
        }
    }

    /// The Rex commands are missing.
    pub(crate) fn no_rex(errno: Errno) -> Self {
        Error {
            errno: Some(errno),
            ..Self::new(Kind::Unsupported, Blame::Kernel, "this kernel has no Rex")
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(errno) = self.errno {
            write!(f, ": {errno}")?;
        }
        if let Some(log) = &self.log {
            write!(f, "\n{}", log.trim_end())?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_errnos() {
        assert_eq!(Errno(libc::EACCES).name(), "EACCES");
        assert_eq!(Errno(524).name(), "ENOTSUPP");
        assert_eq!(Errno(4000).name(), "errno 4000");
        assert_eq!(
            Errno(libc::EPERM).to_string(),
            "EPERM (Operation not permitted)"
        );
    }

    #[test]
    fn an_error_shows_its_errno_and_the_kernels_log() {
        let mut error = Error::errno(
            Blame::Object,
            "the kernel refused the object",
            Errno(libc::EINVAL),
        );
        error.log = Some("segment 2: writable and executable\n".into());
        assert_eq!(
            error.to_string(),
            "the kernel refused the object: EINVAL (Invalid argument)\nsegment 2: writable and executable"
        );
    }
}
