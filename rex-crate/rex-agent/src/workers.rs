// SPDX-License-Identifier: GPL-2.0-only
//! Threads that do requests. One that is done waits for the next request: to
//! start and to end a thread is most of what a short request costs a clone, in
//! which code that runs for the first time has to be translated.

use std::ffi::CString;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::prctl;

/// Threads that may wait.
const MAX_IDLE: usize = 4;
const STACK_BYTES: usize = 512 * 1024;

struct Job {
    name: &'static str,
    work: Box<dyn FnOnce() + Send>,
}

/// As many threads as there is work, and some that wait for more.
#[derive(Default)]
pub struct Workers {
    idle: Mutex<Vec<Sender<Job>>>,
}

impl Workers {
    /// Has `work` done by a thread of that name.
    ///
    /// # Errors
    /// No thread waits, and none can be started.
    pub fn run(
        self: &Arc<Self>,
        name: &'static str,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let work = Box::new(work);
        let job = Job { name, work };
        match self.take_idle() {
            // It holds a sender of its own, so that it can't have hung up.
            Some(worker) => worker
                .send(job)
                .map_err(|_| io::Error::other("the thread that waited is gone")),
            None => self.start(job),
        }
    }

    fn take_idle(&self) -> Option<Sender<Job>> {
        self.lock().pop()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Sender<Job>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(self: &Arc<Self>, first: Job) -> io::Result<()> {
        let workers = self.clone();
        std::thread::Builder::new()
            .name(first.name.to_string())
            .stack_size(STACK_BYTES)
            .spawn(move || workers.work(first))
            .map(drop)
    }

    fn work(&self, first: Job) {
        let (sender, jobs) = channel();
        let mut job = first;
        loop {
            (job.work)();
            {
                let mut idle = self.lock();
                if idle.len() >= MAX_IDLE {
                    return;
                }
                idle.push(sender.clone());
            }
            let Ok(next) = jobs.recv() else { return };
            job = next;
            rename(job.name);
        }
    }
}

/// As tools and programs see the calling thread. A name that can't be set misleads nobody but them.
fn rename(name: &str) {
    if let Ok(name) = CString::new(name) {
        let _ = prctl::set_name(&name);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn work_goes_on_beside_work_that_blocks() {
        let workers = Arc::new(Workers::default());
        let (unblock, blocked) = mpsc::channel::<()>();
        let (done, results) = mpsc::channel();
        let block = move || {
            let _ = blocked.recv();
        };
        workers.run("blocks", block).unwrap();
        for number in 0..10 {
            let done = done.clone();
            workers
                .run("works", move || done.send(number).unwrap())
                .unwrap();
        }
        let mut seen: Vec<i32> = (0..10)
            .map(|_| results.recv_timeout(LIMIT).unwrap())
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
        drop(unblock);
    }

    #[test]
    fn a_thread_that_waits_is_used_again_under_the_new_name() {
        let workers = Arc::new(Workers::default());
        let (done, results) = mpsc::channel();
        let mut threads = Vec::new();
        for name in ["first", "second"] {
            let done = done.clone();
            let who = move || {
                let comm = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
                done.send((nix::unistd::gettid(), comm)).unwrap();
            };
            workers.run(name, who).unwrap();
            let (thread, comm) = results.recv_timeout(LIMIT).unwrap();
            assert_eq!(comm.trim(), name);
            threads.push(thread);
            while workers.lock().is_empty() {
                std::thread::yield_now();
            }
        }
        assert_eq!(threads[0], threads[1]);
    }

    #[test]
    fn few_threads_wait() {
        let workers = Arc::new(Workers::default());
        let (hold, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        for _ in 0..3 * MAX_IDLE {
            let held = held.clone();
            workers
                .run("holds", move || {
                    let _ = held.lock().map(|held| held.recv());
                })
                .unwrap();
        }
        drop(hold);
        let ended = || Arc::strong_count(&workers) <= 1 + MAX_IDLE;
        while !ended() {
            std::thread::yield_now();
        }
        assert!(workers.lock().len() <= MAX_IDLE);
    }
}
