// SPDX-License-Identifier: GPL-2.0-only
//! Writes `runner/protocol/generated.ts` and checks that it is current.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use ts_rs::{Config, TS, TypeVisitor};

use crate::envelope::{ErrorBody, Event};
use crate::frame::MAX_FRAME_BYTES;
use crate::{HOST_ROOT_TAG, PORT_NAME, PROTOCOL_VERSION, READY_LINE};

/// Sees each row of the table of methods.
pub(crate) trait MethodVisitor {
    /// A method with these parameters and this result.
    fn method<P: TS + 'static, R: TS + 'static>(&mut self, name: &str, docs: &[&str]);
}

#[derive(Default)]
struct Generator {
    config: Config,
    /// Declarations by name, so that the file's order is stable.
    types: BTreeMap<String, String>,
    methods: String,
}

impl Generator {
    fn doc(lines: &str, indent: &str) -> String {
        let lines: Vec<&str> = lines.trim().lines().map(str::trim).collect();
        match lines[..] {
            [] | [""] => String::new(),
            [line] => format!("{indent}/** {line} */\n"),
            _ => {
                let body: String = lines
                    .iter()
                    .map(|line| format!("{}\n", format!("{indent} * {line}").trim_end()))
                    .collect();
                format!("{indent}/**\n{body}{indent} */\n")
            }
        }
    }
}

/// ts-rs gives a type's documentation as a JSDoc comment: take it off again.
fn plain_docs(jsdoc: &str) -> String {
    let inner = jsdoc
        .trim()
        .trim_start_matches("/**")
        .trim_end_matches("*/");
    let lines: Vec<&str> = inner
        .lines()
        .map(|line| line.trim_start().strip_prefix('*').unwrap_or(line).trim())
        .collect();
    lines.join("\n").trim().to_string()
}

impl TypeVisitor for Generator {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Library types (String, Vec, …) have no file and so no declaration.
        if T::output_path().is_some() && !self.types.contains_key(&T::ident(&self.config)) {
            let name = T::ident(&self.config);
            self.types.insert(name.clone(), String::new());
            let docs = T::docs().map_or(String::new(), |docs| Self::doc(&plain_docs(&docs), ""));
            let declaration = T::decl(&self.config);
            self.types
                .insert(name, format!("{docs}export {}\n", tidy(&declaration)));
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// Puts a declaration into the usual shape: comments of one line on one line,
/// fields indented.
fn tidy(declaration: &str) -> String {
    let joined = declaration.replace("/**\n * ", "/** ");
    let mut lines: Vec<String> = Vec::new();
    for line in joined
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
    {
        match lines.last_mut() {
            Some(last) if line == " */" && last.trim_start().starts_with("/**") => {
                last.push_str(" */")
            }
            Some(_) => lines.push(format!("  {line}")),
            None => lines.push(line.to_string()),
        }
    }
    lines
        .join("\n")
        .replace(", };", ",\n};")
        .replace(", }", " }")
}

impl MethodVisitor for Generator {
    fn method<P: TS + 'static, R: TS + 'static>(&mut self, name: &str, docs: &[&str]) {
        self.visit::<P>();
        self.visit::<R>();
        let (params, result) = (P::name(&self.config), R::name(&self.config));
        self.methods += &Self::doc(&docs.join("\n"), "  ");
        writeln!(
            self.methods,
            "  {name}: {{ params: {params}; result: {result} }};"
        )
        .unwrap();
    }
}

fn generate() -> String {
    let mut generator = Generator::default();
    crate::methods::visit(&mut generator);
    generator.visit::<ErrorBody>();
    generator.visit::<Event>();
    let types: Vec<String> = generator.types.into_values().collect();
    format!(
        "// SPDX-License-Identifier: MIT\n\
         // Generated from rex-crate/rex-protocol; do not edit. To write it again:\n\
         //   cd rex-crate && REX_WRITE_TYPES=1 cargo test -p rex-protocol generated_is_current\n\
         // docs/protocol.md describes the conversation.\n\n\
         /** Version of the messages; an agent of another version is refused. */\n\
         export const PROTOCOL_VERSION = {PROTOCOL_VERSION};\n\
         /** Largest payload of a frame, in bytes. */\n\
         export const MAX_FRAME_BYTES = {MAX_FRAME_BYTES};\n\
         /** Name of the virtio-serial port that the agent listens on. */\n\
         export const PORT_NAME = {PORT_NAME:?};\n\
         /** 9p mount tag of the host's root. */\n\
         export const HOST_ROOT_TAG = {HOST_ROOT_TAG:?};\n\
         /** What the agent prints on the console when it starts to answer. */\n\
         export const READY_LINE = {READY_LINE:?};\n\n\
         {}\n\
         /** Parameters and result of each method. */\n\
         export type Methods = {{\n{}}};\n\n\
         /** Name of a method. */\n\
         export type MethodName = keyof Methods;\n\n\
         /** What the host sends. */\n\
         export type Request<M extends MethodName = MethodName> = {{ id: number; method: M; params: Methods[M][\"params\"] }};\n\n\
         /** What answers a request; the id is null when the request's could not be read. */\n\
         export type Response<M extends MethodName = MethodName> =\n\
         \x20 | {{ id: number; result: Methods[M][\"result\"] }}\n\
         \x20 | {{ id: number | null; error: ErrorBody }};\n\n\
         /** What the agent sends. */\n\
         export type AgentMessage = Response | Event;\n",
        types.join("\n"),
        generator.methods,
    )
}

/// Without their version.
fn digest_of_messages() -> u32 {
    let version = format!("PROTOCOL_VERSION = {PROTOCOL_VERSION};");
    let digest = Sha256::digest(generate().replace(&version, ""));
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

#[test]
fn version_is_of_the_messages() {
    assert_eq!(
        PROTOCOL_VERSION,
        digest_of_messages(),
        "the messages have changed: an older agent is to be told from this one's by PROTOCOL_VERSION (left), which is to be the other number"
    );
}

#[test]
fn generated_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../runner/protocol/generated.ts");
    let generated = generate();
    if std::env::var_os("REX_WRITE_TYPES").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "runner/protocol/generated.ts isn't what rex-protocol generates; run\n  \
         REX_WRITE_TYPES=1 cargo test -p rex-protocol generated_is_current"
    );
}
