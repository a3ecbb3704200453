// SPDX-License-Identifier: GPL-2.0-only
//! Makes system calls so that programs run: each thread its own, on the CPU
//! that was asked for, all at once.

mod plan;

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;
use rex_loader::Errno;
use rex_protocol::{
    Blame, ErrorBody, ErrorKind, I64, TriggerOutcome, TriggerParams, TriggerResult,
};

use crate::death;
use crate::user::Identity;
use plan::Plan;

const DEFAULT_TIMEOUT_MS: u32 = 30_000;
const STACK_BYTES: usize = 128 * 1024;
/// Threads that may exist at once, those included that never came back.
const MAX_THREADS: usize = 1024;

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// A place for a thread, given back when the thread ends.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let place = Place;
        // One place too many gives itself back.
        (THREADS.fetch_add(1, Ordering::SeqCst) < MAX_THREADS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Makes the calls and waits for them.
pub fn run(params: &TriggerParams) -> Result<TriggerResult, ErrorBody> {
    let limit = Duration::from_millis(params.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS).into());
    let deadline = Instant::now() + limit;
    let plans = plan::all(params)?;
    if plans.iter().any(Plan::ends_agent) {
        death::die("system call exit_group was asked for");
    }
    let together = params.barrier.unwrap_or(true);
    let files = if params.keep_files.unwrap_or(false) {
        Files::Shared
    } else {
        Files::Own
    };
    let groups: Vec<Vec<Plan>> = if together {
        vec![plans]
    } else {
        plans.into_iter().map(|plan| vec![plan]).collect()
    };
    let mut calls = Vec::new();
    for group in groups {
        calls.extend(run_group(group, files, deadline)?);
    }
    Ok(TriggerResult { calls, exits: None })
}

/// File descriptors of a thread that makes calls.
#[derive(Clone, Copy)]
enum Files {
    /// A table of its own with 0, 1 and 2 only, so that results don't depend on
    /// what the agent has open, and nothing leaks.
    Own,
    /// The agent's.
    Shared,
}

impl Files {
    fn set_up(self) -> Result<(), ErrorBody> {
        if matches!(self, Files::Shared) {
            return Ok(());
        }
        // SAFETY: the calling thread gets a table of its own before anything is
        // closed in it, and it uses no descriptor of the agent afterwards.
        let closed = unsafe {
            libc::syscall(
                libc::SYS_close_range,
                3,
                libc::c_uint::MAX,
                libc::CLOSE_RANGE_UNSHARE,
            )
        };
        if closed < 0 {
            let errno = Errno::last();
            let message = format!("a thread can't have file descriptors of its own: {errno}");
            return Err(ErrorBody::new(
                ErrorKind::Unsupported,
                Blame::Kernel,
                message,
            ));
        }
        Ok(())
    }
}

/// Holds threads back until all of them are where they should be.
struct Gate {
    ready: AtomicUsize,
    state: AtomicU32,
}

const WAIT: u32 = 0;
const GO: u32 = 1;
const CANCEL: u32 = 2;

impl Gate {
    /// One thread alone waits for nobody: two that wait for each other keep
    /// two CPUs busy.
    fn of(threads: usize) -> Self {
        let state = if threads == 1 { GO } else { WAIT };
        Self {
            ready: AtomicUsize::new(0),
            state: AtomicU32::new(state),
        }
    }

    /// False when the threads aren't to start after all.
    fn pass(&self) -> bool {
        self.ready.fetch_add(1, Ordering::SeqCst);
        loop {
            match self.state.load(Ordering::SeqCst) {
                // Yielding, because the others may need this CPU to get ready.
                WAIT => std::thread::yield_now(),
                state => return state == GO,
            }
        }
    }

    fn open_when_ready(&self, threads: usize, deadline: Instant) {
        if self.state.load(Ordering::SeqCst) == GO {
            return;
        }
        while self.ready.load(Ordering::SeqCst) < threads && Instant::now() < deadline {
            std::thread::yield_now();
        }
        self.state.store(GO, Ordering::SeqCst);
    }
}

fn run_group(
    plans: Vec<Plan>,
    files: Files,
    deadline: Instant,
) -> Result<Vec<TriggerOutcome>, ErrorBody> {
    let threads = plans.len();
    let gate = Arc::new(Gate::of(threads));
    let (send, receive) = mpsc::channel();
    for (index, plan) in plans.into_iter().enumerate() {
        let (shared, send) = (gate.clone(), send.clone());
        let thread = std::thread::Builder::new()
            .name(format!("trigger-{index}"))
            .stack_size(STACK_BYTES);
        let place = Place::take();
        let spawned = match place {
            None => Err(std::io::Error::other("too many have not come back")),
            Some(place) => thread.spawn(move || {
                let _place = place;
                let outcome = run_one(plan, files, &shared);
                // Nobody listens after the time-out.
                let _ = send.send((index, outcome));
            }),
        };
        if let Err(error) = spawned {
            gate.state.store(CANCEL, Ordering::SeqCst);
            let message = format!("no thread for a system call: {error}");
            return Err(ErrorBody::new(ErrorKind::Busy, Blame::Caller, message));
        }
    }
    gate.open_when_ready(threads, deadline);
    let mut outcomes: Vec<Option<TriggerOutcome>> = vec![None; threads];
    for done in 0..threads {
        let left = deadline.saturating_duration_since(Instant::now());
        let (index, outcome) = receive.recv_timeout(left).map_err(|_| {
            let message = format!(
                "{} of {threads} threads were not done in time",
                threads - done
            );
            ErrorBody::new(ErrorKind::Timeout, Blame::Caller, message)
        })?;
        outcomes[index] = Some(outcome?);
    }
    Ok(outcomes.into_iter().flatten().collect())
}

fn run_one(mut plan: Plan, files: Files, gate: &Gate) -> Result<TriggerOutcome, ErrorBody> {
    let ready = pin(plan.cpu)
        .and_then(|()| files.set_up())
        .and_then(|()| become_user(plan.user));
    // Through the gate in any case: the others wait for it.
    let go = gate.pass();
    ready?;
    if !go {
        return Err(ErrorBody::internal("cancelled"));
    }
    let start = Instant::now();
    let (mut ret, mut failed) = (0i64, 0);
    for _ in 0..plan.repeat {
        ret = plan.call();
        failed += u32::from(error_of(ret).is_some());
    }
    let duration = start.elapsed();
    let errno = error_of(ret);
    Ok(TriggerOutcome {
        ret: I64(ret),
        errno: errno.map(|errno| errno.0),
        errno_name: errno.map(Errno::name),
        count: plan.repeat,
        failed,
        duration_ns: u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX),
        cpu: sched_getcpu().map_or(0, |cpu| u32::try_from(cpu).unwrap_or(0)),
        tid: nix::unistd::gettid().as_raw().cast_unsigned(),
        buffers: plan.buffers(),
    })
}

fn become_user(user: Option<Identity>) -> Result<(), ErrorBody> {
    let Some(user) = user else { return Ok(()) };
    user.assume().map_err(|errno| user.cannot_be(&errno))
}

fn error_of(ret: i64) -> Option<Errno> {
    let errno = i32::try_from(ret.checked_neg()?).ok()?;
    (1..=Errno::MAX).contains(&errno).then_some(Errno(errno))
}

/// Has the calling thread run on one CPU only.
pub fn pin(cpu: Option<u32>) -> Result<(), ErrorBody> {
    let Some(cpu) = cpu else { return Ok(()) };
    let mut set = CpuSet::new();
    let pinned = set
        .set(cpu as usize)
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &set));
    pinned.map_err(|errno| {
        ErrorBody::invalid(format!(
            "a thread can't run on CPU {cpu} ({errno}): is it online?"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rex_protocol::{BufferArg, Syscall, SyscallArg, TextArg, TriggerCall, U64};

    fn call(name: &str, args: Vec<SyscallArg>) -> TriggerCall {
        TriggerCall {
            cpu: None,
            syscall: Syscall::Name(name.to_string()),
            args,
            repeat: None,
            user: None,
        }
    }

    fn trigger(calls: Vec<TriggerCall>) -> Result<TriggerResult, ErrorBody> {
        run(&TriggerParams {
            calls,
            barrier: None,
            timeout_ms: Some(5_000),
            keep_files: None,
            exits_since: None,
        })
    }

    #[test]
    fn one_thread_alone_waits_for_nobody_and_two_for_each_other() {
        assert!(Gate::of(1).pass());
        let gate = Arc::new(Gate::of(2));
        let passed = gate.clone();
        let thread = std::thread::spawn(move || passed.pass());
        assert!(!thread.is_finished());
        gate.open_when_ready(1, Instant::now() + Duration::from_secs(5));
        assert!(thread.join().unwrap());
    }

    #[test]
    fn results_and_errors_of_calls() {
        let bad = TriggerCall {
            repeat: Some(3),
            ..call("dup", vec![SyscallArg::Number(U64(u64::MAX))])
        };
        let result = trigger(vec![call("getppid", vec![]), bad]).unwrap();
        assert!(result.calls[0].ret.0 > 0 && result.calls[0].errno.is_none());
        let bad = &result.calls[1];
        assert_eq!((bad.ret.0, bad.errno_name.as_deref()), (-9, Some("EBADF")));
        assert_eq!((bad.count, bad.failed), (3, 3));
    }

    #[test]
    fn memory_goes_in_and_comes_back() {
        let path = SyscallArg::Text(TextArg {
            text: "/".to_string(),
        });
        let buffer = SyscallArg::Buffer(BufferArg { buffer: 390 });
        let access = call("access", vec![path]);
        let uname = call("uname", vec![buffer]);
        let result = trigger(vec![access, uname]).unwrap();
        assert_eq!(result.calls[0].ret.0, 0);
        let buffer = &result.calls[1].buffers[0].0;
        assert!(buffer.len() == 390 && buffer.starts_with(b"Linux\0"));
    }

    #[test]
    fn a_thread_has_descriptors_of_its_own() {
        // Whatever this process has open: 3 is the first that is free.
        let dup = call("dup", vec![SyscallArg::Number(U64(1))]);
        let beyond = call("dup", vec![SyscallArg::Number(U64(3))]);
        let result = trigger(vec![dup.clone(), dup, beyond]).unwrap();
        assert_eq!([result.calls[0].ret.0, result.calls[1].ret.0], [3, 3]);
        assert_eq!(result.calls[2].errno_name.as_deref(), Some("EBADF"));
    }

    #[test]
    fn threads_are_pinned_and_a_wrong_cpu_is_the_callers_fault() {
        let pinned = TriggerCall {
            cpu: Some(0),
            ..call("getpid", vec![])
        };
        assert_eq!(trigger(vec![pinned.clone()]).unwrap().calls[0].cpu, 0);
        let wrong = TriggerCall {
            cpu: Some(100_000),
            ..pinned.clone()
        };
        let error = trigger(vec![pinned, wrong]).unwrap_err();
        assert!(error.message.contains("CPU 100000"), "{}", error.message);
    }

    #[test]
    fn a_call_that_does_not_return_times_out() {
        let never = call("pause", vec![]);
        let params = TriggerParams {
            calls: vec![never],
            barrier: None,
            timeout_ms: Some(50),
            keep_files: None,
            exits_since: None,
        };
        let error = run(&params).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout);
    }

    #[test]
    fn returns_that_are_errors() {
        assert_eq!(error_of(-1), Some(Errno(1)));
        assert_eq!(error_of(-4095), Some(Errno(4095)));
        for fine in [0, 1, -4096, i64::MIN, i64::MAX] {
            assert_eq!(error_of(fine), None, "{fine}");
        }
    }
}
