// SPDX-License-Identifier: GPL-2.0-only
//! Running a tool, for a bounded time.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// How long a tool may take for one program. A compiler that runs this long
/// has been given a program that makes it.
pub const LIMIT: Duration = Duration::from_secs(120);

/// What a tool left behind.
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard error.
    pub stderr: String,
}

/// Runs `command` to its end, or ends it after `limit`.
pub fn run(command: &mut Command, limit: Duration) -> Result<Finished> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't run {name}"))?;
    let stderr = collect(child.stderr.take().context("no pipe")?);
    let status = wait(&mut child, limit)
        .with_context(|| format!("{name} did not end within {} s", limit.as_secs()))?;
    let stderr = stderr.join().map_err(|_| anyhow!("the reader panicked"))?;
    Ok(Finished {
        status,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends the text, and the status tells why.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn wait(child: &mut Child, limit: Duration) -> Result<ExitStatus> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if start.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            bail!("it was ended");
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_and_the_status_are_kept() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let finished = run(&mut command, LIMIT).unwrap();
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!(finished.stderr, "err\n");
    }

    #[test]
    fn a_tool_that_does_not_end_is_ended() {
        let start = Instant::now();
        let mut command = Command::new("/bin/sleep");
        assert!(run(command.arg("100"), Duration::from_millis(50)).is_err());
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
