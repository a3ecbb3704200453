// SPDX-License-Identifier: GPL-2.0-only
//! The methods, each in a few lines: what is asked, who does it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rex_loader::sys::TestRun;
use rex_loader::{LoadedObject, Loader, ObjectFile};
use rex_protocol::*;

use crate::convert::{from_target, from_value, load_result, loader_error, to_target, to_value};
use crate::exec;
use crate::host_root::HostRoot;
use crate::kmsg::Follower;
use crate::outbox::Outbox;
use crate::reaper::Reaper;
use crate::registry::Registry;
use crate::trace::TracePipe;
use crate::user::Identity;
use crate::{
    cpus, death, elements, exits, files, filter, folder, hello, holdings, inventory, kallsyms, net,
    packets, programs, renewal, trigger, uplink,
};

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
        let hello = hello::who(&self.loader).unwrap_or_else(|error| death::die(&error.message));
        self.outbox.event(&Event::Hello(hello));
        let log = self
            .log
            .get_or_init(|| Follower::start(self.outbox.clone()));
        if let Err(why) = log {
            death::die(why);
        }
    }
}

impl Handler for Agent {
    fn hello(&self, _: Empty) -> Result<Hello, ErrorBody> {
        hello::who(&self.loader)
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
        elements::entries(&map, params.limit)
    }

    fn ringbuf_read(&self, params: RingbufReadParams) -> Result<RingbufReadResult, ErrorBody> {
        let map = self.registry.map(params.map)?;
        elements::ring_buffer(&map)
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
        elements::perf_buffers(&buffers)
    }

    fn trigger(&self, params: TriggerParams) -> Result<TriggerResult, ErrorBody> {
        let known = exits::last(params.exits_since)?;
        let mut result = trigger::run(&params)?;
        result.exits = exits::behind(known)?;
        Ok(result)
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
        let known = exits::last(params.exits_since)?;
        let outcome = self.loader.test_run(&program, &run).map_err(loader_error)?;
        Ok(TestRunResult {
            retval: outcome.retval,
            data_out: outcome.data_out.into(),
            ctx_out: outcome.ctx_out.into(),
            duration_ns: outcome.duration_ns,
            exits: exits::behind(known)?,
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
