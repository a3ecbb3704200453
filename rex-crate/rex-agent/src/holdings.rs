// SPDX-License-Identifier: GPL-2.0-only
//! What a test can leave behind: all that the runner compares before and
//! after it, in one answer.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use nix::sched::sched_getcpu;
use rex_loader::Loader;
use rex_protocol::{ErrorBody, HoldingsParams, HoldingsResult, InventoryResult};

use crate::convert::loader_error;
use crate::text::read_text;
use crate::{cpus, trigger};

const MAX_TEXTS: usize = 64;
const MAX_TEXT_BYTES: u64 = 1024 * 1024;
const MAX_PINS: usize = 10_000;
const OPEN_FILES: &str = "/proc/self/fd";
const PINS: &str = "/sys/fs/bpf";
const STACK_BYTES: usize = 64 * 1024;

/// Takes everything. Of two at a time each would see the other's files.
pub fn take(
    loader: &Loader,
    params: &HoldingsParams,
    inventory: InventoryResult,
) -> Result<HoldingsResult, ErrorBody> {
    if params.texts.len() > MAX_TEXTS {
        return Err(ErrorBody::invalid(format!(
            "{} files to read; at most {MAX_TEXTS} are allowed",
            params.texts.len()
        )));
    }
    let text = |path: &String| Some((path.clone(), read_text(path, MAX_TEXT_BYTES).ok()?));
    let mut pins = Vec::new();
    list_below(Path::new(PINS), &mut pins);
    pins.sort_unstable();
    Ok(HoldingsResult {
        inventory,
        texts: params.texts.iter().filter_map(text).collect(),
        open_files: open_files(),
        pins,
        last_btf: loader.last_btf().map_err(loader_error)?,
        deaf_cpus: deaf_cpus(Duration::from_millis(params.cpu_limit_ms.into()))?,
    })
}

/// Without the folder itself, which is open while it is listed.
fn open_files() -> Vec<String> {
    let Ok(entries) = fs::read_dir(OPEN_FILES) else {
        return Vec::new();
    };
    let own = format!("/proc/{}/fd", std::process::id());
    entries
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .map(|target| target.to_string_lossy().into_owned())
        .filter(|target| *target != own)
        .collect()
}

fn list_below(folder: &Path, names: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if names.len() >= MAX_PINS {
            return;
        }
        names.push(entry.path().to_string_lossy().into_owned());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            list_below(&entry.path(), names);
        }
    }
}

/// CPUs on which no thread gets to run: something there does not end.
fn deaf_cpus(limit: Duration) -> Result<Vec<u32>, ErrorBody> {
    let here = sched_getcpu().ok().and_then(|cpu| u32::try_from(cpu).ok());
    let mut missing: Vec<u32> = cpus::read()?.online;
    missing.retain(|cpu| Some(*cpu) != here);
    let (send, ran) = mpsc::channel();
    for cpu in missing.clone() {
        let send = send.clone();
        let thread = std::thread::Builder::new()
            .name("look-round".to_string())
            .stack_size(STACK_BYTES);
        let look = move || {
            // One that went offline meanwhile is not deaf.
            let _ = trigger::pin(Some(cpu));
            // Nobody listens after the limit.
            let _ = send.send(cpu);
        };
        thread
            .spawn(look)
            .map_err(|error| ErrorBody::internal(format!("no thread for CPU {cpu}: {error}")))?;
    }
    drop(send);
    let deadline = Instant::now() + limit;
    while !missing.is_empty() {
        match ran.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(cpu) => missing.retain(|other| *other != cpu),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_with_those_in_folders() {
        let folder = std::env::temp_dir().join(format!("holdings-{}", std::process::id()));
        fs::create_dir_all(folder.join("a/b")).unwrap();
        fs::write(folder.join("a/c"), "").unwrap();
        let mut names = Vec::new();
        list_below(&folder, &mut names);
        fs::remove_dir_all(&folder).unwrap();
        let names: Vec<&str> = names
            .iter()
            .map(|name| name.strip_prefix(folder.to_str().unwrap()).unwrap())
            .collect();
        assert_eq!(names.len(), 3);
        for name in ["/a", "/a/b", "/a/c"] {
            assert!(names.contains(&name), "{name} of {names:?}");
        }
    }

    #[test]
    fn an_open_file_is_listed_and_a_closed_one_is_not() {
        let path = std::env::temp_dir().join(format!("holdings-open-{}", std::process::id()));
        let name = path.to_string_lossy().into_owned();
        let file = fs::File::create(&path).unwrap();
        assert!(open_files().contains(&name));
        drop(file);
        assert!(!open_files().contains(&name));
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_cpu_that_runs_threads_is_not_deaf() {
        assert_eq!(deaf_cpus(Duration::from_secs(20)).unwrap(), [0u32; 0]);
    }
}
