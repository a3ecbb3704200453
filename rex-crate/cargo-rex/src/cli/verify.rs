// SPDX-License-Identifier: GPL-2.0-only
//! `cargo rex verify`: files, or with `--batch` many variants of files, for who
//! puts the verifier to the test.
//!
//! A batch is JSON lines. `{"object":"<file>"}` names the file that what follows
//! are variants of; `{"id":"<any>","patches":[[<offset>,"<hex>"],…],"size":<bytes>}`
//! is one: the file with other bytes here and there, then cut off or filled up
//! with zeroes. Each variant is answered by a line, in order; what has no answer
//! has brought the verifier down.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use rex_abi::REX_MAX_ELF_SIZE;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Arguments;

/// Runs the command.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    if arguments.flag("--batch") {
        arguments.finish()?;
        batch(std::io::stdin().lock(), std::io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut code = ExitCode::SUCCESS;
    let first = arguments
        .operand()
        .context("`cargo rex verify` needs a file")?;
    let mut next = Some(first);
    while let Some(file) = next {
        let bytes = std::fs::read(&file).with_context(|| format!("can't read {file}"))?;
        match rex_verify::verify(&bytes) {
            Ok(verified) => {
                println!("{file}: verified");
                print!("{}", rex_verify::stack::summary(&verified.bounds));
            }
            Err(findings) => {
                for finding in findings {
                    eprintln!("{file}: {finding}");
                }
                code = ExitCode::FAILURE;
            }
        }
        next = arguments.operand();
    }
    arguments.finish()?;
    Ok(code)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Object {
        object: String,
    },
    Variant {
        id: String,
        #[serde(default)]
        patches: Vec<(usize, String)>,
        size: Option<usize>,
    },
}

fn batch(lines: impl BufRead, mut answers: impl Write) -> Result<()> {
    let mut object = Vec::new();
    for line in lines.lines() {
        let line = line.context("can't read a line")?;
        let (id, variant) = match serde_json::from_str(&line).context("a line is malformed")? {
            Line::Object { object: file } => {
                object = std::fs::read(&file).with_context(|| format!("can't read {file}"))?;
                continue;
            }
            Line::Variant { id, patches, size } => (id, patched(&object, &patches, size)?),
        };
        let start = cpu_us();
        let mut answer = verdict(&variant);
        answer["id"] = json!(id);
        answer["us"] = json!(cpu_us().saturating_sub(start));
        writeln!(answers, "{answer}").and_then(|()| answers.flush())?;
    }
    Ok(())
}

fn patched(object: &[u8], patches: &[(usize, String)], size: Option<usize>) -> Result<Vec<u8>> {
    let mut variant = object.to_vec();
    for (offset, hex) in patches {
        let bytes = bytes_of(hex)?;
        let end = offset.checked_add(bytes.len());
        let place = end.and_then(|end| variant.get_mut(*offset..end));
        let place = place.with_context(|| format!("the object has no {offset}"))?;
        place.copy_from_slice(&bytes);
    }
    if let Some(size) = size {
        // One byte more than is taken is enough to be too long.
        variant.resize(size.min(REX_MAX_ELF_SIZE as usize + 1), 0);
    }
    Ok(variant)
}

fn bytes_of(hex: &str) -> Result<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        bail!("{hex:?} are no bytes in hex");
    }
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| Ok(u8::from_str_radix(&hex[at..at + 2], 16)?))
        .collect()
}

/// What this thread has had of the CPU: a busy machine makes nothing slower than it
/// is. 0 where the kernel does not tell.
fn cpu_us() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let on_cpu = told.split_whitespace().next();
    on_cpu.map_or(0, |ns| ns.parse::<u64>().unwrap_or(0) / 1_000)
}

fn verdict(variant: &[u8]) -> Value {
    match rex_verify::verify(variant) {
        Ok(verified) => {
            let bounds: BTreeMap<_, _> = verified
                .bounds
                .iter()
                .map(|(name, bound)| (name, bound.as_ref().ok()))
                .collect();
            json!({ "ok": true, "bounds": bounds })
        }
        Err(findings) => {
            let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
            json!({ "ok": false, "findings": findings })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_answered_in_order_and_a_wrong_line_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("object");
        std::fs::write(&file, vec![0; 200]).unwrap();
        let lines = format!(
            "{{\"object\":{file:?}}}\n{{\"id\":\"a\"}}\n{{\"id\":\"b\",\"patches\":[[0,\"7f454c46\"]],\"size\":9}}\n"
        );
        let mut answers = Vec::new();
        batch(lines.as_bytes(), &mut answers).unwrap();
        let answers = String::from_utf8(answers).unwrap();
        let ids: Vec<Value> = answers
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
            .collect();
        assert_eq!(ids, ["a", "b"]);
        assert!(answers.contains("no ELF file"), "{answers}");
        assert!(batch(&b"{}\n"[..], &mut Vec::new()).is_err());
    }

    #[test]
    fn a_variant_has_other_bytes_and_another_size() {
        let patches = [(1, "ff00".to_owned())];
        assert_eq!(
            patched(&[1, 2, 3, 4], &patches, Some(3)).unwrap(),
            [1, 0xff, 0]
        );
        assert_eq!(patched(&[1], &[], Some(3)).unwrap(), [1, 0, 0]);
        assert!(patched(&[1, 2], &patches, None).is_err());
        assert!(bytes_of("f").is_err() && bytes_of("zz").is_err() && bytes_of("é").is_err());
    }
}
