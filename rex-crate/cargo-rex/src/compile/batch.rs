// SPDX-License-Identifier: GPL-2.0-only
//! Many programs: JSON lines in, JSON lines out, in the order of completion.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::input::{Input, Request};
use super::{Outcome, compile};
use crate::sysroot::Sysroot;

/// Longest request, in bytes: a program's text and its name.
const MOST_REQUEST_BYTES: usize = 4 << 20;

/// Answers every line of `requests`, `jobs` at a time. An error means that the
/// machine failed, and leaves requests without an answer.
pub fn run(
    sysroot: &Sysroot,
    cache: &Path,
    jobs: usize,
    requests: impl BufRead + Send,
    answers: impl Write + Send,
) -> Result<()> {
    let requests = Mutex::new(requests.lines());
    let answers = Mutex::new(answers);
    let failed = AtomicBool::new(false);
    let work = || -> Result<()> {
        while !failed.load(Ordering::Relaxed) {
            let line = requests.lock().expect("no holder panics").next();
            let Some(line) = line else { break };
            let line = line.context("can't read a request")?;
            if line.trim().is_empty() {
                continue;
            }
            let answer = answer(sysroot, cache, &line)
                .inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            let mut answers = answers.lock().expect("no holder panics");
            writeln!(answers, "{answer}").and_then(|()| answers.flush())?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        let mut ends = workers.into_iter().map(|worker| worker.join());
        ends.try_for_each(|end| end.expect("a worker doesn't panic"))
    })
}

fn answer(sysroot: &Sysroot, cache: &Path, line: &str) -> Result<Value> {
    let start = Instant::now();
    if line.len() > MOST_REQUEST_BYTES {
        anyhow::bail!("a request has {} bytes", line.len());
    }
    let request: Request = serde_json::from_str(line).context("a request is malformed")?;
    let outcome = match Input::resolve(&request)? {
        Ok(input) => compile(sysroot, cache, &input, false)?,
        Err(refusal) => Err(refusal),
    };
    Ok(render(
        &request.id,
        &outcome,
        start.elapsed().as_millis() as u64,
    ))
}

fn render(id: &str, outcome: &Outcome, ms: u64) -> Value {
    match outcome {
        Ok(built) => json!({
            "id": id,
            "ok": true,
            "object": built.object,
            "debug": built.debug,
            "warnings": built.warnings,
            "ms": ms,
            "cached": built.cached,
        }),
        Err(refusal) => json!({
            "id": id,
            "ok": false,
            "stage": refusal.stage,
            "rendered": refusal.rendered,
            "diagnostics": refusal.diagnostics,
            "kept": refusal.kept,
            "ms": ms,
            "cached": refusal.cached,
        }),
    }
}
