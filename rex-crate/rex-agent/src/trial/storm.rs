// SPDX-License-Identifier: GPL-2.0-only
//! Many threads load and unload at once, while another one changes under
//! their hands what they load.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;

use super::kernel::{self, Load};
use super::mutate::Random;
use super::report::Report;

/// How many at once, how often, and what disturbs them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storm {
    threads: u32,
    rounds: u32,
    interference: Option<Interference>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Interference {
    /// The first map's descriptor is closed, and made another file's, and a map's again.
    Descriptors,
    /// Bytes of the object change.
    Bytes,
}

impl Storm {
    /// Runs all threads to their end.
    pub fn run(&self, load: &Load<'_>, program: Option<&str>) -> Result<Report, String> {
        let other = std::fs::File::open("/dev/null").map_err(|error| error.to_string())?;
        let other = std::os::fd::AsRawFd::as_raw_fd(&other);
        let done = AtomicBool::new(false);
        let loads = || {
            let mut report = Report::default();
            for _ in 0..self.rounds {
                report.add(&kernel::load_and_close(load, program));
            }
            report
        };
        std::thread::scope(|scope| {
            if let Some(interference) = self.interference {
                scope.spawn({
                    let done = &done;
                    move || interference.run(load, other, done)
                });
            }
            let threads: Vec<_> = (0..self.threads).map(|_| scope.spawn(loads)).collect();
            let mut report = Report::default();
            let mut lost = 0;
            for thread in threads {
                match thread.join() {
                    Ok(part) => report.merge(part),
                    Err(_) => lost += 1,
                }
            }
            done.store(true, Ordering::Relaxed);
            if lost > 0 {
                return Err(format!("{lost} threads panicked"));
            }
            Ok(report)
        })
    }
}

impl Interference {
    fn run(self, load: &Load<'_>, other: i32, done: &AtomicBool) {
        let mut random = Random::new(1);
        let Some(fd) = load.maps.first().map(|map| map.fd()) else {
            return;
        };
        let Ok(good) = kernel::to_high_number(fd) else {
            return;
        };
        while !done.load(Ordering::Relaxed) {
            match self {
                Interference::Descriptors => {
                    kernel::close(fd);
                    std::thread::yield_now();
                    kernel::dup_to(other, fd);
                    std::thread::yield_now();
                    kernel::dup_to(good, fd);
                    std::thread::yield_now();
                }
                Interference::Bytes => {
                    let at = random.below(load.elf.len());
                    let byte = load.elf.get(at);
                    load.elf.set(at, byte ^ 0x40);
                    std::thread::yield_now();
                    load.elf.set(at, byte);
                }
            }
        }
    }
}
