// SPDX-License-Identifier: GPL-2.0-only
//! What a program must not be able to say.
//!
//! Every file of fixtures/compile-fail is one such program. It names the stage
//! that refuses it (`//@ stage: rustc`) and words of the message (`//@ expect:
//! …`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::common;
use cargo_rex::compile::input::{Input, Request};
use cargo_rex::compile::{Refusal, compile};

struct Expected {
    stage: String,
    words: Vec<String>,
}

fn expected(text: &str) -> Expected {
    let directive = |name: &str| {
        let prefix = format!("//@ {name}: ");
        let lines = text
            .lines()
            .filter_map(move |line| line.strip_prefix(&prefix));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let stages = directive("stage");
    assert_eq!(stages.len(), 1, "one stage refuses a program");
    Expected {
        stage: stages[0].clone(),
        words: directive("expect"),
    }
}

/// What is wrong with the second answer, which is in the cache by now if nothing
/// but the text is to blame.
fn complaint_about_kept(
    workshop: &common::Workshop,
    input: &Input,
    first: &Refusal,
) -> Option<String> {
    // They read a variable or a file, ask for a crate, which may be missing
    // because the sysroot is damaged, or name a file of it.
    let in_doubt = [
        "environment variable",
        "outside of the program",
        "can't find crate",
        "loaded from",
    ];
    let in_doubt = in_doubt.iter().any(|words| first.rendered.contains(words));
    if first.cached || first.kept.is_some() == in_doubt {
        return Some(format!("kept: {:?}\n{}", first.kept, first.rendered));
    }
    let again = compile(&workshop.sysroot, workshop.cache(), input, false).unwrap();
    let mut expected = first.clone();
    expected.cached = first.kept.is_some();
    (again != Err(expected)).then(|| format!("is refused otherwise the next time: {again:?}"))
}

/// What is wrong with the answer to the program in `file`.
fn complaint(workshop: &common::Workshop, file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).unwrap();
    let expected = expected(&text);
    assert!(!expected.words.is_empty(), "{}", file.display());
    let request = Request {
        id: String::new(),
        name: "program".into(),
        text: Some(text),
        path: None,
        opt_level: None,
    };
    let input = Input::resolve(&request).unwrap().unwrap();
    let outcome = compile(&workshop.sysroot, workshop.cache(), &input, false).unwrap();
    let Err(refusal) = outcome else {
        return Some("was built".into());
    };
    if let Some(complaint) = complaint_about_kept(workshop, &input, &refusal) {
        return Some(complaint);
    }
    let stage = format!("{:?}", refusal.stage).to_lowercase();
    let missing = expected
        .words
        .iter()
        .find(|words| !refusal.rendered.contains(words.as_str()));
    if stage != expected.stage || missing.is_some() {
        return Some(format!(
            "was refused by {stage}, not {} with {:?}:\n{}",
            expected.stage, expected.words, refusal.rendered
        ));
    }
    None
}

#[test]
fn every_fixture_is_refused_where_and_as_it_says() {
    let workshop = common::Workshop::open();
    let folder = common::repository().join("fixtures/compile-fail");
    let files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() > 40, "{} fixtures", files.len());
    let queue = Mutex::new(files.iter());
    let complaints = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..common::jobs() {
            scope.spawn(|| {
                while let Some(file) = { queue.lock().unwrap().next() } {
                    if let Some(complaint) = complaint(&workshop, file) {
                        let name = file.file_name().unwrap().to_string_lossy();
                        complaints
                            .lock()
                            .unwrap()
                            .insert(format!("{name} {complaint}"));
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap();
    let report: Vec<_> = complaints.into_iter().collect();
    assert!(report.is_empty(), "{}", report.join("\n"));
}

/// What is wrong with the answer to a project whose module is in `file`; the
/// decoy is what the name reads like.
fn complaint_about_module(workshop: &common::Workshop, file: &str, decoy: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("Cargo.toml", "[package]\nname = \"program\"\n");
    put(decoy, "");
    put(
        file,
        "#[unsafe(naked)] pub extern \"C\" fn f() { core::arch::naked_asm!(\"ret\") }",
    );
    let main = format!(
        "#![no_std]\n#![no_main]\n#[path = {:?}]\nmod hidden;\n\
         use rex::kprobe::kprobe;\nuse rex::pt_regs::PtRegs;\nuse rex::{{Result, rex_kprobe}};\n\
         #[rex_kprobe]\nfn program(_: &kprobe, _: &mut PtRegs) -> Result {{ hidden::f(); Ok(0) }}\n",
        format!("../{file}")
    );
    put("src/main.rs", &main);
    let request = Request {
        id: String::new(),
        name: "program".into(),
        text: None,
        path: Some(folder.path().to_owned()),
        opt_level: None,
    };
    let input = Input::resolve(&request).unwrap().unwrap();
    match compile(&workshop.sysroot, workshop.cache(), &input, false).unwrap() {
        Err(refusal) if refusal.stage == cargo_rex::compile::Stage::Scan => None,
        other => Some(format!("{file:?}: {other:?}")),
    }
}

#[test]
fn no_file_is_hidden_from_the_scan_by_its_name() {
    let workshop = common::Workshop::open();
    for (file, decoy) in [
        ("src/a\\b.rs", "src/ab.rs"),
        ("src/a\nb.rs", "src/a"),
        ("src/.hidden.rs", "src/seen.rs"),
        ("target/hidden.rs", "src/seen.rs"),
    ] {
        assert_eq!(complaint_about_module(&workshop, file, decoy), None);
    }
}
