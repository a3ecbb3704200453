// SPDX-License-Identifier: GPL-2.0-only
//! What the kernel holds: through the loader, and from /proc and debugfs.

use std::collections::BTreeMap;

use rex_loader::sys::LinkedTo;
use rex_loader::{LinkEntry, Loader, MapEntry, ProgramEntry};
use rex_loader::{link_type_name, map_type_name, program_type_name};
use rex_protocol::{
    ErrorBody, InventoryHandles, InventoryLink, InventoryMap, InventoryModule, InventoryParams,
    InventoryProgram, InventoryResult, InventorySlab, U64,
};

use crate::convert::loader_error;
use crate::text::read_text;

const MAX_BYTES: u64 = 1024 * 1024;
/// Beginnings of the slab caches that Rex and BPF allocate from.
const SLABS: &[&str] = &[
    "kmalloc-",
    "bpf",
    "rex",
    "vmap_area",
    "perf_event",
    "task_struct",
];
/// Letters of the taint bits, from bit 0 (TAINT_PROPRIETARY_MODULE).
const TAINTS: &str = "PFSRMBUDAWCIOELKXTNJ";

/// Takes the inventory.
pub fn take(
    loader: &Loader,
    params: &InventoryParams,
    handles: InventoryHandles,
) -> Result<InventoryResult, ErrorBody> {
    let taint = taint()?;
    Ok(InventoryResult {
        progs: loader
            .programs()
            .map_err(loader_error)?
            .into_iter()
            .map(program)
            .collect(),
        maps: loader
            .maps()
            .map_err(loader_error)?
            .into_iter()
            .map(map)
            .collect(),
        links: loader
            .links()
            .map_err(loader_error)?
            .into_iter()
            .map(link)
            .collect(),
        // Absent on a kernel without modules.
        modules: read_text("/proc/modules", MAX_BYTES).map_or_else(|_| Vec::new(), |t| modules(&t)),
        taint,
        taint_flags: taint_flags(taint),
        rex_stats: read_text("/sys/kernel/debug/rex/stats", MAX_BYTES)
            .ok()
            .map(|t| stats(&t)),
        slabs: read_text("/proc/slabinfo", MAX_BYTES)
            .ok()
            .map(|text| slabs(&text, params.slabs.as_deref())),
        handles,
    })
}

fn program(entry: ProgramEntry) -> InventoryProgram {
    InventoryProgram {
        id: entry.id,
        name: entry.name,
        program_type: program_type_name(entry.program_type),
        tag: entry.tag.iter().map(|byte| format!("{byte:02x}")).collect(),
        jited_bytes: entry.jited_bytes,
        map_ids: entry.map_ids,
        run_count: entry.run_count,
        run_time_ns: entry.run_time_ns,
        recursion_misses: entry.recursion_misses,
    }
}

fn map(entry: MapEntry) -> InventoryMap {
    InventoryMap {
        id: entry.id,
        name: entry.name,
        map_type: map_type_name(entry.map_type),
        key_size: entry.key_size,
        value_size: entry.value_size,
        max_entries: entry.max_entries,
        flags: entry.flags,
    }
}

fn link(entry: LinkEntry) -> InventoryLink {
    let plain = InventoryLink {
        id: entry.id,
        link_type: link_type_name(entry.link_type),
        prog_id: entry.program_id,
        device: None,
        function: None,
        ret: None,
        missed: None,
        tracepoint: None,
        event: None,
        cookie: None,
    };
    match entry.place {
        LinkedTo::Other => plain,
        LinkedTo::Device(index) => InventoryLink {
            device: Some(index),
            ..plain
        },
        LinkedTo::Function {
            symbol,
            offset,
            ret,
            missed,
            cookie,
        } => InventoryLink {
            function: Some(match offset {
                0 => symbol,
                _ => format!("{symbol}+{offset:#x}"),
            }),
            ret: Some(ret),
            missed: Some(missed),
            cookie: Some(U64(cookie)),
            ..plain
        },
        LinkedTo::Tracepoint { name, cookie } => InventoryLink {
            tracepoint: Some(name),
            cookie: Some(U64(cookie)),
            ..plain
        },
        LinkedTo::Counter {
            event_type,
            config,
            cookie,
        } => InventoryLink {
            event: Some([U64(event_type.into()), U64(config)]),
            cookie: Some(U64(cookie)),
            ..plain
        },
    }
}

fn taint() -> Result<u32, ErrorBody> {
    const PATH: &str = "/proc/sys/kernel/tainted";
    let text = read_text(PATH, 64)
        .map_err(|error| ErrorBody::internal(format!("{PATH} can't be read: {error}")))?;
    text.trim()
        .parse()
        .map_err(|_| ErrorBody::internal(format!("{PATH} says {text:?}")))
}

fn taint_flags(taint: u32) -> Vec<String> {
    let letter = |bit: u32| match TAINTS.chars().nth(bit as usize) {
        Some(letter) => letter.to_string(),
        None => format!("bit {bit}"),
    };
    (0..u32::BITS)
        .filter(|bit| taint & (1 << bit) != 0)
        .map(letter)
        .collect()
}

/// Lines `name bytes references dependencies state address`.
fn modules(text: &str) -> Vec<InventoryModule> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [name, bytes, _, _, state, ..] = fields[..] else {
            return None;
        };
        Some(InventoryModule {
            name: name.to_string(),
            bytes: bytes.parse().ok()?,
            state: state.to_string(),
        })
    };
    text.lines().filter_map(line).collect()
}

/// Lines `key value`.
fn stats(text: &str) -> BTreeMap<String, u64> {
    let line = |line: &str| {
        let (key, value) = line.split_once(' ')?;
        Some((key.to_string(), value.trim().parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// Lines `name active total object_bytes …`, behind two of heading.
fn slabs(text: &str, wanted: Option<&[String]>) -> Vec<InventorySlab> {
    let is_wanted = |name: &str| match wanted {
        Some(names) => names.iter().any(|wanted| wanted == name),
        None => SLABS.iter().any(|start| name.starts_with(start)),
    };
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let name = fields.next().filter(|name| is_wanted(name))?;
        let mut number = || fields.next()?.parse().ok();
        Some(InventorySlab {
            name: name.to_string(),
            active: number()?,
            total: number()?,
            object_bytes: number()?,
        })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taints() {
        assert_eq!(taint_flags(0), Vec::<String>::new());
        assert_eq!(taint_flags(1 | 1 << 7 | 1 << 9), ["P", "D", "W"]);
        assert_eq!(taint_flags(1 << 30), ["bit 30"]);
    }

    #[test]
    fn tables_of_proc() {
        let found = modules("veth 45056 0 - Live 0x0000000000000000\nodd line\n");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].bytes), ("veth", 45056));
        let found = stats("loads 3\nexits 1\nodd\n");
        assert_eq!((found.len(), found["loads"]), (2, 3));
        let text = "slabinfo - version: 2.1\n# name <active_objs> ...\n\
                    kmalloc-64 100 128 64 64 1 : tunables 0 0 0 : slabdata 2 2 0\n\
                    dentry 5 6 192 21 1 : tunables 0 0 0 : slabdata 1 1 0\n";
        assert_eq!(slabs(text, None).len(), 1);
        let found = slabs(text, Some(&["dentry".to_string()]));
        assert_eq!(
            (found[0].active, found[0].total, found[0].object_bytes),
            (5, 6, 192)
        );
    }
}
