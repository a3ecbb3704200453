// SPDX-License-Identifier: GPL-2.0-only
//! What the loader says, and what it is told, in the words of the protocol.

use rex_loader::{LoadedObject, Target, Value};
use rex_protocol::*;

use crate::registry::Handles;

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

/// A value on its way into a map.
pub fn to_value(value: MapValue) -> Value {
    match value {
        MapValue::One(bytes) => Value::One(bytes.0),
        MapValue::PerCpu(parts) => Value::PerCpu(parts.into_iter().map(|part| part.0).collect()),
    }
}

/// A value out of a map.
pub fn from_value(value: Value) -> MapValue {
    match value {
        Value::One(bytes) => MapValue::One(bytes.into()),
        Value::PerCpu(parts) => MapValue::PerCpu(parts.into_iter().map(Bytes).collect()),
    }
}

/// Where a program is to be attached.
pub fn to_target(target: AttachTarget) -> Target {
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

/// Where it is.
pub fn from_target(target: Target) -> AttachTarget {
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

/// What there is to say of an object that was loaded.
pub fn load_result(object: &LoadedObject, handles: &Handles) -> LoadResult {
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
