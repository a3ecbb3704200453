// SPDX-License-Identifier: GPL-2.0-only
//! `cargo rex`: builds, checks and verifies Rex programs.

use std::process::ExitCode;

/// Exit codes: 1 when a program is refused, 2 when the machine or the command
/// line is to blame.
const INFRASTRUCTURE: u8 = 2;

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    // As `cargo rex …`, cargo passes the name of the command first.
    if arguments.first().is_some_and(|first| first == "rex") {
        arguments.remove(0);
    }
    let result = cargo_rex::cli::Arguments::parse(arguments).and_then(|arguments| {
        if let Some(folder) = cargo_rex::cli::unpacked_libclang() {
            // SAFETY: no other thread runs yet.
            unsafe { std::env::set_var("LIBCLANG_PATH", folder) };
        }
        cargo_rex::cli::run(arguments)
    });
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cargo rex: {error:#}");
            ExitCode::from(INFRASTRUCTURE)
        }
    }
}
