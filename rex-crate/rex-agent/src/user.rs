// SPDX-License-Identifier: GPL-2.0-only
//! Threads and programs that are not root's.

use rex_loader::Errno;
use rex_protocol::{Blame, ErrorBody, ErrorKind, User};

use crate::capabilities::Capabilities;

/// Who a thread or a program is to be.
#[derive(Clone, Copy)]
pub struct Identity {
    uid: u32,
    gid: u32,
    capabilities: Capabilities,
}

impl Identity {
    /// Checks a wish.
    pub fn of(user: &User) -> Result<Self, ErrorBody> {
        let names = user.capabilities.as_deref().unwrap_or_default();
        Ok(Identity {
            uid: user.uid,
            gid: user.gid.unwrap_or(user.uid),
            capabilities: Capabilities::named(names).map_err(ErrorBody::invalid)?,
        })
    }

    /// Makes the calling thread this user, and no other one of the process:
    /// the C library would. Makes system calls only: it may stand between fork
    /// and exec. There is no way back.
    pub fn assume(self) -> Result<(), Errno> {
        let (uid, gid) = (self.uid, self.gid);
        // SAFETY: these calls take numbers, and setgroups an empty list.
        unsafe {
            done(libc::syscall(
                libc::SYS_prctl,
                libc::PR_SET_KEEPCAPS,
                1,
                0,
                0,
                0,
            ))?;
            done(libc::syscall(libc::SYS_setgroups, 0, 0))?;
            done(libc::syscall(libc::SYS_setresgid, gid, gid, gid))?;
            done(libc::syscall(libc::SYS_setresuid, uid, uid, uid))?;
        }
        self.capabilities.assume()
    }

    /// The same for a program: it keeps its capabilities.
    pub fn assume_for_exec(self) -> Result<(), Errno> {
        self.assume()?;
        self.capabilities.keep_over_exec()
    }

    /// Does something on a thread of its own that is this user's.
    pub fn act<T: Send>(
        self,
        action: impl FnOnce() -> Result<T, ErrorBody> + Send,
    ) -> Result<T, ErrorBody> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("user".to_string());
            let acting = thread.spawn_scoped(scope, || {
                self.assume().map_err(|errno| self.cannot_be(&errno))?;
                action()
            });
            let acting = acting.map_err(|error| {
                ErrorBody::internal(format!("no thread for another user: {error}"))
            })?;
            acting.join().expect("no panics")
        })
    }

    /// Why a thread could not become this user.
    pub fn cannot_be(self, errno: &Errno) -> ErrorBody {
        let message = format!("a thread can't be the user {}: {errno}", self.uid);
        let mut body = ErrorBody::new(ErrorKind::Errno, Blame::Kernel, message);
        body.errno = Some(errno.0);
        body.errno_name = Some(errno.name());
        body
    }
}

fn done(result: libc::c_long) -> Result<(), Errno> {
    if result < 0 {
        return Err(Errno::last());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn user(uid: u32, capabilities: &[&str]) -> User {
        let capabilities = capabilities.iter().map(ToString::to_string).collect();
        User {
            uid,
            gid: None,
            capabilities: Some(capabilities),
        }
    }

    #[test]
    fn only_that_thread_becomes_the_user() {
        // Only root can become somebody else.
        if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
            return;
        }
        let whoami = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let line = |name: &str| {
                let found = status.lines().find(|line| line.starts_with(name));
                found
                    .unwrap()
                    .split_whitespace()
                    .nth(1)
                    .unwrap()
                    .to_string()
            };
            (line("Uid:"), line("Gid:"), line("CapEff:"))
        };
        let before = whoami();
        let identity = Identity::of(&user(1234, &["CAP_NET_ADMIN"])).unwrap();
        let other = identity.act(|| Ok(whoami())).unwrap();
        assert_eq!(
            other,
            (
                "1234".to_string(),
                "1234".to_string(),
                format!("{:016x}", 1 << 12)
            )
        );
        assert_eq!(whoami(), before);
    }

    #[test]
    fn an_unknown_capability_is_the_callers_fault() {
        let error = Identity::of(&user(1, &["CAP_FLY"])).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.message.contains("CAP_FLY"), "{}", error.message);
    }
}
