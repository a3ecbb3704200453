// SPDX-License-Identifier: GPL-2.0-only
//! `hand-over`: one object, two processes. The owner loads it and attaches its
//! program; the heir gets the object's descriptor, over a socket or by fork, and
//! attaches a program of its own; the owner ends, and the heir goes on. Specs run
//! it in the guest (`/init hand-over`) with a line of JSON and the object on its
//! standard input; the report is a line of JSON on its standard output.
//!
//! The object's first program is to count in the first element of its first map
//! how often __x64_sys_dup is called.

use std::io::{BufRead, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getppid};
use rex_loader::sys::{IdKind, Kernel, Linux, RexLoad};
use rex_loader::{Link, Loader, Map, ObjectFile, Program};
use serde::{Deserialize, Serialize};

/// What the agent is called with to be this program.
pub const NAME: &str = "hand-over";

/// How long one process waits for another.
const LIMIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Params {
    by: By,
    /// How many calls are made in each part.
    calls: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum By {
    /// The descriptor is sent (SCM_RIGHTS).
    Socket,
    /// The heir is a child of the owner.
    Fork,
    /// The owner pins map and link, as PINNED says; who the heir is is not our
    /// business.
    Pin,
}

/// Where the owner pins its map and its link.
const PINNED: [&str; 2] = ["/sys/fs/bpf/hand-over-map", "/sys/fs/bpf/hand-over-link"];

/// What the heir saw. Counts are of runs so far.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// When the owner had made its calls.
    of_owner: u64,
    /// When the heir had made calls, with a program of each process attached.
    of_both: u64,
    /// When the owner was gone and the heir had made calls again.
    of_heir: u64,
    /// Programs in the kernel with both processes, and with the heir alone.
    programs: [usize; 2],
}

/// Runs it. Returns the exit code: 0 when there is a report.
pub fn main() -> i32 {
    let report = read_input().and_then(|(params, bytes)| run(&params, &bytes));
    let printed = report.and_then(|report| {
        writeln!(std::io::stdout(), "{report}").map_err(|error| format!("standard output: {error}"))
    });
    match printed {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("{NAME}: {why}");
            1
        }
    }
}

fn read_input() -> Result<(Params, Vec<u8>), String> {
    let failed = |error: std::io::Error| format!("standard input: {error}");
    let mut input = std::io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line).map_err(failed)?;
    let params = serde_json::from_str(&line).map_err(|error| format!("parameters: {error}"))?;
    let mut object = Vec::new();
    input.read_to_end(&mut object).map_err(failed)?;
    Ok((params, object))
}

fn run(params: &Params, bytes: &[u8]) -> Result<String, String> {
    let file = ObjectFile::parse(bytes).map_err(|error| error.to_string())?;
    let parties = Parties {
        file: &file,
        bytes,
        calls: params.calls,
    };
    let (ours, theirs) = UnixStream::pair().map_err(|error| error.to_string())?;
    for end in [&ours, &theirs] {
        end.set_read_timeout(Some(LIMIT))
            .map_err(|error| error.to_string())?;
    }
    match params.by {
        By::Socket => {
            let owner = child(|| parties.own_and_send(&theirs))?;
            drop(theirs);
            let object = receive(&ours)?;
            let report = parties.inherit(object, || {
                tell(&ours)?;
                ended(owner)
            })?;
            serde_json::to_string(&report).map_err(|error| error.to_string())
        }
        By::Fork => {
            let owner = child(|| parties.own_and_fork(&theirs))?;
            drop(theirs);
            ended(owner)?;
            let mut report = String::new();
            (&ours)
                .read_to_string(&mut report)
                .map_err(|error| format!("the heir: {error}"))?;
            Ok(report)
        }
        By::Pin => {
            ended(child(|| parties.own_and_pin())?)?;
            serde_json::to_string(&PINNED).map_err(|error| error.to_string())
        }
    }
}

struct Parties<'a> {
    file: &'a ObjectFile,
    bytes: &'a [u8],
    calls: u64,
}

/// What a process holds: its link goes first.
struct Attached {
    link: Link,
    _program: Program,
    map: Map,
}

impl Parties<'_> {
    /// Loads the object; its maps live on in it.
    fn load(&self) -> Result<OwnedFd, String> {
        let maps = self.file.maps.iter();
        let maps: Vec<_> = maps
            .map(|record| Linux.map_create(record, 1).map(|fd| (&record.name, fd)))
            .collect::<Result<_, _>>()
            .map_err(|errno| format!("a map: {}", errno.name()))?;
        let load = RexLoad {
            elf: self.bytes,
            name: NAME,
            maps: maps
                .iter()
                .map(|(name, fd)| (name.as_str(), fd.as_fd()))
                .collect(),
        };
        let mut log = String::new();
        Linux
            .rex_load(&load, &mut log)
            .map_err(|errno| format!("the object: {}: {log}", errno.name()))
    }

    /// A program of the object, attached.
    fn attach(&self, object: &OwnedFd) -> Result<Attached, String> {
        let loader = Loader::new();
        let why = |error: rex_loader::Error| error.to_string();
        let record = self.file.programs.first().ok_or("it has no program")?;
        let program = loader.program_of(object.as_fd(), record).map_err(why)?;
        let link = program.default_target();
        let link = link.and_then(|target| loader.attach(&program, &target));
        let map = loader.first_map_of(&program).map_err(why)?;
        Ok(Attached {
            link: link.map_err(why)?,
            _program: program,
            map: map.ok_or("it has no map")?,
        })
    }

    fn make_calls(&self) {
        for _ in 0..self.calls {
            // SAFETY: takes a number; there is no such descriptor.
            unsafe { libc::dup(-1) };
        }
    }

    /// The owner that sends the descriptor, and ends when it is told to.
    fn own_and_send(&self, heir: &UnixStream) -> Result<(), String> {
        let object = self.load()?;
        let _attached = self.attach(&object)?;
        self.make_calls();
        send(heir, &object)?;
        listen(heir)
    }

    /// The owner whose child is the heir, and which ends when it is told to.
    fn own_and_fork(&self, reports_to: &UnixStream) -> Result<(), String> {
        let object = self.load()?;
        let mut attached = Some(self.attach(&object)?);
        self.make_calls();
        let (ours, theirs) = UnixStream::pair().map_err(|error| error.to_string())?;
        let owner = Pid::this();
        child(|| {
            // What the owner attached is the heir's, too, now: it lets go of that.
            attached = None;
            let report = self.inherit(object, || {
                tell(&theirs)?;
                wait_until("the owner's end", || Ok(getppid() != owner))
            })?;
            let line = serde_json::to_string(&report).map_err(|error| error.to_string())?;
            let mut to = reports_to;
            to.write_all(line.as_bytes())
                .map_err(|error| error.to_string())
        })?;
        listen(&ours)?;
        drop(attached);
        Ok(())
    }

    /// The owner that leaves names behind.
    fn own_and_pin(&self) -> Result<(), String> {
        let loader = Loader::new();
        let why = |error: rex_loader::Error| error.to_string();
        let object = self.load()?;
        let attached = self.attach(&object)?;
        self.make_calls();
        let [map, link] = PINNED;
        loader.pin_map(&attached.map, map).map_err(why)?;
        loader.pin_link(&attached.link, link).map_err(why)
    }

    /// The heir. `end_owner` has the owner end, and waits for that.
    fn inherit(
        &self,
        object: OwnedFd,
        end_owner: impl FnOnce() -> Result<(), String>,
    ) -> Result<Report, String> {
        let attached = self.attach(&object)?;
        // From here on only programs hold the object.
        drop(object);
        let of_owner = count(&attached.map)?;
        self.make_calls();
        let of_both = count(&attached.map)?;
        let with_owner = programs()?;
        end_owner()?;
        wait_until("one program less", || Ok(programs()? < with_owner))?;
        self.make_calls();
        Ok(Report {
            of_owner,
            of_both,
            of_heir: count(&attached.map)?,
            programs: [with_owner, programs()?],
        })
    }
}

fn count(map: &Map) -> Result<u64, String> {
    let value = map.get(&0u32.to_ne_bytes());
    match value.map_err(|error| error.to_string())? {
        Some(rex_loader::Value::One(bytes)) => {
            let bytes = bytes.try_into().map_err(|_| "a count has 8 bytes")?;
            Ok(u64::from_ne_bytes(bytes))
        }
        _ => Err("the first map has no count".to_string()),
    }
}

fn programs() -> Result<usize, String> {
    let mut count = 0;
    let mut id = 0;
    while let Ok(next) = Linux.next_id(IdKind::Program, id) {
        (id, count) = (next, count + 1);
    }
    Ok(count)
}

/// Runs `body` in a child, which ends with it.
fn child(body: impl FnOnce() -> Result<(), String>) -> Result<Pid, String> {
    // SAFETY: this process has one thread.
    match unsafe { fork() } {
        Ok(ForkResult::Parent { child }) => Ok(child),
        Ok(ForkResult::Child) => {
            let code = match body() {
                Ok(()) => 0,
                Err(why) => {
                    eprintln!("{NAME}: {why}");
                    1
                }
            };
            std::process::exit(code)
        }
        Err(errno) => Err(format!("fork: {errno}")),
    }
}

fn ended(child: Pid) -> Result<(), String> {
    use nix::sys::wait::WaitStatus::Exited;
    match waitpid(child, None) {
        Ok(Exited(_, 0)) => Ok(()),
        other => Err(format!("the owner ended with {other:?}")),
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> Result<bool, String>) -> Result<(), String> {
    let start = Instant::now();
    while !is_so()? {
        if start.elapsed() > LIMIT {
            return Err(format!("{what} did not come"));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn tell(mut other: &UnixStream) -> Result<(), String> {
    other.write_all(b".").map_err(|error| error.to_string())
}

fn listen(mut other: &UnixStream) -> Result<(), String> {
    let told = other.read_exact(&mut [0]);
    told.map_err(|error| format!("the heir: {error}"))
}

fn send(to: &UnixStream, fd: &OwnedFd) -> Result<(), String> {
    let fds = [fd.as_raw_fd()];
    let sent = sendmsg::<()>(
        to.as_raw_fd(),
        &[IoSlice::new(b".")],
        &[ControlMessage::ScmRights(&fds)],
        MsgFlags::empty(),
        None,
    );
    sent.map(drop).map_err(|errno| format!("sendmsg: {errno}"))
}

fn receive(from: &UnixStream) -> Result<OwnedFd, String> {
    let mut byte = [0];
    let mut slices = [IoSliceMut::new(&mut byte)];
    let mut room = nix::cmsg_space!(std::os::fd::RawFd);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let received = recvmsg::<()>(from.as_raw_fd(), &mut slices, Some(&mut room), flags)
        .map_err(|errno| format!("recvmsg: {errno}"))?;
    let mut messages = received.cmsgs().map_err(|errno| errno.to_string())?;
    match messages.next() {
        Some(ControlMessageOwned::ScmRights(fds)) if fds.len() == 1 => {
            // SAFETY: the kernel just made this descriptor for us.
            Ok(unsafe { OwnedFd::from_raw_fd(fds[0]) })
        }
        _ => Err("the owner sent no descriptor".to_string()),
    }
}
