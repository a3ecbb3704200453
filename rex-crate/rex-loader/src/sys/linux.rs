// SPDX-License-Identifier: GPL-2.0-only
//! The real system calls: the only unsafe code of the loader.

use std::ffi::CStr;
use std::io::Read;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rex_abi::{
    REX_MAX_LOG_SIZE, REX_OBJ_GET_PROG, REX_OBJ_LOAD, rex_get_prog_attr, rex_load_attr, rex_map_fd,
};

use super::attr::{self, Plain};
use super::call::{address, address_mut, bpf, bpf_fd, chars, get_info, name_field, raw, text};
use super::perf_buffer::PerfMapping;
use super::ringbuf::{self, Mapping};
use super::{
    IdKind, Kernel, LinkDetails, LinkPlace, LinkedTo, MapDetails, MapFd, MapShape, PerfEvent,
    ProgramDetails, RexLoad, SysResult, TestRun, TestRunOutcome, is_per_cpu,
};
use crate::btf::Btf;
use crate::error::Errno;
use crate::object_file::MapRecord;
use crate::perf_buffer::PerfReader;
use crate::ringbuf::Records;

/// The kernel this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Linux;

// SAFETY: repr(C) structs of integers and char arrays; rex.h keeps them free of
// padding (their sizes are the sums of their fields, which bindgen asserts).
unsafe impl Plain for rex_load_attr {}
// SAFETY: as above.
unsafe impl Plain for rex_get_prog_attr {}

/// Most bytes of data that a program may add in a test run.
const TEST_RUN_SLACK: usize = 4096;
/// Most map ids that are asked for.
const MAX_MAP_IDS: usize = 64;
/// Most bytes of the name of a function or tracepoint, NUL included.
const MAX_SYMBOL: usize = 512;
/// Bytes for what the verifier says.
const VERIFIER_LOG: usize = 64 * 1024;
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

/// Opens a perf event of all tasks on a CPU.
fn perf_event_open(attr: &attr::PerfEventAttr, cpu: u32) -> SysResult<OwnedFd> {
    let (pid, group, flags) = (-1, -1, attr::PERF_FLAG_FD_CLOEXEC);
    // SAFETY: the kernel reads `size` bytes of attr; what the addresses in it
    // stand for is only looked at for a kprobe, whose symbol ends with a NUL.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            std::ptr::from_ref(attr),
            pid,
            cpu,
            group,
            flags,
        )
    };
    if fd < 0 {
        return Err(Errno::last());
    }
    // SAFETY: the kernel just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(fd).expect("fds are ints")) })
}

/// What is behind a descriptor of bpf(2). The calls that ask for details trust
/// it: which struct the kernel fills, and which addresses in it it takes for
/// its own, depends on that.
fn kind_of(fd: BorrowedFd<'_>) -> SysResult<IdKind> {
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let name = std::fs::read_link(link).map_err(Errno::from)?;
    match name.to_str() {
        Some("anon_inode:bpf-prog") => Ok(IdKind::Program),
        Some("anon_inode:bpf-map") => Ok(IdKind::Map),
        Some("anon_inode:bpf_link" | "anon_inode:bpf-link") => Ok(IdKind::Link),
        _ => Err(Errno(libc::EINVAL)),
    }
}

fn device(link: BorrowedFd<'_>) -> SysResult<LinkedTo> {
    let mut info = attr::DeviceLinkInfo::default();
    // SAFETY: no addresses in it.
    unsafe { get_info(link, &mut info) }?;
    Ok(LinkedTo::Device(info.ifindex))
}

fn perf_event_of(link: BorrowedFd<'_>) -> SysResult<LinkedTo> {
    let mut name = [0u8; MAX_SYMBOL];
    let mut info = attr::PerfLinkInfo {
        name_or_config: address_mut(&mut name),
        name_len_or_type: u32::try_from(MAX_SYMBOL).expect("a small number"),
        ..Default::default()
    };
    // SAFETY: the kernel writes at most so many bytes to name, with a NUL; there are
    // no other addresses.
    unsafe { get_info(link, &mut info) }?;
    Ok(match info.perf_type {
        attr::BPF_PERF_EVENT_KPROBE | attr::BPF_PERF_EVENT_KRETPROBE => LinkedTo::Function {
            symbol: text(&name),
            offset: info.offset,
            ret: info.perf_type == attr::BPF_PERF_EVENT_KRETPROBE,
            missed: info.missed,
            cookie: info.probe_cookie,
        },
        attr::BPF_PERF_EVENT_TRACEPOINT => LinkedTo::Tracepoint {
            name: text(&name),
            cookie: info.addr_or_cookie,
        },
        attr::BPF_PERF_EVENT_EVENT => LinkedTo::Counter {
            event_type: info.name_len_or_type,
            config: info.name_or_config,
            cookie: info.addr_or_cookie,
        },
        _ => LinkedTo::Other,
    })
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
        let attr = attr::PerfEventAttr {
            event_type: attr::PERF_TYPE_SOFTWARE,
            size: u32::try_from(size_of::<attr::PerfEventAttr>()).expect("a small struct"),
            config: attr::PERF_COUNT_SW_BPF_OUTPUT,
            sample_type: attr::PERF_SAMPLE_RAW,
            flags: attr::PERF_FLAG_BIT_DISABLED,
            ..Default::default()
        };
        let event = perf_event_open(&attr, cpu)?;
        let buffer = PerfMapping::new(event)?;
        let fd = buffer.event().as_raw_fd().to_ne_bytes();
        self.map_update(map, &cpu.to_ne_bytes(), &fd, 0)?;
        self.perf_event_enable(buffer.event())?;
        Ok(Box::new(buffer))
    }

    fn rex_load(&self, load: &RexLoad<'_>, log: &mut String) -> SysResult<OwnedFd> {
        let maps: Vec<rex_map_fd> = load
            .maps
            .iter()
            .map(|(name, fd)| rex_map_fd {
                name: chars(name),
                fd: fd.as_raw_fd(),
                reserved: 0,
            })
            .collect();
        let mut buffer = vec![0u8; REX_MAX_LOG_SIZE as usize];
        let mut attr = rex_load_attr {
            elf: address(load.elf),
            maps: if maps.is_empty() {
                0
            } else {
                maps.as_ptr() as u64
            },
            log_buf: address_mut(&mut buffer),
            elf_size: u32::try_from(load.elf.len()).map_err(|_| Errno(libc::E2BIG))?,
            map_cnt: u32::try_from(maps.len()).map_err(|_| Errno(libc::E2BIG))?,
            log_size: REX_MAX_LOG_SIZE,
            flags: 0,
            name: chars(load.name),
        };
        // SAFETY: the kernel reads elf and maps, and writes log_buf, each within
        // the size given with it.
        let result = unsafe { bpf_fd(REX_OBJ_LOAD, &mut attr) };
        log.push_str(&text(&buffer));
        result
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
        let mut attr = attr::PerfEventAttr {
            size: u32::try_from(size_of::<attr::PerfEventAttr>()).expect("a small struct"),
            flags: attr::PERF_FLAG_BIT_DISABLED,
            ..Default::default()
        };
        match event {
            PerfEvent::Kprobe {
                pmu,
                config,
                symbol,
                offset,
            } => {
                attr.event_type = *pmu;
                attr.config = *config;
                attr.config1 = symbol.as_ptr() as u64;
                attr.config2 = *offset;
            }
            PerfEvent::Tracepoint { id } => {
                attr.event_type = attr::PERF_TYPE_TRACEPOINT;
                attr.config = *id;
                attr.sample_period = 1;
            }
            PerfEvent::Counter {
                event_type,
                config,
                sample_period,
                ..
            } => {
                attr.event_type = *event_type;
                attr.config = *config;
                attr.sample_period = *sample_period;
            }
        }
        // On CPU 0 where perf only wants to have one: the program of a kprobe or
        // tracepoint runs on every CPU all the same.
        let cpu = match event {
            PerfEvent::Counter { cpu, .. } => *cpu,
            _ => 0,
        };
        perf_event_open(&attr, cpu)
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
        if kind_of(fd.as_fd())? == kind {
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
        const INSTRUCTION_BYTES: usize = 8;
        if !instructions.len().is_multiple_of(INSTRUCTION_BYTES) {
            return Err(Errno(libc::EINVAL));
        }
        let mut buffer = vec![0u8; VERIFIER_LOG];
        let mut attr = attr::ProgLoad {
            prog_type: program_type,
            insn_cnt: u32::try_from(instructions.len() / INSTRUCTION_BYTES)
                .map_err(|_| Errno(libc::E2BIG))?,
            insns: address(instructions),
            license: c"GPL".as_ptr() as u64,
            log_level: 1,
            log_size: u32::try_from(VERIFIER_LOG).expect("a small number"),
            log_buf: address_mut(&mut buffer),
            prog_name: name_field(name),
            ..Default::default()
        };
        // SAFETY: the kernel reads insn_cnt instructions and the licence, which
        // ends with a NUL, and writes at most log_size bytes to log_buf.
        let result = unsafe { bpf_fd(attr::BPF_PROG_LOAD, &mut attr) };
        if result.is_err() {
            log.push_str(&text(&buffer));
        }
        result
    }

    fn test_run(&self, program: BorrowedFd<'_>, run: &TestRun) -> SysResult<TestRunOutcome> {
        let too_big = |_| Errno(libc::E2BIG);
        let room = |input: &[u8]| {
            if input.is_empty() || run.live_frames.is_some() {
                0
            } else {
                input.len() + TEST_RUN_SLACK
            }
        };
        let mut data_out = vec![0; room(&run.data_in)];
        let mut ctx_out = vec![0; room(&run.ctx_in)];
        let mut attr = attr::ProgTestRun {
            prog_fd: raw(program),
            data_size_in: u32::try_from(run.data_in.len()).map_err(too_big)?,
            data_size_out: u32::try_from(data_out.len()).map_err(too_big)?,
            data_in: address(&run.data_in),
            data_out: address_mut(&mut data_out),
            repeat: run.repeat,
            ctx_size_in: u32::try_from(run.ctx_in.len()).map_err(too_big)?,
            ctx_size_out: u32::try_from(ctx_out.len()).map_err(too_big)?,
            ctx_in: address(&run.ctx_in),
            ctx_out: address_mut(&mut ctx_out),
            flags: run
                .live_frames
                .map_or(0, |_| attr::BPF_F_TEST_XDP_LIVE_FRAMES),
            batch_size: run.live_frames.unwrap_or(0),
            ..Default::default()
        };
        // SAFETY: each buffer is given with its size.
        unsafe { bpf(attr::BPF_PROG_TEST_RUN, &mut attr) }?;
        data_out.truncate(attr.data_size_out as usize);
        ctx_out.truncate(attr.ctx_size_out as usize);
        Ok(TestRunOutcome {
            retval: attr.retval,
            data_out,
            ctx_out,
            duration_ns: attr.duration,
        })
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
        let mut map_ids = [0u32; MAX_MAP_IDS];
        let mut info = attr::ProgInfo {
            nr_map_ids: u32::try_from(MAX_MAP_IDS).expect("a small number"),
            map_ids: map_ids.as_mut_ptr() as u64,
            ..Default::default()
        };
        // SAFETY: the kernel writes at most nr_map_ids ids to map_ids; all other
        // addresses are 0 with a length of 0.
        unsafe { get_info(program, &mut info) }?;
        let count = MAX_MAP_IDS.min(info.nr_map_ids as usize);
        Ok(ProgramDetails {
            program_type: info.prog_type,
            id: info.id,
            name: text(&info.name),
            tag: info.tag,
            jited_bytes: info.jited_prog_len,
            map_ids: map_ids[..count].to_vec(),
            run_count: info.run_cnt,
            run_time_ns: info.run_time_ns,
            recursion_misses: info.recursion_misses,
        })
    }

    fn map_details(&self, map: BorrowedFd<'_>) -> SysResult<MapDetails> {
        let mut info = attr::MapInfo::default();
        // SAFETY: no addresses in it.
        unsafe { get_info(map, &mut info) }?;
        Ok(MapDetails {
            map_type: info.map_type,
            id: info.id,
            name: text(&info.name),
            key_size: info.key_size,
            value_size: info.value_size,
            max_entries: info.max_entries,
            flags: info.map_flags,
        })
    }

    fn link_details(&self, link: BorrowedFd<'_>) -> SysResult<LinkDetails> {
        let mut info = attr::LinkInfo::default();
        // SAFETY: no addresses in it.
        unsafe { get_info(link, &mut info) }?;
        Ok(LinkDetails {
            link_type: info.link_type,
            id: info.id,
            program_id: info.prog_id,
            place: match info.link_type {
                attr::BPF_LINK_TYPE_XDP | attr::BPF_LINK_TYPE_TCX => device(link)?,
                attr::BPF_LINK_TYPE_PERF_EVENT => perf_event_of(link)?,
                _ => LinkedTo::Other,
            },
        })
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
