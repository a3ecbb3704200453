// SPDX-License-Identifier: GPL-2.0-only
//! What a thread is to do, checked before anything starts.

use std::str::FromStr;

use rex_protocol::{Bytes, ErrorBody, Syscall, SyscallArg, TriggerCall, TriggerParams};
use syscalls::Sysno;

use crate::user::Identity;

const MAX_THREADS: usize = 64;
const MAX_REPEAT: u32 = 10_000_000;
const MAX_BUFFER: u32 = 1024 * 1024;
const ARGS: usize = 6;
/// Numbers above are not system calls on any kernel.
const MAX_NUMBER: u32 = 4096;

/// Calls that would replace or double the agent, or take the ground from under
/// the thread that makes them: nobody could be told what came of it. (To end
/// the agent is another matter: `exit_group` is its death, with a verdict.)
const REFUSED: &[Sysno] = &[
    Sysno::arch_prctl,
    Sysno::clone,
    Sysno::clone3,
    Sysno::execve,
    Sysno::execveat,
    Sysno::exit,
    Sysno::fork,
    Sysno::rt_sigreturn,
    Sysno::vfork,
];

/// A system call with its memory.
pub struct Plan {
    /// Where.
    pub cpu: Option<u32>,
    /// How often.
    pub repeat: u32,
    /// Whose thread; root's if absent.
    pub user: Option<Identity>,
    number: usize,
    args: [usize; ARGS],
    /// What arguments point to, and whether the caller wants to have it back.
    /// Boxes, so that the addresses stay when the plan moves.
    memory: Vec<(Box<[u8]>, bool)>,
}

/// Checks a request.
pub fn all(params: &TriggerParams) -> Result<Vec<Plan>, ErrorBody> {
    let threads = params.calls.len();
    if threads == 0 || threads > MAX_THREADS {
        return Err(ErrorBody::invalid(format!(
            "{threads} calls: 1 to {MAX_THREADS} are allowed"
        )));
    }
    params.calls.iter().map(plan).collect()
}

fn plan(call: &TriggerCall) -> Result<Plan, ErrorBody> {
    let repeat = call.repeat.unwrap_or(1);
    if repeat == 0 || repeat > MAX_REPEAT {
        return Err(ErrorBody::invalid(format!(
            "repeat is {repeat}: 1 to {MAX_REPEAT} are allowed"
        )));
    }
    if call.args.len() > ARGS {
        let message = format!(
            "{} arguments: a system call has at most {ARGS}",
            call.args.len()
        );
        return Err(ErrorBody::invalid(message));
    }
    let number = number(&call.syscall)?;
    let mut plan = Plan {
        cpu: call.cpu,
        repeat,
        user: call.user.as_ref().map(Identity::of).transpose()?,
        number,
        args: [0; ARGS],
        memory: Vec::new(),
    };
    for (slot, arg) in call.args.iter().enumerate() {
        plan.args[slot] = match arg {
            SyscallArg::Number(value) => usize::try_from(value.0).expect("64-bit"),
            SyscallArg::Text(text) => plan.keep([text.text.as_bytes(), b"\0"].concat(), false),
            SyscallArg::Data(data) => plan.keep(data.data.0.clone(), false),
            SyscallArg::Buffer(buffer) if buffer.buffer > MAX_BUFFER => {
                let message = format!(
                    "a buffer of {} bytes, at most {MAX_BUFFER} are allowed",
                    buffer.buffer
                );
                return Err(ErrorBody::invalid(message));
            }
            SyscallArg::Buffer(buffer) => plan.keep(vec![0; buffer.buffer as usize], true),
        };
    }
    Ok(plan)
}

fn number(syscall: &Syscall) -> Result<usize, ErrorBody> {
    let (number, name) = match syscall {
        Syscall::Number(number) if *number > MAX_NUMBER => {
            return Err(ErrorBody::invalid(format!(
                "there is no system call {number}"
            )));
        }
        Syscall::Number(number) => (*number as usize, number.to_string()),
        Syscall::Name(name) => {
            let found = Sysno::from_str(name)
                .map_err(|_| ErrorBody::not_found(format!("there is no system call {name}")))?;
            (found.id() as usize, name.clone())
        }
    };
    if REFUSED
        .iter()
        .any(|refused| refused.id() as usize == number)
    {
        let message =
            format!("system call {name} would double or corrupt the agent; use exec instead");
        return Err(ErrorBody::invalid(message));
    }
    Ok(number)
}

impl Plan {
    /// Whether this is the agent's own end.
    pub fn ends_agent(&self) -> bool {
        self.number == Sysno::exit_group.id() as usize
    }

    fn keep(&mut self, bytes: Vec<u8>, returned: bool) -> usize {
        let mut bytes = bytes.into_boxed_slice();
        let address = bytes.as_mut_ptr() as usize;
        self.memory.push((bytes, returned));
        address
    }

    /// Makes the call once; gives what the kernel returned, -errno on failure.
    pub fn call(&mut self) -> i64 {
        let [a, b, c, d, e, f] = self.args;
        // SAFETY: the memory that arguments of ours point to is alive, not
        // shared, and unreachable for Rust during the call. What else the
        // caller of the agent makes the kernel do to this process is the
        // caller's wish; that it can end the guest is part of the bargain.
        let ret = unsafe { syscalls::raw::syscall6(self.number, a, b, c, d, e, f) };
        ret.cast_signed() as i64
    }

    /// The buffers that the caller wants to have back.
    pub fn buffers(self) -> Vec<Bytes> {
        let wanted = self.memory.into_iter().filter(|(_, returned)| *returned);
        wanted.map(|(bytes, _)| Bytes(bytes.into_vec())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rex_protocol::{BufferArg, U64};

    fn by_name(name: &str) -> Result<usize, ErrorBody> {
        number(&Syscall::Name(name.to_string()))
    }

    #[test]
    fn names_and_numbers() {
        for (name, want) in [
            ("read", 0),
            ("dup", 32),
            ("getpid", 39),
            ("openat", 257),
            ("bpf", 321),
        ] {
            assert_eq!(by_name(name).unwrap(), want, "{name}");
        }
        assert_eq!(number(&Syscall::Number(39)).unwrap(), 39);
        // A number that no kernel has yet: the kernel says ENOSYS.
        assert_eq!(number(&Syscall::Number(999)).unwrap(), 999);
        assert!(number(&Syscall::Number(1 << 30)).is_err());
        assert_eq!(
            by_name("launch").unwrap_err().kind,
            rex_protocol::ErrorKind::NotFound
        );
    }

    #[test]
    fn what_would_corrupt_the_agent_is_refused() {
        for name in ["exit", "fork", "execve"] {
            assert!(
                by_name(name).unwrap_err().message.contains("would double"),
                "{name}"
            );
        }
        assert!(number(&Syscall::Number(60)).is_err());
    }

    #[test]
    fn limits() {
        let call = |args, repeat| TriggerCall {
            cpu: None,
            syscall: Syscall::Number(39),
            args,
            repeat,
            user: None,
        };
        let params = |calls| TriggerParams {
            calls,
            barrier: None,
            timeout_ms: None,
            keep_files: None,
            exits_since: None,
        };
        let fine = call(vec![SyscallArg::Number(U64(1)); 6], Some(1));
        assert!(all(&params(vec![fine.clone(); 64])).is_ok());
        assert!(all(&params(vec![fine; 65])).is_err());
        assert!(all(&params(vec![])).is_err());
        assert!(
            all(&params(vec![call(
                vec![SyscallArg::Number(U64(1)); 7],
                None
            )]))
            .is_err()
        );
        assert!(all(&params(vec![call(vec![], Some(0))])).is_err());
        assert!(all(&params(vec![call(vec![], Some(MAX_REPEAT + 1))])).is_err());
        let large = SyscallArg::Buffer(BufferArg {
            buffer: MAX_BUFFER + 1,
        });
        assert!(all(&params(vec![call(vec![large], None)])).is_err());
    }
}
