// SPDX-License-Identifier: GPL-2.0-only
//! Compiling the program to an archive of one optimised object.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::dep_info::DepInfo;
use super::input::OptLevel;
use super::{Job, Refusal, Stage};
use crate::process::{self, Finished};
use crate::target;

/// What the compiler made.
pub(super) struct Compiled {
    pub archive: PathBuf,
    /// Every file that the compiler read.
    pub files: Vec<PathBuf>,
    /// Every environment variable that the program asked for.
    pub variables: Vec<String>,
    pub warnings: String,
}

pub(super) fn run(job: &Job<'_>) -> Result<std::result::Result<Compiled, Refusal>> {
    let archive = job.folder.join("program.a");
    let dep_info = job.dep_info();
    let root = job.root();
    write_text(job, &root)?;
    let mut rustc = job.sysroot.toolchain.rustc();
    arguments(job, &root, &mut rustc);
    rustc
        .args(["--crate-type=staticlib", "-Clto=fat"])
        .arg(format!("--emit=link={}", archive.display()))
        .arg(format!("--emit=dep-info={}", dep_info.display()));
    let finished = process::run(&mut rustc, process::LIMIT)?;
    let messages = Messages::parse(&finished.stderr);
    if !finished.status.success() {
        return messages.refusal(Stage::Rustc, &finished).map(Err);
    }
    let text = fs::read_to_string(&dep_info).context("the compiler wrote no dep-info")?;
    let Some(read) = DepInfo::parse(&text) else {
        let message = "error: a file of the program has a name with a backslash or a line break\n";
        return Ok(Err(Refusal::new(Stage::Scan, message)));
    };
    Ok(Ok(Compiled {
        archive,
        files: read.files.iter().map(|file| root.join(file)).collect(),
        variables: read.variables,
        warnings: messages.rendered,
    }))
}

/// Writes a program that was given as text to the folder it is compiled in.
fn write_text(job: &Job<'_>, root: &Path) -> Result<()> {
    if !job.input.is_text() {
        return Ok(());
    }
    for (path, content) in &job.input.files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        fs::write(path, content)?;
    }
    Ok(())
}

/// What the compiler and clippy are both told.
pub(super) fn arguments(job: &Job<'_>, root: &Path, command: &mut Command) {
    let Job { sysroot, input, .. } = job;
    command.current_dir(root);
    command.args(["--edition=2024", "--crate-name", &input.crate_name]);
    target::apply(command, &sysroot.core.target());
    // The last one counts.
    command.args(input.opt_level.map(OptLevel::flag));
    command.arg("--sysroot").arg(&sysroot.core.path);
    command
        .arg("-L")
        .arg(format!("dependency={}", sysroot.rex.path.display()));
    command.arg("--extern").arg(format!(
        "rex={}",
        sysroot.rex.path.join("librex.rlib").display()
    ));
    command.args([
        // Safe Rust only, and no language feature that is still moving.
        "-Funsafe-code",
        "-Zallow-features=",
        // Clippy says so of itself, and is to see what the compiler sees.
        "--cfg=clippy",
        // Arithmetic that overflows is a bug, and a bug is a panic.
        "-Coverflow-checks=yes",
        "-Cdebuginfo=line-tables-only",
        "--error-format=json",
    ]);
    if job.colors {
        command.arg("--json=diagnostic-rendered-ansi");
    }
    command.arg(format!("--remap-path-prefix={}=.", root.display()));
    command.arg(&input.main);
}

/// The compiler's diagnostics.
#[derive(Default)]
pub(super) struct Messages {
    pub rendered: String,
    diagnostics: Vec<Value>,
    other: String,
}

impl Messages {
    pub fn parse(stderr: &str) -> Self {
        let mut messages = Self::default();
        for line in stderr.lines() {
            let diagnostic = serde_json::from_str::<Value>(line)
                .ok()
                .filter(|value| value["$message_type"] == "diagnostic");
            match diagnostic {
                Some(diagnostic) => {
                    messages.rendered += diagnostic["rendered"].as_str().unwrap_or_default();
                    messages.diagnostics.push(diagnostic);
                }
                None => messages.other += &format!("{line}\n"),
            }
        }
        messages
    }

    /// The refusal that these messages are. A tool that failed without a
    /// word about the program failed for reasons of its own.
    pub fn refusal(self, stage: Stage, finished: &Finished) -> Result<Refusal> {
        if self
            .diagnostics
            .iter()
            .all(|message| message["level"] != "error")
        {
            if let Some(error) = self.llvm_error() {
                return Ok(Refusal::new(stage, llvm_refusal(error)));
            }
            bail!(
                "the compiler failed ({}) without an error: {}",
                finished.status,
                self.other.trim()
            );
        }
        Ok(Refusal {
            diagnostics: self.diagnostics,
            ..Refusal::new(stage, self.rendered)
        })
    }

    /// What LLVM gave up over, if the program is to blame and not the machine.
    fn llvm_error(&self) -> Option<&str> {
        const OF_MACHINE: &[&str] = &["out of memory", "IO failure", "No space left"];
        let (_, error) = self.other.split_once("LLVM ERROR: ")?;
        let error = error.lines().next()?.trim();
        (!OF_MACHINE.iter().any(|what| error.contains(what))).then_some(error)
    }
}

fn llvm_refusal(error: &str) -> String {
    format!(
        "error: LLVM can't translate this program: {error}\n\
         \x20 = note: this is a bug of the compiler, not of the program\n\
         \x20 = help: leave out functions until it builds, and write what is left over differently; or try another `optLevel`\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_of_llvm_is_no_failure_of_the_machine() {
        let of = |stderr: &str| Messages::parse(stderr).llvm_error().map(str::to_owned);
        assert_eq!(
            of("rustc-LLVM ERROR: Unable to copy EFLAGS physical register!\n"),
            Some("Unable to copy EFLAGS physical register!".to_owned())
        );
        assert_eq!(of("rustc-LLVM ERROR: out of memory\n"), None);
        assert_eq!(
            of("rustc-LLVM ERROR: IO failure on output stream: No space left on device\n"),
            None
        );
        assert_eq!(of("thread 'rustc' has overflowed its stack\n"), None);
    }

    #[test]
    fn diagnostics_are_told_from_other_output() {
        let messages = Messages::parse(
            "note\n{\"$message_type\":\"diagnostic\",\"level\":\"error\",\"rendered\":\"error: x\\n\"}\n",
        );
        assert_eq!(messages.rendered, "error: x\n");
        assert_eq!(messages.other, "note\n");
    }
}
