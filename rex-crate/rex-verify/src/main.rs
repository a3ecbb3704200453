// SPDX-License-Identifier: GPL-2.0-only
//! `rex-verify FILE…`: checks Rex objects.

use std::process::ExitCode;

use rex_verify::stack;

fn main() -> ExitCode {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: rex-verify FILE…");
        return ExitCode::from(2);
    }
    let mut code = ExitCode::SUCCESS;
    for file in files {
        let name = file.to_string_lossy();
        match std::fs::read(&file) {
            Err(error) => {
                eprintln!("{name}: {error}");
                return ExitCode::from(2);
            }
            Ok(bytes) => match rex_verify::verify(&bytes) {
                Ok(verified) => {
                    println!(
                        "{name}: {} programs, {} functions: verified",
                        verified.image.programs.len(),
                        verified.image.functions.len()
                    );
                    print!("{}", stack::summary(&verified.bounds));
                }
                Err(findings) => {
                    for finding in findings {
                        eprintln!("{name}: {finding}");
                    }
                    code = ExitCode::FAILURE;
                }
            },
        }
    }
    code
}
