// SPDX-License-Identifier: GPL-2.0-only
//! Lets the allocations of a load fail, one in each attempt: the first in the
//! first attempt, the second in the second, until an attempt needs fewer.
//! The kernel's fault injection counts for us (/proc/thread-self/fail-nth).

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::kernel::{self, Load};
use super::report::Report;

/// A load makes some hundred allocations; more than this is a loop of ours.
const MOST_ATTEMPTS: u32 = 10_000;

struct FailNth(File);

impl FailNth {
    fn open() -> Result<Self, String> {
        let path = "/proc/thread-self/fail-nth";
        let file = File::options().read(true).write(true).open(path);
        file.map(FailNth)
            .map_err(|error| format!("{path}: {error}"))
    }

    /// Runs `call` with the n-th allocation failing; false when it needed
    /// fewer. The file stays open, so that nothing else allocates meanwhile.
    fn run<T>(&self, n: u32, call: impl FnOnce() -> T) -> Result<(T, bool), String> {
        let failed = |error: std::io::Error| format!("fail-nth: {error}");
        self.0
            .write_at(n.to_string().as_bytes(), 0)
            .map_err(failed)?;
        let result = call();
        let mut left = [0; 16];
        let length = self.0.read_at(&mut left, 0).map_err(failed)?;
        self.0.write_at(b"0", 0).map_err(failed)?;
        let left = String::from_utf8_lossy(&left[..length]);
        Ok((result, left.trim() == "0"))
    }
}

/// First the load, then getting the program.
pub fn run(load: &Load<'_>, program: Option<&str>) -> Result<Report, String> {
    let faults = FailNth::open()?;
    let mut report = Report::default();
    for n in 1..MOST_ATTEMPTS {
        let (outcome, injected) = faults.run(n, || kernel::load(load))?;
        if let Ok(object) = outcome.result {
            kernel::close(object);
        }
        report.add(&outcome);
        if !injected {
            break;
        }
        report.failed_allocations += 1;
    }
    let outcome = kernel::load(load);
    if let (Ok(object), Some(program)) = (outcome.result, program) {
        for n in 1..MOST_ATTEMPTS {
            let (result, injected) = faults.run(n, || kernel::get_program(object, program))?;
            if let Ok(program) = result {
                kernel::close(program);
            }
            if !injected {
                break;
            }
            report.failed_allocations += 1;
        }
        kernel::close(object);
    }
    Ok(report)
}
