// SPDX-License-Identifier: GPL-2.0-only
//! The real system calls: the only unsafe code of the loader, with what is
//! beside it in `sys/`.

mod details;
mod events;
mod load;

use std::ffi::CStr;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rex_abi::{REX_OBJ_GET_PROG, rex_get_prog_attr};

use super::attr;
use super::call::{address, address_mut, bpf, bpf_fd, chars, name_field, raw};
use super::ringbuf::{self, Mapping};
use super::{
    IdKind, Kernel, LinkDetails, LinkPlace, MapDetails, MapFd, MapShape, PerfEvent, ProgramDetails,
    RexLoad, SysResult, TestRun, TestRunOutcome, is_per_cpu,
};
use crate::btf::Btf;
use crate::error::Errno;
use crate::object_file::MapRecord;
use crate::perf_buffer::PerfReader;
use crate::ringbuf::Records;

/// The kernel this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Linux;

/// Most bytes of a file of /sys.
const MAX_TEXT: u64 = 64 * 1024;

fn element(map: &MapFd, key: u64, value_or_next_key: u64, flags: u64) -> attr::MapElement {
    attr::MapElement {
        map_fd: raw(map.as_fd()),
        pad: 0,
        key,
        value_or_next_key,
        flags,
    }
}

fn load_btf(btf: &Btf) -> SysResult<OwnedFd> {
    let mut attr = attr::BtfLoad {
        btf: address(&btf.bytes),
        btf_size: u32::try_from(btf.bytes.len()).map_err(|_| Errno(libc::E2BIG))?,
        ..Default::default()
    };
    // SAFETY: the kernel reads btf_size bytes at btf.
    unsafe { bpf_fd(attr::BPF_BTF_LOAD, &mut attr) }
}

impl Kernel for Linux {
    fn map_create(&self, record: &MapRecord, possible_cpus: u32) -> SysResult<MapFd> {
        let mut attr = attr::MapCreate {
            map_type: record.map_type,
            key_size: record.key_size,
            value_size: record.value_size,
            max_entries: record.max_entries,
            map_flags: record.flags,
            map_name: name_field(&record.name),
            ..Default::default()
        };
        // Only has to live until the map does.
        let btf_fd = match record.lock_offset {
            Some(at) => {
                let btf = Btf::locked(record, at);
                (attr.btf_key_type_id, attr.btf_value_type_id) = (btf.key, btf.value);
                Some(load_btf(&btf)?)
            }
            None => None,
        };
        attr.btf_fd = btf_fd.as_ref().map_or(0, |fd| raw(fd.as_fd()));
        // SAFETY: no addresses in it.
        let fd = unsafe { bpf_fd(attr::BPF_MAP_CREATE, &mut attr) }?;
        let shape = MapShape {
            map_type: record.map_type,
            key_size: record.key_size,
            value_size: record.value_size,
            values_per_entry: if is_per_cpu(record.map_type) {
                possible_cpus
            } else {
                1
            },
            max_entries: record.max_entries,
        };
        Ok(MapFd::new(fd, shape))
    }

    fn map_lookup(&self, map: &MapFd, key: &[u8], value: &mut [u8]) -> SysResult<()> {
        map.check(Some(key), Some(value))?;
        let mut attr = element(map, address(key), address_mut(value), 0);
        // SAFETY: key and value have the map's sizes (checked above).
        unsafe { bpf(attr::BPF_MAP_LOOKUP_ELEM, &mut attr) }.map(drop)
    }

    fn map_update(&self, map: &MapFd, key: &[u8], value: &[u8], flags: u64) -> SysResult<()> {
        map.check(Some(key), Some(value))?;
        let mut attr = element(map, address(key), address(value), flags);
        // SAFETY: key and value have the map's sizes (checked above).
        unsafe { bpf(attr::BPF_MAP_UPDATE_ELEM, &mut attr) }.map(drop)
    }

    fn map_delete(&self, map: &MapFd, key: &[u8]) -> SysResult<()> {
        map.check(Some(key), None)?;
        let mut attr = element(map, address(key), 0, 0);
        // SAFETY: key has the map's size (checked above).
        unsafe { bpf(attr::BPF_MAP_DELETE_ELEM, &mut attr) }.map(drop)
    }

    fn map_take(&self, map: &MapFd, key: &[u8], value: &mut [u8]) -> SysResult<()> {
        map.check(Some(key), Some(value))?;
        let mut attr = element(map, address(key), address_mut(value), 0);
        // SAFETY: key and value have the map's sizes (checked above).
        unsafe { bpf(attr::BPF_MAP_LOOKUP_AND_DELETE_ELEM, &mut attr) }.map(drop)
    }

    fn map_next_key(&self, map: &MapFd, key: Option<&[u8]>, next: &mut [u8]) -> SysResult<()> {
        map.check(key, None)?;
        map.check(Some(next), None)?;
        let mut attr = element(map, key.map_or(0, address), address_mut(next), 0);
        // SAFETY: both keys have the map's size (checked above).
        unsafe { bpf(attr::BPF_MAP_GET_NEXT_KEY, &mut attr) }.map(drop)
    }

    fn ringbuf_read(&self, map: &MapFd, max_bytes: usize) -> SysResult<Records> {
        ringbuf::read(&Mapping::new(map)?, max_bytes)
    }

    fn perf_buffer_open(&self, map: &MapFd, cpu: u32) -> SysResult<Box<dyn PerfReader>> {
        let buffer = events::open_perf_buffer(cpu)?;
        let fd = buffer.event().as_raw_fd().to_ne_bytes();
        self.map_update(map, &cpu.to_ne_bytes(), &fd, 0)?;
        self.perf_event_enable(buffer.event())?;
        Ok(Box::new(buffer))
    }

    fn rex_load(&self, load: &RexLoad<'_>, log: &mut String) -> SysResult<OwnedFd> {
        load::rex(load, log)
    }

    fn rex_get_program(&self, object: Option<BorrowedFd<'_>>, name: &str) -> SysResult<OwnedFd> {
        let obj_fd = object.map_or(-1, |fd| fd.as_raw_fd());
        let mut attr = rex_get_prog_attr {
            obj_fd,
            flags: 0,
            name: chars(name),
        };
        // SAFETY: no addresses in it.
        unsafe { bpf_fd(REX_OBJ_GET_PROG, &mut attr) }
    }

    fn perf_event_open(&self, event: &PerfEvent) -> SysResult<OwnedFd> {
        events::open(event)
    }

    fn perf_event_enable(&self, event: BorrowedFd<'_>) -> SysResult<()> {
        // SAFETY: this ioctl takes a number, no address.
        let result = unsafe { libc::ioctl(event.as_raw_fd(), attr::PERF_EVENT_IOC_ENABLE, 0) };
        if result < 0 {
            Err(Errno::last())
        } else {
            Ok(())
        }
    }

    fn link_create(&self, program: BorrowedFd<'_>, place: LinkPlace<'_>) -> SysResult<OwnedFd> {
        let (target_fd_or_ifindex, attach_type, flags, bpf_cookie) = match place {
            LinkPlace::PerfEvent { event, cookie } => (raw(event), attr::BPF_PERF_EVENT, 0, cookie),
            LinkPlace::Device {
                index,
                attach_type,
                flags,
            } => (index, attach_type, flags, 0),
        };
        let mut attr = attr::LinkCreate {
            prog_fd: raw(program),
            target_fd_or_ifindex,
            attach_type,
            flags,
            bpf_cookie,
        };
        // SAFETY: no addresses in it.
        unsafe { bpf_fd(attr::BPF_LINK_CREATE, &mut attr) }
    }

    fn link_update(
        &self,
        link: BorrowedFd<'_>,
        program: BorrowedFd<'_>,
        expected: Option<BorrowedFd<'_>>,
    ) -> SysResult<()> {
        let mut attr = attr::LinkUpdate {
            link_fd: raw(link),
            new_prog_fd: raw(program),
            flags: expected.map_or(0, |_| attr::BPF_F_REPLACE),
            old_prog_fd: expected.map_or(0, raw),
        };
        // SAFETY: no addresses in it.
        unsafe { bpf(attr::BPF_LINK_UPDATE, &mut attr) }.map(drop)
    }

    fn link_detach(&self, link: BorrowedFd<'_>) -> SysResult<()> {
        let mut attr = attr::LinkDetach { link_fd: raw(link) };
        // SAFETY: no addresses in it.
        unsafe { bpf(attr::BPF_LINK_DETACH, &mut attr) }.map(drop)
    }

    fn pin(&self, what: BorrowedFd<'_>, path: &CStr) -> SysResult<()> {
        let mut attr = attr::Pin {
            pathname: path.as_ptr() as u64,
            bpf_fd: raw(what),
            ..Default::default()
        };
        // SAFETY: the path ends with a NUL.
        unsafe { bpf(attr::BPF_OBJ_PIN, &mut attr) }.map(drop)
    }

    fn pinned(&self, kind: IdKind, path: &CStr) -> SysResult<OwnedFd> {
        let mut attr = attr::Pin {
            pathname: path.as_ptr() as u64,
            ..Default::default()
        };
        // SAFETY: the path ends with a NUL.
        let fd = unsafe { bpf_fd(attr::BPF_OBJ_GET, &mut attr) }?;
        if details::kind_of(fd.as_fd())? == kind {
            Ok(fd)
        } else {
            Err(Errno(libc::EINVAL))
        }
    }

    fn ebpf_load(
        &self,
        program_type: u32,
        instructions: &[u8],
        name: &str,
        log: &mut String,
    ) -> SysResult<OwnedFd> {
        load::ebpf(program_type, instructions, name, log)
    }

    fn test_run(&self, program: BorrowedFd<'_>, run: &TestRun) -> SysResult<TestRunOutcome> {
        load::test_run(program, run)
    }

    fn next_id(&self, kind: IdKind, id: u32) -> SysResult<u32> {
        let command = match kind {
            IdKind::Program => attr::BPF_PROG_GET_NEXT_ID,
            IdKind::Map => attr::BPF_MAP_GET_NEXT_ID,
            IdKind::Link => attr::BPF_LINK_GET_NEXT_ID,
            IdKind::Btf => attr::BPF_BTF_GET_NEXT_ID,
        };
        let mut attr = attr::GetId {
            id,
            ..Default::default()
        };
        // SAFETY: no addresses in it.
        unsafe { bpf(command, &mut attr) }?;
        Ok(attr.next_id)
    }

    fn fd_by_id(&self, kind: IdKind, id: u32) -> SysResult<OwnedFd> {
        let command = match kind {
            IdKind::Program => attr::BPF_PROG_GET_FD_BY_ID,
            IdKind::Map => attr::BPF_MAP_GET_FD_BY_ID,
            IdKind::Link => attr::BPF_LINK_GET_FD_BY_ID,
            IdKind::Btf => attr::BPF_BTF_GET_FD_BY_ID,
        };
        let mut attr = attr::GetId {
            id,
            ..Default::default()
        };
        // SAFETY: no addresses in it.
        unsafe { bpf_fd(command, &mut attr) }
    }

    fn program_details(&self, program: BorrowedFd<'_>) -> SysResult<ProgramDetails> {
        details::program(program)
    }

    fn map_details(&self, map: BorrowedFd<'_>) -> SysResult<MapDetails> {
        details::map(map)
    }

    fn link_details(&self, link: BorrowedFd<'_>) -> SysResult<LinkDetails> {
        details::link(link)
    }

    fn read_text(&self, path: &str) -> SysResult<String> {
        let file = std::fs::File::open(path).map_err(Errno::from)?;
        let mut text = String::new();
        file.take(MAX_TEXT)
            .read_to_string(&mut text)
            .map_err(Errno::from)?;
        Ok(text)
    }
}
