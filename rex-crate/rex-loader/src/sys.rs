// SPDX-License-Identifier: GPL-2.0-only
//! The seam to the kernel: every system call of the loader is a method of
//! [`Kernel`]. [`Linux`] makes them; a test brings its own.

mod attr;
mod call;
mod details;
mod linux;
mod pages;
mod perf_buffer;
mod ringbuf;

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub use details::{IdKind, LinkDetails, LinkedTo, MapDetails, ProgramDetails};
pub use linux::Linux;

use crate::error::Errno;
use crate::object_file::MapRecord;
use crate::perf_buffer::PerfReader;
use crate::ringbuf::Records;

/// What a system call gives.
pub type SysResult<T> = Result<T, Errno>;

/// Sizes of a map's elements, as bpf(2) reads and writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapShape {
    /// enum bpf_map_type.
    pub map_type: u32,
    /// Bytes of a key; 0 for queues and stacks.
    pub key_size: u32,
    /// Bytes of one value.
    pub value_size: u32,
    /// Values of one element: the possible CPUs of a per-CPU map, or 1.
    pub values_per_entry: u32,
    /// How many elements there can be.
    pub max_entries: u32,
}

impl MapShape {
    /// Bytes between the values of a per-CPU map's element.
    pub fn stride(&self) -> usize {
        (self.value_size as usize).next_multiple_of(8)
    }

    /// Bytes that bpf(2) moves for one element.
    pub fn transfer_bytes(&self) -> usize {
        if self.is_per_cpu() {
            self.stride() * self.values_per_entry as usize
        } else {
            self.value_size as usize
        }
    }

    /// Whether an element has a value for each CPU.
    pub fn is_per_cpu(&self) -> bool {
        is_per_cpu(self.map_type)
    }
}

/// Whether maps of this type have a value for each CPU.
pub fn is_per_cpu(map_type: u32) -> bool {
    // PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH, PERCPU_CGROUP_STORAGE
    matches!(map_type, 5 | 6 | 10 | 21)
}

/// A map and the sizes of its elements. The kernel writes as many bytes as
/// *its* map has, so a buffer may only be passed together with this proof of
/// its size: it can be made only in this crate, from what the map was created
/// with.
#[derive(Debug)]
pub struct MapFd {
    fd: OwnedFd,
    shape: MapShape,
}

impl MapFd {
    /// `shape` must be that of the map behind `fd`.
    pub(crate) fn new(fd: OwnedFd, shape: MapShape) -> Self {
        MapFd { fd, shape }
    }

    /// Another descriptor of the same map.
    pub(crate) fn try_clone(&self) -> SysResult<Self> {
        let fd = self
            .fd
            .try_clone()
            .map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EBADF)))?;
        Ok(MapFd::new(fd, self.shape))
    }

    /// The sizes.
    pub fn shape(&self) -> &MapShape {
        &self.shape
    }

    fn check(&self, key: Option<&[u8]>, value: Option<&[u8]>) -> SysResult<()> {
        let key_fits = key.is_none_or(|key| key.len() == self.shape.key_size as usize);
        let value_fits = value.is_none_or(|value| value.len() == self.shape.transfer_bytes());
        if key_fits && value_fits {
            Ok(())
        } else {
            Err(Errno(libc::EINVAL))
        }
    }
}

impl AsFd for MapFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// An object on its way into the kernel.
#[derive(Debug)]
pub struct RexLoad<'a> {
    /// The object file.
    pub elf: &'a [u8],
    /// Its name, for messages.
    pub name: &'a str,
    /// A map for each of its records.
    pub maps: Vec<(&'a str, BorrowedFd<'a>)>,
}

/// A perf event that a program can be attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PerfEvent {
    /// A kernel probe of the kprobe PMU.
    Kprobe {
        /// Number of the PMU.
        pmu: u32,
        /// Bits of `config`: a return probe or not.
        config: u64,
        /// The function.
        symbol: std::ffi::CString,
        /// Bytes after its start.
        offset: u64,
    },
    /// A tracepoint, by its id in tracefs.
    Tracepoint {
        /// The id.
        id: u64,
    },
    /// A counter of one CPU.
    Counter {
        /// enum perf_type_id.
        event_type: u32,
        /// Which of that type.
        config: u64,
        /// How far it goes from one overflow to the next.
        sample_period: u64,
        /// The CPU.
        cpu: u32,
    },
}

/// What a link attaches its program to.
#[derive(Debug)]
pub enum LinkPlace<'a> {
    /// A perf event.
    PerfEvent {
        /// The event.
        event: BorrowedFd<'a>,
        /// A number that the program can ask for.
        cookie: u64,
    },
    /// A network device.
    Device {
        /// Its number.
        index: u32,
        /// enum bpf_attach_type.
        attach_type: u32,
        /// `XDP_FLAGS_*`, for XDP.
        flags: u32,
    },
}

/// A run of a program without its hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestRun {
    /// The packet.
    pub data_in: Vec<u8>,
    /// The context.
    pub ctx_in: Vec<u8>,
    /// How often.
    pub repeat: u32,
    /// Not only judge the packets but have them go where the program says
    /// (XDP), so many at a time: then nothing comes back.
    pub live_frames: Option<u32>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestRunOutcome {
    /// The last return value.
    pub retval: u32,
    /// The packet afterwards.
    pub data_out: Vec<u8>,
    /// The context afterwards.
    pub ctx_out: Vec<u8>,
    /// Mean time of a run.
    pub duration_ns: u32,
}

/// The system calls of the loader.
///
/// All of them are safe to call with any arguments: what is wrong comes back
/// as an errno.
pub trait Kernel: Send + Sync {
    /// Creates the map of a record; `possible_cpus` is for the size of its elements.
    fn map_create(&self, record: &MapRecord, possible_cpus: u32) -> SysResult<MapFd>;
    /// Reads an element into `value`.
    fn map_lookup(&self, map: &MapFd, key: &[u8], value: &mut [u8]) -> SysResult<()>;
    /// Writes an element.
    fn map_update(&self, map: &MapFd, key: &[u8], value: &[u8], flags: u64) -> SysResult<()>;
    /// Deletes an element.
    fn map_delete(&self, map: &MapFd, key: &[u8]) -> SysResult<()>;
    /// Reads an element into `value` and deletes it, in one step.
    fn map_take(&self, map: &MapFd, key: &[u8], value: &mut [u8]) -> SysResult<()>;
    /// Gives the key behind `key`, or the first; ENOENT at the end.
    fn map_next_key(&self, map: &MapFd, key: Option<&[u8]>, next: &mut [u8]) -> SysResult<()>;

    /// Takes records out of a ring buffer.
    fn ringbuf_read(&self, map: &MapFd, max_bytes: usize) -> SysResult<Records>;

    /// Opens a perf buffer for what programs on a CPU write to a perf event array.
    fn perf_buffer_open(&self, map: &MapFd, cpu: u32) -> SysResult<Box<dyn PerfReader>>;

    /// Loads an object. The kernel's words are put into `log`, also on failure.
    fn rex_load(&self, load: &RexLoad<'_>, log: &mut String) -> SysResult<OwnedFd>;
    /// Gets a program of an object; without an object the answer is always an
    /// errno: EBADF from a kernel with Rex.
    fn rex_get_program(&self, object: Option<BorrowedFd<'_>>, name: &str) -> SysResult<OwnedFd>;

    /// Opens a perf event, disabled.
    fn perf_event_open(&self, event: &PerfEvent) -> SysResult<OwnedFd>;
    /// Starts a perf event.
    fn perf_event_enable(&self, event: BorrowedFd<'_>) -> SysResult<()>;
    /// Attaches a program.
    fn link_create(&self, program: BorrowedFd<'_>, place: LinkPlace<'_>) -> SysResult<OwnedFd>;
    /// Gives a link another program; if a program is expected, only in the place of that one.
    fn link_update(
        &self,
        link: BorrowedFd<'_>,
        program: BorrowedFd<'_>,
        expected: Option<BorrowedFd<'_>>,
    ) -> SysResult<()>;
    /// Takes a link's program from its hook.
    fn link_detach(&self, link: BorrowedFd<'_>) -> SysResult<()>;

    /// Gives a program, map or link a name in a BPF file system, which keeps it.
    fn pin(&self, what: BorrowedFd<'_>, path: &CStr) -> SysResult<()>;
    /// What has that name; EINVAL when it is of another kind.
    fn pinned(&self, kind: IdKind, path: &CStr) -> SysResult<OwnedFd>;

    /// Loads an eBPF program under the licence GPL. The verifier's words are
    /// put into `log` on failure.
    fn ebpf_load(
        &self,
        program_type: u32,
        instructions: &[u8],
        name: &str,
        log: &mut String,
    ) -> SysResult<OwnedFd>;

    /// Runs a program without its hook.
    fn test_run(&self, program: BorrowedFd<'_>, run: &TestRun) -> SysResult<TestRunOutcome>;

    /// The id behind `id`; ENOENT at the end.
    fn next_id(&self, kind: IdKind, id: u32) -> SysResult<u32>;
    /// A file descriptor for an id.
    fn fd_by_id(&self, kind: IdKind, id: u32) -> SysResult<OwnedFd>;
    /// What the kernel says of a program.
    fn program_details(&self, program: BorrowedFd<'_>) -> SysResult<ProgramDetails>;
    /// What the kernel says of a map.
    fn map_details(&self, map: BorrowedFd<'_>) -> SysResult<MapDetails>;
    /// What the kernel says of a link.
    fn link_details(&self, link: BorrowedFd<'_>) -> SysResult<LinkDetails>;

    /// Reads a small file of /sys.
    fn read_text(&self, path: &str) -> SysResult<String>;
}
