// SPDX-License-Identifier: GPL-2.0-only
//! A kernel for tests: it keeps maps in memory, takes every object, and notes
//! what it was asked. A test makes single calls fail.

use std::collections::{BTreeMap, HashMap};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};

use crate::error::Errno;
use crate::object_file::MapRecord;
use crate::perf_buffer::PerfReader;
use crate::ringbuf::Records;
use crate::sys::{
    IdKind, Kernel, LinkDetails, LinkPlace, MapDetails, MapFd, MapShape, PerfEvent, ProgramDetails,
    RexLoad, SysResult, TestRun, TestRunOutcome, is_per_cpu,
};

type Elements = BTreeMap<Vec<u8>, Vec<u8>>;

/// The fake, shared between a loader and the test that looks into it.
#[derive(Default)]
pub struct Fake {
    /// Calls by name, in order.
    pub calls: Mutex<Vec<String>>,
    /// Calls that fail, by name.
    pub failures: Mutex<HashMap<&'static str, Errno>>,
    /// What loading writes to the log.
    pub log: Mutex<String>,
    /// Files of /sys.
    pub files: Mutex<HashMap<String, String>>,
    /// Ids of programs that are listed; those from 100 on are gone when opened.
    pub program_ids: Mutex<Vec<u32>>,
    maps: Mutex<HashMap<i32, Elements>>,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        let fake = Fake::default();
        fake.file("/sys/devices/system/cpu/possible", "0-2\n");
        fake.file("/sys/bus/event_source/devices/kprobe/type", "8\n");
        fake.file(
            "/sys/bus/event_source/devices/kprobe/format/retprobe",
            "config:0\n",
        );
        fake.file(
            "/sys/kernel/debug/tracing/events/syscalls/sys_enter_dup/id",
            "123\n",
        );
        fake.file("/sys/class/net/veth0/ifindex", "7\n");
        Arc::new(fake)
    }

    pub fn file(&self, path: &str, text: &str) {
        self.files
            .lock()
            .unwrap()
            .insert(path.to_string(), text.to_string());
    }

    pub fn fail(&self, call: &'static str, errno: i32) {
        self.failures.lock().unwrap().insert(call, Errno(errno));
    }

    pub fn called(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn call(&self, name: &'static str, detail: &str) -> SysResult<()> {
        self.calls
            .lock()
            .unwrap()
            .push(format!("{name} {detail}").trim_end().to_string());
        self.failures
            .lock()
            .unwrap()
            .get(name)
            .map_or(Ok(()), |errno| Err(*errno))
    }

    fn with_map<T>(&self, map: &MapFd, f: impl FnOnce(&mut Elements) -> T) -> T {
        f(self
            .maps
            .lock()
            .unwrap()
            .entry(map.as_fd().as_raw_fd())
            .or_default())
    }
}

fn some_fd() -> OwnedFd {
    std::fs::File::open("/dev/null").unwrap().into()
}

impl Kernel for Fake {
    fn map_create(&self, record: &MapRecord, possible_cpus: u32) -> SysResult<MapFd> {
        self.call("map_create", &record.name)?;
        let per_cpu = is_per_cpu(record.map_type);
        let shape = MapShape {
            map_type: record.map_type,
            key_size: record.key_size,
            value_size: record.value_size,
            values_per_entry: if per_cpu { possible_cpus } else { 1 },
            max_entries: record.max_entries,
        };
        Ok(MapFd::new(some_fd(), shape))
    }

    fn map_lookup(&self, map: &MapFd, key: &[u8], value: &mut [u8]) -> SysResult<()> {
        self.call("map_lookup", "")?;
        self.with_map(map, |elements| {
            value.copy_from_slice(elements.get(key).ok_or(Errno(libc::ENOENT))?);
            Ok(())
        })
    }

    fn map_update(&self, map: &MapFd, key: &[u8], value: &[u8], flags: u64) -> SysResult<()> {
        self.call("map_update", &format!("{flags}"))?;
        assert_eq!(value.len(), map.shape().transfer_bytes());
        self.with_map(map, |elements| {
            elements.insert(key.to_vec(), value.to_vec())
        });
        Ok(())
    }

    fn map_delete(&self, map: &MapFd, key: &[u8]) -> SysResult<()> {
        self.call("map_delete", "")?;
        let gone = self.with_map(map, |elements| elements.remove(key));
        gone.map(drop).ok_or(Errno(libc::ENOENT))
    }

    fn map_take(&self, map: &MapFd, key: &[u8], value: &mut [u8]) -> SysResult<()> {
        self.call("map_take", "")?;
        let taken = self.with_map(map, |elements| elements.remove(key));
        value.copy_from_slice(&taken.ok_or(Errno(libc::ENOENT))?);
        Ok(())
    }

    fn map_next_key(&self, map: &MapFd, key: Option<&[u8]>, next: &mut [u8]) -> SysResult<()> {
        self.call("map_next_key", "")?;
        self.with_map(map, |elements| {
            let mut keys = elements.keys();
            let found = match key {
                // As a hash does: a key that isn't there leads to the first.
                Some(key) if elements.contains_key(key) => {
                    keys.find(|other| other.as_slice() > key)
                }
                _ => keys.next(),
            };
            next.copy_from_slice(found.ok_or(Errno(libc::ENOENT))?);
            Ok(())
        })
    }

    fn ringbuf_read(&self, _map: &MapFd, max_bytes: usize) -> SysResult<Records> {
        self.call("ringbuf_read", &format!("{max_bytes}"))?;
        Ok(Records::default())
    }

    fn perf_buffer_open(&self, _map: &MapFd, cpu: u32) -> SysResult<Box<dyn PerfReader>> {
        self.call("perf_buffer_open", &format!("{cpu}"))?;
        Err(Errno(libc::ENODEV))
    }

    fn rex_load(&self, load: &RexLoad<'_>, log: &mut String) -> SysResult<OwnedFd> {
        let maps: Vec<&str> = load.maps.iter().map(|(name, _)| *name).collect();
        log.push_str(&self.log.lock().unwrap());
        self.call("rex_load", &format!("{} [{}]", load.name, maps.join(" ")))?;
        Ok(some_fd())
    }

    fn rex_get_program(&self, object: Option<BorrowedFd<'_>>, name: &str) -> SysResult<OwnedFd> {
        if object.is_none() {
            let failures = self.failures.lock().unwrap();
            return Err(*failures.get("rex").unwrap_or(&Errno(libc::EBADF)));
        }
        self.call("rex_get_program", name)?;
        Ok(some_fd())
    }

    fn perf_event_open(&self, event: &PerfEvent) -> SysResult<OwnedFd> {
        self.call("perf_event_open", &format!("{event:?}"))?;
        Ok(some_fd())
    }

    fn perf_event_enable(&self, _event: BorrowedFd<'_>) -> SysResult<()> {
        self.call("perf_event_enable", "")
    }

    fn link_create(&self, _program: BorrowedFd<'_>, place: LinkPlace<'_>) -> SysResult<OwnedFd> {
        match place {
            LinkPlace::PerfEvent { cookie, .. } => {
                self.call(
                    "link_create",
                    &if cookie == 0 {
                        String::new()
                    } else {
                        format!("cookie {cookie}")
                    },
                )?;
            }
            place => self.call("link_create", &format!("{place:?}"))?,
        }
        Ok(some_fd())
    }

    fn link_update(
        &self,
        _link: BorrowedFd<'_>,
        _program: BorrowedFd<'_>,
        expected: Option<BorrowedFd<'_>>,
    ) -> SysResult<()> {
        self.call("link_update", expected.map_or("", |_| "expecting"))
    }

    fn link_detach(&self, _link: BorrowedFd<'_>) -> SysResult<()> {
        self.call("link_detach", "")
    }

    fn pin(&self, _what: BorrowedFd<'_>, path: &CStr) -> SysResult<()> {
        self.call("pin", &path.to_string_lossy())
    }

    fn pinned(&self, kind: IdKind, path: &CStr) -> SysResult<OwnedFd> {
        self.call("pinned", &format!("{kind:?} {}", path.to_string_lossy()))?;
        Ok(some_fd())
    }

    fn ebpf_load(
        &self,
        program_type: u32,
        instructions: &[u8],
        name: &str,
        log: &mut String,
    ) -> SysResult<OwnedFd> {
        log.push_str(&self.log.lock().unwrap());
        let detail = format!("{program_type} {name} {}", instructions.len());
        self.call("ebpf_load", &detail)?;
        Ok(some_fd())
    }

    fn test_run(&self, _program: BorrowedFd<'_>, run: &TestRun) -> SysResult<TestRunOutcome> {
        self.call("test_run", "")?;
        Ok(TestRunOutcome {
            retval: run.repeat,
            ..Default::default()
        })
    }

    fn next_id(&self, _kind: IdKind, id: u32) -> SysResult<u32> {
        self.call("next_id", "")?;
        let ids = self.program_ids.lock().unwrap();
        ids.iter()
            .copied()
            .find(|next| *next > id)
            .ok_or(Errno(libc::ENOENT))
    }

    fn fd_by_id(&self, _kind: IdKind, id: u32) -> SysResult<OwnedFd> {
        if id < 100 {
            Ok(some_fd())
        } else {
            Err(Errno(libc::ENOENT))
        }
    }

    fn program_details(&self, _program: BorrowedFd<'_>) -> SysResult<ProgramDetails> {
        self.call("program_details", "")?;
        Ok(ProgramDetails {
            id: 11,
            ..Default::default()
        })
    }

    fn map_details(&self, _map: BorrowedFd<'_>) -> SysResult<MapDetails> {
        self.call("map_details", "")?;
        Ok(MapDetails {
            id: 12,
            ..Default::default()
        })
    }

    fn link_details(&self, _link: BorrowedFd<'_>) -> SysResult<LinkDetails> {
        self.call("link_details", "")?;
        Ok(LinkDetails {
            id: 13,
            ..Default::default()
        })
    }

    fn read_text(&self, path: &str) -> SysResult<String> {
        self.files
            .lock()
            .unwrap()
            .get(path)
            .cloned()
            .ok_or(Errno(libc::ENOENT))
    }
}
