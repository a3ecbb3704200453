// SPDX-License-Identifier: GPL-2.0-only
//! `load-trial`: loads an object in ways that no loader would, and reports
//! what the kernel said. Specs run it in the guest (`/init load-trial`) with a
//! line of JSON and the object on its standard input; the report is a line of
//! JSON on its standard output.
//!
//! It is a process of its own because most of what it does would harm the
//! agent: it drops capabilities, enters a user namespace, lets allocations
//! fail, closes descriptors that are in use.

mod attrs;
mod bytes;
mod faults;
mod identity;
mod kernel;
mod mutate;
mod report;
mod storm;

use std::io::{BufRead, Read, Write};
use std::os::fd::AsRawFd;

use rex_loader::ObjectFile;
use rex_loader::sys::{Kernel, Linux, MapFd};
use serde::Deserialize;

use bytes::SharedBytes;
use kernel::{Load, NamedFd};
use report::Report;

/// What the agent is called with to be this program.
pub const NAME: &str = "load-trial";

/// A map descriptor for the kernel, in place of the record's own map.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MapWish {
    name: String,
    /// One that was closed before the load.
    #[serde(default)]
    closed: bool,
    /// What is no map: /dev/null.
    #[serde(default)]
    no_map: bool,
    map_type: Option<u32>,
    key_size: Option<u32>,
    value_size: Option<u32>,
    max_entries: Option<u32>,
    flags: Option<u32>,
}

/// What is to be done; everything but the object has a sensible default.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Params {
    /// Descriptors to pass; a map for each record if absent.
    maps: Option<Vec<MapWish>>,
    /// Passed as map_cnt, whatever the length of the array is.
    map_count: Option<u32>,
    /// Bytes to pass, zeroes behind the object.
    elf_size: Option<u32>,
    log_size: Option<u32>,
    flags: Option<u32>,
    /// The only capabilities that are kept, after the maps were created.
    keep_capabilities: Option<Vec<String>>,
    /// Loads from within a new user namespace, where it has all capabilities.
    user_namespace: bool,
    /// Lets the first, second, … allocation fail until none is left.
    fail_each_allocation: bool,
    /// Many loads at once.
    storm: Option<storm::Storm>,
    /// Many loads of objects that are damaged at random.
    mutate: Option<mutate::Mutate>,
    /// Many calls with attrs that are wrong at random.
    attrs: Option<attrs::Attrs>,
}

/// Runs the trial. Returns the exit code: 0 when there is a report.
pub fn main() -> i32 {
    let report = read_input().and_then(|(params, object)| run(&params, &object));
    match report.and_then(|report| print(&report)) {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("{NAME}: {why}");
            1
        }
    }
}

fn read_input() -> Result<(Params, Vec<u8>), String> {
    let failed = |error: std::io::Error| format!("standard input: {error}");
    let mut input = std::io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line).map_err(failed)?;
    let params = serde_json::from_str(&line).map_err(|error| format!("parameters: {error}"))?;
    let mut object = Vec::new();
    input.read_to_end(&mut object).map_err(failed)?;
    Ok((params, object))
}

fn print(report: &Report) -> Result<(), String> {
    let line = serde_json::to_string(report).map_err(|error| error.to_string())?;
    writeln!(std::io::stdout(), "{line}").map_err(|error| format!("standard output: {error}"))
}

fn run(params: &Params, object: &[u8]) -> Result<Report, String> {
    let records = ObjectFile::parse_leniently(object);
    let mut elf = object.to_vec();
    if let Some(size) = params.elf_size {
        elf.resize(size as usize, 0);
    }
    let elf = SharedBytes::new(&elf);
    // Kept open to the end: the kernel is to see descriptors that are there.
    let (_owners, maps) = create_maps(params, &records)?;
    let load = Load {
        elf: &elf,
        maps: &maps,
        map_count: params.map_count,
        log_size: params.log_size,
        flags: params.flags.unwrap_or(0),
    };
    if params.user_namespace {
        identity::enter_user_namespace()?;
    }
    if let Some(kept) = &params.keep_capabilities {
        identity::keep_capabilities(kept)?;
    }
    let program = records.programs.first().map(|record| record.name.as_str());
    if params.fail_each_allocation {
        faults::run(&load, program)
    } else if let Some(storm) = &params.storm {
        storm.run(&load, program)
    } else if let Some(mutate) = &params.mutate {
        Ok(mutate.run(&load))
    } else if let Some(attrs) = &params.attrs {
        attrs.run(&load, program)
    } else {
        let mut report = Report::default();
        report.add(&kernel::load_and_close(&load, program));
        Ok(report)
    }
}

/// Something that is open as long as it lives.
enum Owner {
    Map(MapFd),
    File(std::fs::File),
}

impl Owner {
    fn fd(&self) -> i32 {
        match self {
            Owner::Map(map) => std::os::fd::AsFd::as_fd(map).as_raw_fd(),
            Owner::File(file) => file.as_raw_fd(),
        }
    }
}

fn create_maps(
    params: &Params,
    records: &ObjectFile,
) -> Result<(Vec<Owner>, Vec<NamedFd>), String> {
    let usual = || {
        let wish = |record: &rex_loader::MapRecord| MapWish {
            name: record.name.clone(),
            closed: false,
            no_map: false,
            map_type: None,
            key_size: None,
            value_size: None,
            max_entries: None,
            flags: None,
        };
        records.maps.iter().map(wish).collect()
    };
    let wishes: Vec<MapWish> = params.maps.clone().unwrap_or_else(usual);
    let mut owners = Vec::new();
    let mut maps = Vec::new();
    for wish in &wishes {
        let owner = create_map(wish, records)?;
        maps.push(NamedFd::new(
            &wish.name,
            kernel::to_high_number(owner.fd())?,
        ));
        owners.push(owner);
        if wish.closed {
            kernel::close(maps[maps.len() - 1].fd());
        }
    }
    Ok((owners, maps))
}

fn create_map(wish: &MapWish, records: &ObjectFile) -> Result<Owner, String> {
    if wish.no_map {
        let file = std::fs::File::open("/dev/null").map_err(|error| error.to_string())?;
        return Ok(Owner::File(file));
    }
    let record = records.maps.iter().find(|record| record.name == wish.name);
    let mut record = record
        .or(records.maps.first())
        .ok_or("the object has no map that this one could be like")?
        .clone();
    record.map_type = wish.map_type.unwrap_or(record.map_type);
    record.key_size = wish.key_size.unwrap_or(record.key_size);
    record.value_size = wish.value_size.unwrap_or(record.value_size);
    record.max_entries = wish.max_entries.unwrap_or(record.max_entries);
    record.flags = wish.flags.unwrap_or(record.flags);
    let created = Linux.map_create(&record, 1);
    created
        .map(Owner::Map)
        .map_err(|errno| format!("map {} can't be created: {}", wish.name, errno.name()))
}
