// SPDX-License-Identifier: GPL-2.0-only
//! The methods, each in a few lines: what is asked, who does it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rex_loader::ringbuf::ReadEnd;
use rex_loader::sys::TestRun;
use rex_loader::{LoadedObject, Loader, ObjectFile, Target, Value};
use rex_protocol::*;

use crate::exec;
use crate::host_root::HostRoot;
use crate::kmsg::Follower;
use crate::outbox::Outbox;
use crate::reaper::Reaper;
use crate::registry::{Handles, Registry};
use crate::trace::TracePipe;
use crate::user::Identity;
use crate::{
    cpus, death, exits, files, filter, folder, holdings, inventory, kallsyms, net, packets,
    programs, renewal, text, trigger, uplink,
};

const DEFAULT_ENTRIES: u32 = 1_000;
const MAX_ENTRIES: u32 = 100_000;
/// Bytes of a map's elements in one answer; base64 and JSON make more of it.
const MAX_ENTRY_BYTES: usize = 6 * 1024 * 1024;

/// Does what requests ask for.
pub struct Agent {
    loader: Loader,
    registry: Registry,
    reaper: Reaper,
    host_root: HostRoot,
    trace: TracePipe,
    log: std::sync::OnceLock<Result<Follower, String>>,
    outbox: Arc<Outbox>,
}

impl Agent {
    /// Starts what runs beside requests.
    pub fn new(outbox: &Arc<Outbox>) -> Result<Self, String> {
        Ok(Agent {
            loader: Loader::new(),
            registry: Registry::default(),
            reaper: Reaper::start()?,
            host_root: HostRoot::default(),
            trace: TracePipe::default(),
            log: std::sync::OnceLock::new(),
            outbox: outbox.clone(),
        })
    }

    /// Takes an object in and says what is in it.
    fn loaded(&self, object: LoadedObject) -> LoadResult {
        let (handles, object) = self.registry.add(object);
        load_result(&object, &handles)
    }

    /// Sends the first message, and only then the kernel log.
    pub fn say_hello(&self) {
        let hello = who(&self.loader).unwrap_or_else(|error| death::die(&error.message));
        self.outbox.event(&Event::Hello(hello));
        let log = self
            .log
            .get_or_init(|| Follower::start(self.outbox.clone()));
        if let Err(why) = log {
            death::die(why);
        }
    }
}

fn who(loader: &Loader) -> Result<Hello, ErrorBody> {
    let internal = |what: &str, error: &dyn std::fmt::Display| {
        ErrorBody::internal(format!("{what} isn't known: {error}"))
    };
    let name =
        nix::sys::utsname::uname().map_err(|errno| internal("the kernel's release", &errno))?;
    let uptime =
        clock_gettime(ClockId::CLOCK_BOOTTIME).map_err(|errno| internal("the uptime", &errno))?;
    let cmdline = text::read_text("/proc/cmdline", 64 * 1024)
        .map_err(|error| internal("the kernel's command line", &error))?;
    Ok(Hello {
        protocol_version: PROTOCOL_VERSION,
        agent_version: env!("CARGO_PKG_VERSION").to_string(),
        kernel_release: name.release().to_string_lossy().into_owned(),
        cpus: u32::try_from(cpus::read()?.online.len()).unwrap_or(u32::MAX),
        boot_ms: u64::try_from(Duration::from(uptime).as_millis()).unwrap_or(u64::MAX),
        cmdline: cmdline.trim_end().to_string(),
        rex: loader.has_rex(),
    })
}

/// An error of the loader as the protocol has it.
pub fn loader_error(error: rex_loader::Error) -> ErrorBody {
    ErrorBody {
        kind: match error.kind {
            rex_loader::Kind::Errno => ErrorKind::Errno,
            rex_loader::Kind::Invalid => ErrorKind::Invalid,
            rex_loader::Kind::Unsupported => ErrorKind::Unsupported,
            rex_loader::Kind::NotFound => ErrorKind::NotFound,
        },
        blame: match error.blame {
            rex_loader::Blame::Caller => Blame::Caller,
            rex_loader::Blame::Object => Blame::Object,
            rex_loader::Blame::Kernel => Blame::Kernel,
            rex_loader::Blame::Loader => Blame::Agent,
        },
        message: error.message,
        errno: error.errno.map(|errno| errno.0),
        errno_name: error.errno.map(rex_loader::Errno::name),
        log: error.log,
    }
}

fn to_value(value: MapValue) -> Value {
    match value {
        MapValue::One(bytes) => Value::One(bytes.0),
        MapValue::PerCpu(parts) => Value::PerCpu(parts.into_iter().map(|part| part.0).collect()),
    }
}

fn from_value(value: Value) -> MapValue {
    match value {
        Value::One(bytes) => MapValue::One(bytes.into()),
        Value::PerCpu(parts) => MapValue::PerCpu(parts.into_iter().map(Bytes).collect()),
    }
}

fn to_target(target: AttachTarget) -> Target {
    match target {
        AttachTarget::Kprobe {
            symbol,
            offset,
            ret,
        } => Target::Kprobe {
            symbol,
            offset: offset.unwrap_or_default().0,
            ret: ret.unwrap_or(false),
        },
        AttachTarget::Tracepoint { category, name } => Target::Tracepoint { category, name },
        AttachTarget::PerfEvent {
            event,
            sample_period,
            cpu,
        } => Target::PerfEvent {
            event,
            sample_period: sample_period.0,
            cpu: cpu.unwrap_or(0),
        },
        AttachTarget::Xdp { device, mode } => Target::Xdp {
            device,
            mode: match mode {
                None => rex_loader::XdpMode::Any,
                Some(XdpMode::Native) => rex_loader::XdpMode::Native,
                Some(XdpMode::Generic) => rex_loader::XdpMode::Generic,
            },
        },
        AttachTarget::Tcx { device, direction } => Target::Tcx {
            device,
            direction: match direction {
                TcDirection::Ingress => rex_loader::Direction::Ingress,
                TcDirection::Egress => rex_loader::Direction::Egress,
            },
        },
    }
}

fn from_target(target: Target) -> AttachTarget {
    match target {
        Target::Kprobe {
            symbol,
            offset,
            ret,
        } => AttachTarget::Kprobe {
            symbol,
            offset: Some(U64(offset)),
            ret: Some(ret),
        },
        Target::Tracepoint { category, name } => AttachTarget::Tracepoint { category, name },
        Target::PerfEvent {
            event,
            sample_period,
            cpu,
        } => AttachTarget::PerfEvent {
            event,
            sample_period: U64(sample_period),
            cpu: Some(cpu),
        },
        Target::Xdp { device, mode } => AttachTarget::Xdp {
            device,
            mode: match mode {
                rex_loader::XdpMode::Any => None,
                rex_loader::XdpMode::Native => Some(XdpMode::Native),
                rex_loader::XdpMode::Generic => Some(XdpMode::Generic),
            },
        },
        Target::Tcx { device, direction } => AttachTarget::Tcx {
            device,
            direction: match direction {
                rex_loader::Direction::Ingress => TcDirection::Ingress,
                rex_loader::Direction::Egress => TcDirection::Egress,
            },
        },
    }
}

fn load_result(object: &LoadedObject, handles: &Handles) -> LoadResult {
    let programs = object
        .programs
        .iter()
        .zip(&handles.programs)
        .map(|(program, handle)| ProgramInfo {
            program: *handle,
            id: program.id,
            name: program.record.name.clone(),
            program_type: rex_loader::program_type_name(program.record.program_type),
            attach: Some(program.record.attach.clone()).filter(|attach| !attach.is_empty()),
        });
    let maps = object
        .maps
        .iter()
        .zip(&handles.maps)
        .map(|(map, handle)| MapInfo {
            map: *handle,
            id: map.id,
            name: map.record.name.clone(),
            map_type: rex_loader::map_type_name(map.record.map_type),
            key_size: map.record.key_size,
            value_size: map.record.value_size,
            max_entries: map.record.max_entries,
            values_per_entry: map.shape().values_per_entry,
        });
    LoadResult {
        object: handles.object,
        programs: programs.collect(),
        maps: maps.collect(),
        log: Some(object.log.clone()).filter(|log| !log.is_empty()),
    }
}

impl Handler for Agent {
    fn hello(&self, _: Empty) -> Result<Hello, ErrorBody> {
        who(&self.loader)
    }

    fn renew(&self, params: RenewParams) -> Result<Empty, ErrorBody> {
        renewal::renew(&params)?;
        Ok(Empty {})
    }

    fn ping(&self, _: Empty) -> Result<Empty, ErrorBody> {
        Ok(Empty {})
    }

    fn load(&self, params: LoadParams) -> Result<LoadResult, ErrorBody> {
        let bytes = &params.object.0;
        let file = if params.unchecked == Some(true) {
            ObjectFile::parse_leniently(bytes)
        } else {
            ObjectFile::parse(bytes).map_err(loader_error)?
        };
        let name = params.name.as_deref().unwrap_or("object");
        let shared = params.maps.unwrap_or_default();
        let shared = shared
            .iter()
            .map(|(name, handle)| Ok((name.as_str(), self.registry.map(*handle)?)))
            .collect::<Result<BTreeMap<_, _>, ErrorBody>>()?;
        let shared = shared.iter().map(|(name, map)| (*name, &**map)).collect();
        let load = || {
            let loaded = self.loader.load_sharing(&file, bytes, name, &shared);
            loaded.map_err(loader_error)
        };
        let object = match &params.user {
            None => load()?,
            Some(user) => Identity::of(user)?.act(load)?,
        };
        Ok(self.loaded(object))
    }

    fn unload(&self, params: UnloadParams) -> Result<Empty, ErrorBody> {
        self.registry.remove(params.object)?;
        Ok(Empty {})
    }

    fn attach(&self, params: AttachParams) -> Result<AttachResult, ErrorBody> {
        let program = self.registry.program(params.program)?;
        let target = match params.target {
            Some(target) => to_target(target),
            None => program.default_target().map_err(loader_error)?,
        };
        let link = self
            .loader
            .attach_with_cookie(&program, &target, params.cookie.unwrap_or_default().0)
            .map_err(loader_error)?;
        let id = link.id;
        let link = self.registry.add_link(&program, link)?;
        Ok(AttachResult {
            link,
            id,
            target: from_target(target),
        })
    }

    fn detach(&self, params: DetachParams) -> Result<Empty, ErrorBody> {
        self.registry.remove_link(params.link)?;
        Ok(Empty {})
    }

    fn link_update(&self, params: LinkUpdateParams) -> Result<Empty, ErrorBody> {
        let program = self.registry.program(params.program)?;
        let link = self.registry.link(params.link)?;
        let expected = params.expected.map(|handle| self.registry.program(handle));
        let expected = expected.transpose()?;
        self.loader
            .update_link(&link, &program, expected.as_deref())
            .map_err(loader_error)?;
        self.registry.link_now_of(params.link, &program);
        Ok(Empty {})
    }

    fn link_detach(&self, params: DetachParams) -> Result<Empty, ErrorBody> {
        let link = self.registry.link(params.link)?;
        self.loader.detach_link(&link).map_err(loader_error)?;
        Ok(Empty {})
    }

    fn pin(&self, params: PinParams) -> Result<Empty, ErrorBody> {
        let PinParams { kind, handle, path } = params;
        match kind {
            PinKind::Program => {
                let program = self.registry.program(handle)?;
                self.loader.pin_program(&program, &path)
            }
            PinKind::Map => self.loader.pin_map(&*self.registry.map(handle)?, &path),
            PinKind::Link => self.loader.pin_link(&*self.registry.link(handle)?, &path),
        }
        .map_err(loader_error)?;
        Ok(Empty {})
    }

    fn unpin(&self, params: PinnedParams) -> Result<Empty, ErrorBody> {
        files::unpin(&params.path)
    }

    fn pinned_program(&self, params: PinnedParams) -> Result<LoadResult, ErrorBody> {
        let program = self.loader.pinned_program(&params.path);
        let object = LoadedObject {
            name: params.path,
            programs: vec![program.map_err(loader_error)?],
            maps: Vec::new(),
            log: String::new(),
        };
        Ok(self.loaded(object))
    }

    fn pinned_map(&self, params: PinnedParams) -> Result<LoadResult, ErrorBody> {
        let map = self.loader.pinned_map(&params.path);
        let object = LoadedObject {
            name: params.path,
            programs: Vec::new(),
            maps: vec![map.map_err(loader_error)?],
            log: String::new(),
        };
        Ok(self.loaded(object))
    }

    fn pinned_link(&self, params: PinnedParams) -> Result<PinnedLinkResult, ErrorBody> {
        let link = self.loader.pinned_link(&params.path);
        let link = link.map_err(loader_error)?;
        Ok(PinnedLinkResult {
            id: link.id,
            link: self.registry.add_pinned_link(link),
        })
    }

    fn ebpf_load(&self, params: EbpfLoadParams) -> Result<LoadResult, ErrorBody> {
        let instructions = &params.instructions.0;
        let object = self
            .loader
            .load_ebpf(&params.program_type, instructions, &params.name)
            .map_err(loader_error)?;
        Ok(self.loaded(object))
    }

    fn map_get(&self, params: MapKeyParams) -> Result<MapGetResult, ErrorBody> {
        let map = self.registry.map(params.map)?;
        let value = map.get(&params.key.0).map_err(loader_error)?;
        Ok(MapGetResult {
            value: value.map(from_value),
        })
    }

    fn map_set(&self, params: MapSetParams) -> Result<Empty, ErrorBody> {
        let map = self.registry.map(params.map)?;
        let flags = params.flags.unwrap_or_default().0;
        map.set(&params.key.0, &to_value(params.value), flags)
            .map_err(loader_error)?;
        Ok(Empty {})
    }

    fn map_delete(&self, params: MapKeyParams) -> Result<MapDeleteResult, ErrorBody> {
        let map = self.registry.map(params.map)?;
        let deleted = map.delete(&params.key.0).map_err(loader_error)?;
        Ok(MapDeleteResult { deleted })
    }

    fn map_take(&self, params: MapKeyParams) -> Result<MapGetResult, ErrorBody> {
        let map = self.registry.map(params.map)?;
        let value = map.take(&params.key.0).map_err(loader_error)?;
        Ok(MapGetResult {
            value: value.map(from_value),
        })
    }

    fn map_entries(&self, params: MapEntriesParams) -> Result<MapEntriesResult, ErrorBody> {
        let map = self.registry.map(params.map)?;
        let limit = params.limit.unwrap_or(DEFAULT_ENTRIES);
        if limit > MAX_ENTRIES {
            return Err(ErrorBody::invalid(format!(
                "limit is {limit}, at most {MAX_ENTRIES} are allowed"
            )));
        }
        let found = map
            .entries(limit as usize, MAX_ENTRY_BYTES)
            .map_err(loader_error)?;
        let entry = |(key, value): (Vec<u8>, Value)| MapEntry {
            key: key.into(),
            value: from_value(value),
        };
        let entries = found.entries.into_iter().map(entry).collect();
        Ok(MapEntriesResult {
            entries,
            truncated: found.truncated,
        })
    }

    fn ringbuf_read(&self, params: RingbufReadParams) -> Result<RingbufReadResult, ErrorBody> {
        let map = self.registry.map(params.map)?;
        let read = map.read_ringbuf(MAX_ENTRY_BYTES).map_err(loader_error)?;
        Ok(RingbufReadResult {
            records: read.records.into_iter().map(Bytes).collect(),
            discarded: read.discarded,
            busy: read.end == ReadEnd::Busy,
            truncated: read.end == ReadEnd::Limit,
        })
    }

    fn perf_open(&self, params: PerfParams) -> Result<Empty, ErrorBody> {
        let map = self.registry.map(params.map)?;
        let online = cpus::read()?.online;
        let buffers = map.open_perf_buffers(&online).map_err(loader_error)?;
        self.registry.add_perf_buffers(&map, buffers)?;
        Ok(Empty {})
    }

    fn perf_read(&self, params: PerfParams) -> Result<PerfReadResult, ErrorBody> {
        let buffers = self.registry.perf_buffers(params.map)?;
        let buffers = buffers.lock().expect("no panics");
        let read = |buffer: &rex_loader::PerfBuffer| {
            let read = buffer.read().map_err(loader_error)?;
            Ok(PerfCpu {
                cpu: buffer.cpu,
                events: read.samples.into_iter().map(Bytes).collect(),
                lost: read.lost,
            })
        };
        let cpus = buffers.iter().map(read).collect::<Result<_, ErrorBody>>()?;
        Ok(PerfReadResult { cpus })
    }

    fn trigger(&self, params: TriggerParams) -> Result<TriggerResult, ErrorBody> {
        trigger::run(&params)
    }

    fn veth_add(&self, params: VethAddParams) -> Result<VethAddResult, ErrorBody> {
        net::add_veth(&params)
    }

    fn net_remove(&self, params: NetRemoveParams) -> Result<Empty, ErrorBody> {
        net::remove(&params)
    }

    fn net_up(&self, params: NetUpParams) -> Result<NetDevice, ErrorBody> {
        uplink::up(&params)
    }

    fn filter_add(&self, params: FilterAddParams) -> Result<Empty, ErrorBody> {
        let program = self.registry.program(params.program)?;
        filter::add(&params, &program)
    }

    fn filter_remove(&self, params: FilterRemoveParams) -> Result<Empty, ErrorBody> {
        filter::remove(&params)
    }

    fn packets(&self, params: PacketsParams) -> Result<PacketsResult, ErrorBody> {
        packets::run(params)
    }

    fn test_run(&self, params: TestRunParams) -> Result<TestRunResult, ErrorBody> {
        let program = self.registry.program(params.program)?;
        let run = TestRun {
            data_in: params.data_in.unwrap_or_default().0,
            ctx_in: params.ctx_in.unwrap_or_default().0,
            repeat: params.repeat.unwrap_or(1),
            live_frames: params.live_frames,
        };
        let outcome = self.loader.test_run(&program, &run).map_err(loader_error)?;
        Ok(TestRunResult {
            retval: outcome.retval,
            data_out: outcome.data_out.into(),
            ctx_out: outcome.ctx_out.into(),
            duration_ns: outcome.duration_ns,
        })
    }

    fn exits(&self, params: ExitsParams) -> Result<ExitsResult, ErrorBody> {
        exits::read(&params)
    }

    fn programs(&self, _: Empty) -> Result<ProgramsResult, ErrorBody> {
        programs::read()
    }

    fn inventory(&self, params: InventoryParams) -> Result<InventoryResult, ErrorBody> {
        inventory::take(&self.loader, &params, self.registry.handles())
    }

    fn holdings(&self, params: HoldingsParams) -> Result<HoldingsResult, ErrorBody> {
        let inventory = self.inventory(InventoryParams::default())?;
        holdings::take(&self.loader, &params, inventory)
    }

    fn trace_read(&self, _: Empty) -> Result<TraceReadResult, ErrorBody> {
        self.trace.read()
    }

    fn log_sync(&self, _: Empty) -> Result<LogSyncResult, ErrorBody> {
        match self.log.get() {
            Some(Ok(log)) => log.sync(),
            _ => Err(ErrorBody::internal("the kernel log isn't followed")),
        }
    }

    fn exec(&self, params: ExecParams) -> Result<ExecResult, ErrorBody> {
        exec::run(&params, &self.reaper, &self.host_root)
    }

    fn read_file(&self, params: ReadFileParams) -> Result<ReadFileResult, ErrorBody> {
        files::read(&params)
    }

    fn read_folder(&self, params: ReadFolderParams) -> Result<ReadFolderResult, ErrorBody> {
        folder::read(&params)
    }

    fn write_file(&self, params: WriteFileParams) -> Result<WriteFileResult, ErrorBody> {
        files::write(&params)
    }

    fn sysrq(&self, params: SysrqParams) -> Result<Empty, ErrorBody> {
        files::sysrq(&params)
    }

    fn kallsyms(&self, params: KallsymsParams) -> Result<KallsymsResult, ErrorBody> {
        kallsyms::find(&params)
    }

    fn cpus(&self, _: Empty) -> Result<CpusResult, ErrorBody> {
        cpus::read()
    }

    fn poweroff(&self, _: Empty) -> Result<Empty, ErrorBody> {
        // On a thread of its own, so that the answer goes out first.
        let last = std::thread::Builder::new().name("poweroff".to_string());
        last.spawn(|| {
            std::thread::sleep(Duration::from_millis(10));
            death::power_off()
        })
        .map_err(|error| ErrorBody::internal(format!("no thread for the power-off: {error}")))?;
        Ok(Empty {})
    }
}
