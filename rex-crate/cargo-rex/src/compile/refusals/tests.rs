// SPDX-License-Identifier: GPL-2.0-only
//! What is kept and what is not, with tools that only say that they refuse.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::{Value, json};

use super::*;
use crate::compile::batch;
use crate::sysroot::{core::CoreLayer, rex::RexLayer};
use crate::toolchain::Linker;

/// Stands in for the compiler and for clippy: counts the call, reads what
/// `reads` says, and refuses with what `says` has if `refuses` has its name.
const TOOL: &str = r#"#!/bin/sh
here=${0%/*}
echo "${0##*/}" >> "$here/calls"
for argument; do
    case $argument in --emit=dep-info=*) cp "$here/reads" "${argument#--emit=dep-info=}" ;; esac
done
read -r refuses < "$here/refuses"
[ "$refuses" = "${0##*/}" ] || exit 0
sed "s|FOLDER|$PWD|" "$here/says" >&2
exit 1
"#;

const TEXT_ALONE: &str = "p.a: src/main.rs\n\nsrc/main.rs:\n";

/// Tools that refuse, and a cache.
struct Workshop {
    folder: tempfile::TempDir,
    sysroot: Sysroot,
}

impl Workshop {
    /// Where the compiler refuses, with a mistake of the program's.
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("tool"), TOOL).unwrap();
        // By another process: a file that this one has open for writing
        // can't be run, and threads that start programs keep it open.
        for tool in ["rustc", "clippy-driver"] {
            let mut install = Command::new("install");
            install.arg("-m755").args([at("tool"), at(tool)]);
            assert!(install.status().unwrap().success());
        }
        let sysroot = Sysroot {
            toolchain: Toolchain {
                rustc: at("rustc"),
                version: String::new(),
                library: at("library"),
                lld: Linker {
                    path: at("tool"),
                    flavor: &[],
                },
                clippy: at("clippy-driver"),
                origin: "test",
            },
            core: CoreLayer {
                path: at("core"),
                key: String::new(),
            },
            rex: RexLayer {
                path: at("rex"),
                key: String::new(),
            },
        };
        let workshop = Self { folder, sysroot };
        workshop.set("refuses", "rustc\n");
        workshop.set("reads", TEXT_ALONE);
        workshop.says("mismatched types");
        workshop
    }

    fn set(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join(file), text).unwrap();
    }

    fn says(&self, message: &str) {
        let diagnostic = json!({
            "$message_type": "diagnostic", "level": "error", "code": { "code": "E0308" },
            "rendered": format!("error: {message}\n"), "spans": [{ "line_start": 10 }],
        });
        self.set("says", &format!("{diagnostic}\n"));
    }

    /// The answer to a program, without what may differ, and whether it
    /// took a call of a tool.
    fn ask(&self, request: &Value) -> (Value, bool) {
        let calls = self.folder.path().join("calls");
        let _ = fs::remove_file(&calls);
        let request = request.to_string();
        let mut answers = Vec::new();
        let cache = self.folder.path();
        batch::run(&self.sysroot, cache, 1, request.as_bytes(), &mut answers).unwrap();
        let mut answer: Value = serde_json::from_slice(&answers).unwrap();
        let answer_fields = answer.as_object_mut().unwrap();
        answer_fields.remove("ms").unwrap();
        let cached = answer_fields.remove("cached").unwrap();
        assert_eq!(cached, !calls.exists(), "{answer}");
        (answer, calls.exists())
    }

    /// Whether the refusal of a program is kept, which is asked for twice.
    #[track_caller]
    fn keeps(&self, request: &Value) -> bool {
        let (first, _) = self.ask(request);
        let (second, compiled) = self.ask(request);
        assert_eq!(first["stage"], second["stage"]);
        assert_eq!(first["kept"].is_null(), compiled, "{first}");
        !compiled
    }

    /// Removes what is kept.
    fn forget(&self) {
        let _ = fs::remove_dir_all(self.folder.path().join("refusals"));
    }
}

fn program(text: &str) -> Value {
    json!({ "id": "a", "name": "program", "text": text })
}

#[test]
fn a_refusal_of_each_stage_is_kept_and_the_answer_is_the_same() {
    let workshop = Workshop::open();
    for (stage, refuses, text) in [
        ("rustc", "rustc\n", "fn f() {}"),
        ("scan", "nobody\n", "unsafe fn f() {}"),
        ("lint", "clippy-driver\n", "fn f() {}"),
    ] {
        workshop.forget();
        workshop.set("refuses", refuses);
        let (first, compiled) = workshop.ask(&program(text));
        assert!(compiled && first["stage"] == stage, "{first}");
        let kept = Path::new(first["kept"].as_str().unwrap());
        assert!(kept.is_file(), "{first}");
        let entries = fs::read_dir(kept.parent().unwrap()).unwrap();
        assert_eq!(entries.count(), 1, "nothing half-made is left");
        assert_eq!(workshop.ask(&program(text)), (first, false));
    }
}

#[test]
fn a_damaged_entry_is_replaced() {
    let workshop = Workshop::open();
    let (first, _) = workshop.ask(&program(""));
    let kept = Path::new(first["kept"].as_str().unwrap());
    let whole = fs::read(kept).unwrap();
    for damaged in [&[][..], &whole[..whole.len() / 2], b"{}", &[0; 4096]] {
        fs::write(kept, damaged).unwrap();
        assert_eq!(workshop.ask(&program("")), (first.clone(), true));
        assert_eq!(fs::read(kept).unwrap(), whole);
    }
}

#[test]
fn a_refusal_with_colours_is_not_kept() {
    let workshop = Workshop::open();
    let (cache, sysroot) = (workshop.folder.path(), &workshop.sysroot);
    let request = serde_json::from_value(program("")).unwrap();
    let input = Input::resolve(&request).unwrap().unwrap();
    for (colors, kept) in [(true, false), (false, true), (true, false)] {
        let outcome = crate::compile::compile(sysroot, cache, &input, colors).unwrap();
        let refusal = outcome.unwrap_err();
        assert_eq!((refusal.kept.is_some(), refusal.cached), (kept, false));
    }
}

#[test]
fn a_refusal_of_a_file_is_not_kept() {
    let workshop = Workshop::open();
    workshop.set("main.rs", "");
    workshop.set("reads", "p.a: main.rs\n\nmain.rs:\n");
    let file = workshop.folder.path().join("main.rs");
    assert!(!workshop.keeps(&json!({ "id": "a", "name": "program", "path": file })));
}

#[test]
fn trouble_of_the_machine_is_not_kept() {
    let workshop = Workshop::open();
    for message in [
        "couldn't create a temp dir: No space left on device (os error 28)",
        "failed to write: no space left on device",
        "failed to write: Disk quota exceeded",
        "couldn't read `src/x.rs`: Is a directory (os error 21)",
        "can't find crate for `rex`",
        "found invalid metadata files for crate `core`",
        "the full type name has been written to 'FOLDER/program.long-type-1.txt'",
    ] {
        workshop.says(message);
        assert!(!workshop.keeps(&program("")), "{message}");
    }
    workshop.says("mismatched types");
    assert!(workshop.keeps(&program("")));
}

#[test]
fn a_sysroot_is_known_behind_links_as_well() {
    let mut workshop = Workshop::open();
    let folder = workshop.folder.path();
    fs::create_dir(folder.join("real")).unwrap();
    symlink(folder.join("real"), folder.join("link")).unwrap();
    let real = folder.join("real/libcore.rlib");
    workshop.says(&format!("found another one in {}", real.display()));
    assert!(workshop.keeps(&program("")));
    workshop.forget();
    workshop.sysroot.core.path = workshop.folder.path().join("link");
    assert!(!workshop.keeps(&program("")));
}

#[test]
fn what_the_linker_says_is_not_kept() {
    let workshop = Workshop::open();
    let request = serde_json::from_value(program("")).unwrap();
    let job = Job {
        sysroot: &workshop.sysroot,
        input: &Input::resolve(&request).unwrap().unwrap(),
        folder: workshop.folder.path(),
        colors: false,
    };
    fs::write(job.dep_info(), TEXT_ALONE).unwrap();
    for (stage, own) in [
        (Stage::Input, false),
        (Stage::Rustc, true),
        (Stage::Link, false),
        (Stage::Verify, true),
    ] {
        assert_eq!(is_own(&job, stage, "{}"), own, "{stage:?}");
    }
}

#[test]
fn what_depends_on_more_than_the_text_is_not_kept() {
    let workshop = Workshop::open();
    for reads in [
        "p.a: src/main.rs /etc/passwd\n\nsrc/main.rs:\n/etc/passwd:\n",
        "p.a: src/main.rs\n\nsrc/main.rs:\n\n# env-dep:HOME\n",
        "",
    ] {
        workshop.set("reads", reads);
        assert!(!workshop.keeps(&program("")), "{reads}");
    }
}

#[test]
fn other_programs_and_tools_have_entries_of_their_own() {
    let workshop = Workshop::open();
    let toolchain = &workshop.sysroot.toolchain;
    let first = name("program", toolchain).unwrap();
    assert_eq!(name("program", toolchain).unwrap(), first);
    assert_ne!(name("another", toolchain).unwrap(), first);
    fs::write(&toolchain.clippy, "another").unwrap();
    assert_ne!(name("program", toolchain).unwrap(), first);
}
