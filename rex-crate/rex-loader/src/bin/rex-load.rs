// SPDX-License-Identifier: GPL-2.0-only
//! `rex-load`: loads an object, attaches its programs, and detaches them when
//! it is interrupted.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::*;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use rex_loader::{Link, LoadedObject, Loader, ObjectFile, Program, Target};

const HELP: &str = "\
Loads a Rex object and attaches its programs until interrupted (Ctrl-C).

Usage: rex-load [options] OBJECT

  -a, --attach PROGRAM=TARGET  attach a program there, not where its record says:
                               kprobe/FUNCTION[+OFFSET], kretprobe/FUNCTION,
                               tracepoint/CATEGORY/NAME
  -n, --no-attach              only load
      --name NAME              what kernel messages call the object (default: its file name)
      --show                   print what the object has, without loading it
  -h, --help                   print this";

struct Options {
    object: PathBuf,
    name: Option<String>,
    targets: Vec<(String, String)>,
    attach: bool,
    show: bool,
}

fn options() -> Result<Option<Options>, lexopt::Error> {
    let mut object = None;
    let (mut name, mut targets, mut attach, mut show) = (None, Vec::new(), true, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('a') | Long("attach") => {
                let value = parser.value()?.string()?;
                let (program, target) = value
                    .split_once('=')
                    .ok_or("--attach wants PROGRAM=TARGET")?;
                targets.push((program.to_string(), target.to_string()));
            }
            Short('n') | Long("no-attach") => attach = false,
            Long("name") => name = Some(parser.value()?.string()?),
            Long("show") => show = true,
            Short('h') | Long("help") => return Ok(None),
            Value(path) if object.is_none() => object = Some(PathBuf::from(path)),
            _ => return Err(argument.unexpected()),
        }
    }
    let object = object.ok_or("which object?")?;
    Ok(Some(Options {
        object,
        name,
        targets,
        attach,
        show,
    }))
}

fn object_name(path: &Path) -> String {
    path.file_stem().map_or_else(
        || "object".to_string(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

fn show(file: &ObjectFile) {
    for map in &file.maps {
        println!(
            "map      {}: {}, key {} bytes, value {} bytes, {} entries",
            map.name,
            rex_loader::map_type_name(map.map_type),
            map.key_size,
            map.value_size,
            map.max_entries
        );
    }
    for program in &file.programs {
        let target = if program.attach.is_empty() {
            "no default target"
        } else {
            &program.attach
        };
        println!(
            "program  {}: {}, {target}",
            program.name,
            rex_loader::program_type_name(program.program_type)
        );
    }
}

fn target(program: &Program, options: &Options) -> Result<Target, String> {
    let name = &program.record.name;
    match options.targets.iter().find(|(wanted, _)| wanted == name) {
        Some((_, text)) => Target::parse(program.record.program_type, text),
        None => program.default_target().map_err(|error| error.to_string()),
    }
}

fn attach(loader: &Loader, object: &LoadedObject, options: &Options) -> Result<Vec<Link>, String> {
    for (name, _) in &options.targets {
        if !object
            .programs
            .iter()
            .any(|program| program.record.name == *name)
        {
            return Err(format!("the object has no program {name}"));
        }
    }
    let mut links = Vec::new();
    for program in &object.programs {
        let target = target(program, options)?;
        let link = loader
            .attach(program, &target)
            .map_err(|error| error.to_string())?;
        println!(
            "attached {} to {target} (link {})",
            program.record.name, link.id
        );
        links.push(link);
    }
    Ok(links)
}

fn run(options: &Options) -> Result<(), String> {
    // Before anything is attached, so that Ctrl-C detaches in every case.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals
        .thread_block()
        .map_err(|error| format!("signals: {error}"))?;

    let path = options.object.display();
    let bytes = std::fs::read(&options.object).map_err(|error| format!("{path}: {error}"))?;
    let file = ObjectFile::parse(&bytes).map_err(|error| format!("{path}: {error}"))?;
    if options.show {
        show(&file);
        return Ok(());
    }
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| object_name(&options.object));
    let loader = Loader::new();
    let object = loader
        .load(&file, &bytes, &name)
        .map_err(|error| error.to_string())?;
    for map in &object.maps {
        println!("map      {} (id {})", map.record.name, map.id);
    }
    for program in &object.programs {
        println!("loaded   {} (id {})", program.record.name, program.id);
    }
    let links = if options.attach {
        attach(&loader, &object, options)?
    } else {
        Vec::new()
    };
    println!(
        "interrupt (Ctrl-C) to {}",
        if links.is_empty() { "unload" } else { "detach" }
    );
    signals
        .wait()
        .map_err(|error| format!("waiting: {error}"))?;
    drop(links);
    drop(object);
    println!("unloaded {name}");
    Ok(())
}

fn main() -> ExitCode {
    // Rust ignores SIGPIPE, which would make a panic of `rex-load … | head`.
    // SAFETY: the default action runs no code of this process.
    let pipe = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
    pipe.expect("SIGPIPE is a signal");
    match options() {
        Ok(Some(options)) => match run(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("rex-load: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(None) => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("rex-load: {error}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}
