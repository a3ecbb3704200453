// SPDX-License-Identifier: GPL-2.0-only
//! Runs programs of the host or the guest.

use std::ffi::CStr;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use rex_loader::Errno;
use rex_protocol::{Blame, ErrorBody, ErrorKind, ExecParams, ExecResult, ExecRoot};

use crate::host_root::HostRoot;
use crate::reaper::{Ending, Process, Reaper};
use crate::user::Identity;

const DEFAULT_TIMEOUT_MS: u32 = 60_000;
const MAX_STDOUT: usize = 4 * 1024 * 1024;
const MAX_STDERR: usize = 1024 * 1024;
/// How long output is still read when the program has ended but something that
/// it started holds the pipe.
const LINGER: Duration = Duration::from_millis(500);
/// How long a killed process may take to end.
const KILL_LIMIT: Duration = Duration::from_secs(5);
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs a program to its end, or to the end of its time.
pub fn run(params: &ExecParams, reaper: &Reaper, host: &HostRoot) -> Result<ExecResult, ErrorBody> {
    let limit = Duration::from_millis(params.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS).into());
    let mut command = command(params, host)?;
    let start = Instant::now();
    let mut process = reaper
        .spawn(&mut command)
        .map_err(|error| not_started(params, &error))?;
    feed(&mut process, params);
    let stdout = Capture::start(process.child.stdout.take(), MAX_STDOUT);
    let stderr = Capture::start(process.child.stderr.take(), MAX_STDERR);

    let in_time = process.ended.recv_timeout(limit);
    let timed_out = in_time.is_err();
    let ending = match in_time {
        Ok(ending) => ending,
        Err(_) => {
            reaper.kill(&process);
            process.ended.recv_timeout(KILL_LIMIT).map_err(|_| {
                let message = format!("{:?} does not end although it was killed", params.argv[0]);
                ErrorBody::new(ErrorKind::Timeout, Blame::Kernel, message)
            })?
        }
    };
    let lingering = Instant::now() + LINGER;
    let complete = stdout.wait_until(lingering) & stderr.wait_until(lingering);
    if !complete {
        // Whatever it left behind in its group would go on for ever.
        reaper.kill(&process);
    }
    let (stdout, more_stdout) = stdout.take();
    let (stderr, more_stderr) = stderr.take();
    let (status, signal) = match ending {
        Ending::Status(status) => (Some(status), None),
        Ending::Signal(signal) => (None, Some(signal.as_str().to_string())),
    };
    Ok(ExecResult {
        status,
        signal,
        timed_out,
        stdout: stdout.into(),
        stderr: stderr.into(),
        truncated: more_stdout || more_stderr || !complete,
        duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

fn command(params: &ExecParams, host: &HostRoot) -> Result<Command, ErrorBody> {
    let Some((program, arguments)) = params.argv.split_first() else {
        return Err(ErrorBody::invalid("argv is empty"));
    };
    let nul = params.argv.iter().any(|argument| argument.contains('\0'));
    let nul_in_env =
        params.env.iter().flatten().any(|(key, value)| {
            key.is_empty() || key.contains(['\0', '=']) || value.contains('\0')
        });
    if program.is_empty() || nul || nul_in_env {
        return Err(ErrorBody::invalid(
            "argv or env has an empty name, or a NUL or = in it",
        ));
    }
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs([("PATH", PATH), ("HOME", "/root"), ("LANG", "C.UTF-8")])
        .envs(params.env.iter().flatten())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let cwd = std::ffi::CString::new(params.cwd.as_deref().unwrap_or("/"))
        .map_err(|_| ErrorBody::invalid("cwd has a NUL in it"))?;
    let root = match params.root {
        ExecRoot::Host => Some(host.path()?),
        ExecRoot::Guest => None,
    };
    let user = params.user.as_ref().map(Identity::of).transpose()?;
    // SAFETY: between fork and exec only system calls are made, on strings that
    // were made before.
    unsafe { command.pre_exec(move || enter(root.as_deref(), &cwd, user)) };
    Ok(command)
}

fn enter(root: Option<&CStr>, cwd: &CStr, user: Option<Identity>) -> std::io::Result<()> {
    if let Some(root) = root {
        nix::unistd::chroot(root)?;
    }
    nix::unistd::chdir(cwd)?;
    if let Some(user) = user {
        user.assume_for_exec()
            .map_err(|errno| std::io::Error::from_raw_os_error(errno.0))?;
    }
    Ok(())
}

fn not_started(params: &ExecParams, error: &std::io::Error) -> ErrorBody {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Errno,
    };
    let message = format!("{:?} can't be started: {error}", params.argv[0]);
    let mut body = ErrorBody::new(kind, Blame::Caller, message);
    body.errno = error.raw_os_error();
    body.errno_name = body.errno.map(|errno| Errno(errno).name());
    body
}

/// Writes the standard input on a thread of its own: the program may not read.
fn feed(process: &mut Process, params: &ExecParams) {
    let Some(mut stdin) = process.child.stdin.take() else {
        return;
    };
    let Some(bytes) = params.stdin.clone().filter(|bytes| !bytes.0.is_empty()) else {
        return;
    };
    // A program that ends without reading it all is its own business.
    let writer = std::thread::Builder::new().name("stdin".to_string());
    let _ = writer.spawn(move || drop(stdin.write_all(&bytes.0)));
}

/// Output that is read on a thread of its own, up to a limit; what is beyond
/// is read and dropped, so that the program doesn't block.
struct Capture {
    kept: Arc<Mutex<(Vec<u8>, bool)>>,
    done: mpsc::Receiver<()>,
}

impl Capture {
    fn start(pipe: Option<impl Read + Send + 'static>, limit: usize) -> Self {
        let kept = Arc::new(Mutex::new((Vec::new(), false)));
        let (send, done) = mpsc::channel();
        let for_thread = kept.clone();
        let reader = std::thread::Builder::new()
            .name("output".to_string())
            .spawn(move || {
                if let Some(pipe) = pipe {
                    pump(pipe, limit, &for_thread);
                }
                let _ = send.send(());
            });
        if reader.is_err() {
            kept.lock().expect("no panics").1 = true;
        }
        Capture { kept, done }
    }

    /// False when there may be more to come.
    fn wait_until(&self, deadline: Instant) -> bool {
        self.done
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .is_ok()
    }

    /// What was read, and whether more was dropped.
    fn take(&self) -> (Vec<u8>, bool) {
        std::mem::take(&mut *self.kept.lock().expect("no panics"))
    }
}

fn pump(mut pipe: impl Read, limit: usize, kept: &Mutex<(Vec<u8>, bool)>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => {
                let (bytes, more) = &mut *kept.lock().expect("no panics");
                let room = limit.saturating_sub(bytes.len()).min(n);
                bytes.extend_from_slice(&buffer[..room]);
                *more |= room < n;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_beyond_the_limit_is_dropped_and_said() {
        let capture = Capture::start(Some(&b"0123456789"[..]), 4);
        assert!(capture.wait_until(Instant::now() + KILL_LIMIT));
        assert_eq!(capture.take(), (b"0123".to_vec(), true));
        let capture = Capture::start(Some(&b"0123"[..]), 4);
        assert!(capture.wait_until(Instant::now() + KILL_LIMIT));
        assert_eq!(capture.take(), (b"0123".to_vec(), false));
    }

    #[test]
    fn what_cannot_be_a_command_is_refused() {
        let params = |argv: &[&str]| ExecParams {
            argv: argv.iter().map(ToString::to_string).collect(),
            stdin: None,
            timeout_ms: None,
            root: ExecRoot::Guest,
            env: None,
            cwd: None,
            user: None,
        };
        for argv in [&[][..], &[""], &["a", "b\0c"]] {
            let error = command(&params(argv), &HostRoot::default()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
        }
    }
}
