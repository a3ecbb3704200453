// SPDX-License-Identifier: GPL-2.0-only
//! The compilation target and the flags that core, rex and every program
//! share.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::toolchain::{Toolchain, output};

/// Name of the target, and of its JSON file.
pub const NAME: &str = "x86_64-rex-none";

/// Code generation flags. All crates of an object get the same ones: the
/// promises (frame pointers, no jump tables) are about every function in it.
pub const FLAGS: &[&str] = &[
    "-Copt-level=2",
    "-Cpanic=abort",
    "-Crelocation-model=pie",
    // The stack trace of a panic follows them.
    "-Cforce-frame-pointers=yes",
    "-Csymbol-mangling-version=v0",
    "-Ccodegen-units=1",
    // A jump table is an indirect jump that the verifier would have to trust.
    "-Cjump-tables=no",
    // endbr64 where a kernel with IBT may land.
    "-Zcf-protection=branch",
    // Every function calls rex's `mcount`, which looks how much stack is left.
    "-Zinstrument-mcount",
    // Input of the stack bound.
    "-Zemit-stack-sizes",
    // The sizes leave out arguments that a call pushes, so nothing is pushed.
    "-Cllvm-args=-no-x86-call-frame-opt",
    "-Zunstable-options",
];

/// The target's description, made from the compiler's own
/// x86_64-unknown-none (no red zone, soft float, static PIE), whose format
/// changes from release to release.
pub fn spec(toolchain: &Toolchain) -> Result<String> {
    let mut print = toolchain.rustc();
    print.args(["--print", "target-spec-json", "-Zunstable-options"]);
    print.args(["--target", "x86_64-unknown-none"]);
    adapt(&output(&mut print)?)
}

fn adapt(spec: &str) -> Result<String> {
    let mut spec: Value = serde_json::from_str(spec).context("the target's JSON")?;
    let fields = spec.as_object_mut().context("the target is no object")?;
    // Inline probes touch pages before any check could stop them.
    fields.insert("stack-probes".into(), json!({ "kind": "none" }));
    // Position-independent code addresses everything relative to rip.
    fields.insert("code-model".into(), json!("small"));
    fields.remove("metadata");
    fields.remove("is-builtin");
    fields.remove("supported-sanitizers");
    Ok(serde_json::to_string_pretty(&spec)? + "\n")
}

/// Adds the target described at `spec` and the shared flags.
pub fn apply(command: &mut Command, spec: &Path) {
    command.arg("--target").arg(spec).args(FLAGS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_s_target_loses_its_probes_and_kernel_addresses() {
        let adapted = adapt(
            r#"{"stack-probes":{"kind":"inline"},"code-model":"kernel","disable-redzone":true,"metadata":{}}"#,
        );
        let adapted: Value = serde_json::from_str(&adapted.unwrap()).unwrap();
        assert_eq!(adapted["stack-probes"]["kind"], "none");
        assert_eq!(adapted["code-model"], "small");
        assert_eq!(adapted["disable-redzone"], true);
        assert_eq!(adapted["metadata"], Value::Null);
    }
}
