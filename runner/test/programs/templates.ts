// SPDX-License-Identifier: MIT
// Inline programs: the body in a tagged template becomes a complete main.rs. What is added stays on the template's first line, so
// that line N of main.rs is the N-th line of the template, in compiler messages as in panic locations.
import { RexTestError } from "../../support/errors.ts";
import type { ProgramSource } from "./source.ts";

export interface KprobeOptions {
  /** The kernel function to attach to, such as "__x64_sys_dup". */
  readonly function: string;
  /** Name of the object in messages; "program" if not given. */
  readonly name?: string;
}

export interface TracepointOptions {
  /** A context type of `rex::tracepoint`, which names the tracepoint: "SyscallsEnterDupCtx". In the program it is also called `Ctx`. */
  readonly context: string;
  readonly name?: string;
}

export type TemplateKind = "kprobe" | "tracepoint";
export type TemplateTag = (
  strings: TemplateStringsArray,
  ...values: readonly (string | number)[]
) => ProgramSource;

const prelude = [
  "#![no_std]",
  "#![no_main]",
  "#![allow(unused_imports, dead_code)]",
  "extern crate rex;",
  "use rex::map::*;",
  "use rex::pt_regs::PtRegs;",
  "use rex::{rex_map, rex_printk, Result};",
].join(" ");

const defaultName = "program";
const identifier = /^[A-Za-z_]\w*$/;

/** Tagged templates that make programs. Substitutions are pasted as text; Rust's own escapes need no doubling. */
export const rex = {
  kprobe:
    (options: KprobeOptions): TemplateTag =>
    (strings, ...values) =>
      kprobeSource(options, String.raw(strings, ...values)),
  tracepoint:
    (options: TracepointOptions): TemplateTag =>
    (strings, ...values) =>
      tracepointSource(options, String.raw(strings, ...values)),
  /** A complete main.rs, exactly as written. */
  program:
    (name: string): TemplateTag =>
    (strings, ...values) => ({
      kind: "inline",
      name: checkedName(name),
      text: String.raw(strings, ...values),
    }),
  /** Bytes for the kernel's loader to judge. */
  object: (name: string, bytes: Uint8Array): ProgramSource => ({
    kind: "object",
    name,
    base64: Buffer.from(bytes).toString("base64"),
  }),
} as const;

export function kprobeSource(options: KprobeOptions, body: string): ProgramSource {
  const { function: symbol, name = defaultName } = options;
  if (!/^[\w.]+$/.test(symbol))
    throw new RexTestError(`rex.kprobe: "${symbol}" is not the name of a kernel function`, {
      outcome: "failure",
    });
  const imports = "use rex::kprobe::kprobe; use rex::rex_kprobe;";
  const attribute = `#[rex_kprobe(function = "${symbol}")]`;
  return {
    kind: "inline",
    name: checkedName(name),
    text: `${prelude} ${imports}${withAttribute(body, "kprobe", attribute)}`,
  };
}

export function tracepointSource(options: TracepointOptions, body: string): ProgramSource {
  const { context, name = defaultName } = options;
  if (!identifier.test(context)) {
    throw new RexTestError(`rex.tracepoint: "${context}" is not the name of a context type`, {
      outcome: "failure",
    });
  }
  const imports = `use rex::tracepoint::{tracepoint, ${context}}; use rex::rex_tracepoint; type Ctx = ${context};`;
  return {
    kind: "inline",
    name: checkedName(name),
    text: `${prelude} ${imports}${withAttribute(body, "tracepoint", "#[rex_tracepoint]")}`,
  };
}

/** Puts the attribute in front of each function that takes the program object and has none; on its line, to keep line numbers. */
function withAttribute(body: string, kind: TemplateKind, attribute: string): string {
  const separate = body.startsWith("\n") ? body : ` ${body}`;
  if (separate.includes(`#[rex_${kind}`)) return separate;
  const entry = new RegExp(
    String.raw`^([ \t]*)((?:pub )?fn \w+\s*\(\s*\w+\s*:\s*&\s*(?:'\w+ )?(?:\w+::)*${kind}\b)`,
    "gm",
  );
  const attributed = separate.replace(entry, `$1${attribute} $2`);
  if (attributed === separate) {
    const wanted =
      kind === "kprobe"
        ? "fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result"
        : "fn prog(_: &tracepoint<Ctx>, ctx: &'static Ctx) -> Result";
    throw new RexTestError(`rex.${kind}: the program has no entry function`, {
      outcome: "failure",
      hint: `write one like this at the start of a line:\n${wanted} { … }`,
    });
  }
  return attributed;
}

function checkedName(name: string): string {
  if (identifier.test(name) && name.length < 64) return name;
  throw new RexTestError(`"${name}" can't be the name of a program: letters, digits and _, at most 63`, {
    outcome: "failure",
  });
}
