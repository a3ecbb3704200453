// SPDX-License-Identifier: GPL-2.0-only
//! The command line.

mod arguments;
mod project;
mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::json;

pub use arguments::Arguments;

use crate::bindings::abi;
use crate::compile::batch;
use crate::project::new;
use crate::sysroot::{self, Progress, Sysroot, sources};
use crate::{cache, toolchain};

const HELP: &str = "\
Builds, checks and verifies Rex programs.

cargo rex new PATH                        make a project
cargo rex build [--manifest-path FILE]    build it: target/rex/<name>.rex
cargo rex check [--manifest-path FILE]    only say what is wrong with it
cargo rex verify FILE…                    check a built object
cargo rex verify --batch                  JSON lines in, JSON lines out (for rex-test)
cargo rex setup                           make the private sysroot
cargo rex compile [--jobs N]              JSON lines in, JSON lines out (for rex-test)
cargo rex abi [--check]                   generate rex-abi from rex.h

build, check, setup and compile need the uapi headers of the kernel that the
programs are for: --kernel-headers DIR, or REX_KERNEL_HEADERS.
--message-format human|json says how setup and build speak.
";

/// Where a libclang was unpacked privately, unless the user names one.
pub fn unpacked_libclang() -> Option<PathBuf> {
    if std::env::var_os("LIBCLANG_PATH").is_some() {
        return None;
    }
    toolchain::libclang_folder(&cache::root().ok()?)
}

/// Runs the command that `arguments` name.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let command = arguments.command.clone();
    match command.as_str() {
        "new" => {
            let path = arguments
                .operand()
                .context("`cargo rex new` needs a path")?;
            arguments.finish()?;
            new::create(Path::new(&path))?;
            Ok(ExitCode::SUCCESS)
        }
        "build" => project::build(arguments, true),
        "check" => project::build(arguments, false),
        "verify" => verify::run(arguments),
        "setup" => setup(arguments),
        "compile" => compile(arguments),
        "abi" => generate_abi(arguments),
        _ => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The sysroot for the headers that the arguments name.
fn ensure_sysroot(arguments: &mut Arguments, progress: &Progress) -> Result<(PathBuf, Sysroot)> {
    let headers = arguments
        .value("--kernel-headers")?
        .or_else(|| std::env::var("REX_KERNEL_HEADERS").ok())
        .context(
            "which kernel? Give --kernel-headers DIR or REX_KERNEL_HEADERS: \
             the include folder in the place that `rex-test kernel path` prints",
        )?;
    let cache = cache::root()?;
    let sysroot = sysroot::ensure(&cache, Path::new(&headers), progress)?;
    Ok((cache, sysroot))
}

fn setup(mut arguments: Arguments) -> Result<ExitCode> {
    let is_json = arguments.wants_json()?;
    let (_, sysroot) = ensure_sysroot(&mut arguments, &progress())?;
    arguments.finish()?;
    let (core, rex) = (&sysroot.core.path, &sysroot.rex.path);
    let tools = &sysroot.toolchain;
    if is_json {
        let line = json!({
            "core": core, "rex": rex, "rustc": tools.rustc, "version": tools.version,
            "library": tools.library, "lld": tools.lld.path, "clippy": tools.clippy,
        });
        println!("{line}");
    } else {
        println!("toolchain {} ({})", tools.rustc.display(), tools.origin);
        println!("core      {}", core.display());
        println!("rex       {}", rex.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn compile(mut arguments: Arguments) -> Result<ExitCode> {
    let jobs = match arguments.value("--jobs")? {
        Some(jobs) => jobs.parse().context("--jobs takes a number")?,
        None => std::thread::available_parallelism()?.get(),
    };
    let (cache, sysroot) = ensure_sysroot(&mut arguments, &progress())?;
    arguments.finish()?;
    let input = std::io::BufReader::new(std::io::stdin());
    batch::run(&sysroot, &cache, jobs, input, std::io::stdout())?;
    Ok(ExitCode::SUCCESS)
}

fn generate_abi(mut arguments: Arguments) -> Result<ExitCode> {
    let only_check = arguments.flag("--check");
    arguments.finish()?;
    let header = sources().join("../kernel/sources/include/uapi/linux/rex.h");
    let committed = sources().join("rex-abi/src/generated.rs");
    if only_check {
        abi::check(&header, &committed)?;
    } else {
        std::fs::write(&committed, abi::generate(&header)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn progress() -> Progress {
    Progress::new(|what| eprintln!("{what}"))
}
