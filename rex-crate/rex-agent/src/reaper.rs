// SPDX-License-Identifier: GPL-2.0-only
//! Collects ended processes: as PID 1 the agent inherits every orphan, so one
//! thread waits for all of them and passes on the news of those it started.

use std::collections::HashMap;
use std::io;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::Pid;

use crate::death;

/// How long to sleep, at most, while there is no process to wait for.
const IDLE: Duration = Duration::from_secs(1);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status.
    Status(i32),
    /// By a signal.
    Signal(Signal),
}

#[derive(Default)]
struct Shared {
    /// Processes of ours that have not been collected.
    running: Mutex<HashMap<Pid, mpsc::Sender<Ending>>>,
    started: Condvar,
}

/// Starts processes and collects them.
pub struct Reaper(Arc<Shared>);

/// A started process. It leads a process group of its own.
pub struct Process {
    /// With its pipes; not to be waited for.
    pub child: Child,
    /// Gives the ending once.
    pub ended: mpsc::Receiver<Ending>,
    pid: Pid,
}

impl Reaper {
    /// Starts the thread that waits.
    pub fn start() -> Result<Self, String> {
        let shared = Arc::new(Shared::default());
        let for_thread = shared.clone();
        std::thread::Builder::new()
            .name("reaper".to_string())
            .spawn(move || collect(&for_thread))
            .map_err(|error| format!("no thread to collect processes: {error}"))?;
        Ok(Reaper(shared))
    }

    /// Starts a command as the leader of a new process group.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Process> {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
        // Held until the process is in the table: it may end at once, and then
        // the thread must find it there.
        let mut running = self.0.running.lock().expect("no panics");
        let child = command.spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let (send, ended) = mpsc::channel();
        running.insert(pid, send);
        self.0.started.notify_one();
        Ok(Process { child, ended, pid })
    }

    /// Kills a process and its whole group.
    pub fn kill(&self, process: &Process) {
        // A group keeps its number as long as it has members, so at worst
        // there is nobody left to kill.
        let _ = killpg(process.pid, Signal::SIGKILL);
    }
}

fn collect(shared: &Shared) {
    loop {
        let (pid, ending) = match wait() {
            Ok(WaitStatus::Exited(pid, status)) => (pid, Ending::Status(status)),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, Ending::Signal(signal)),
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(Errno::ECHILD) => {
                let running = shared.running.lock().expect("no panics");
                if running.is_empty() {
                    // Orphans come only from processes of ours.
                    drop(
                        shared
                            .started
                            .wait_timeout(running, IDLE)
                            .expect("no panics"),
                    );
                }
                continue;
            }
            Err(errno) => death::die(&format!("processes can't be waited for: {errno}")),
        };
        if let Some(ended) = shared.running.lock().expect("no panics").remove(&pid) {
            // Nobody may be interested any more.
            let _ = ended.send(ending);
        }
    }
}
