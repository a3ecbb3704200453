// SPDX-License-Identifier: MIT
// Inline programs: the body in a tagged template becomes a complete main.rs. What is added stays on the template's first line, so
// that line N of main.rs is the N-th line of the template, in compiler messages as in panic locations.
import { RexTestError } from "../../support/errors.ts";
import { type OptLevel, optLevels, type ProgramSource } from "./source.ts";

export interface KprobeOptions {
  /** The kernel function to attach to, such as "__x64_sys_dup". */
  readonly function: string;
  /** Name of the object in messages; "program" if not given. */
  readonly name?: string;
}

export interface TracepointOptions {
  /**
   * A context type of `rex::tracepoint`, which names the tracepoint: "SyscallsEnterDupCtx"; or "EventRecord<N>", the first N bytes of
   * any tracepoint's record. In the program it is also called `Ctx`.
   */
  readonly context: string;
  /** For an EventRecord: the tracepoint, "category/name", if the program is to attach there by default. */
  readonly event?: string;
  readonly name?: string;
}

export interface PlainOptions {
  /** Name of the object in messages; "program" if not given. */
  readonly name?: string;
}

export interface ProgramOptions {
  /** Another level of optimisation than 2. What holds for a program holds at each. */
  readonly optLevel?: OptLevel;
}

/** Program types of which the attribute says nothing about where they attach. */
const plainKinds = {
  perfEvent: {
    object: "perf_event",
    attribute: "rex_perf_event",
    imports: "use rex::perf_event::*;",
    entry: "fn prog(_: &perf_event, ctx: &bpf_perf_event_data) -> Result",
  },
  xdp: {
    object: "xdp",
    attribute: "rex_xdp",
    imports: "use rex::xdp::*;",
    entry: "fn prog(_: &xdp, ctx: &mut xdp_md) -> Result",
  },
  tc: {
    object: "sched_cls",
    attribute: "rex_tc",
    imports: "use rex::sched_cls::*;",
    entry: "fn prog(_: &sched_cls, ctx: &mut __sk_buff) -> Result",
  },
} as const;

export type PlainKind = keyof typeof plainKinds;

export function isPlainKind(method: string): method is PlainKind {
  return Object.hasOwn(plainKinds, method);
}

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
const contextType = /^([A-Za-z_]\w*)(?:<\d+>)?$/;

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
  /** A program on a perf event. Where it attaches is said at `attach({ target })`. */
  perfEvent: plainTag("perfEvent"),
  /** A program on packets that a network device receives. */
  xdp: plainTag("xdp"),
  /** A program on packets on their way through a network device. */
  tc: plainTag("tc"),
  /** A complete main.rs, exactly as written. */
  program:
    (name: string, options: ProgramOptions = {}): TemplateTag =>
    (strings, ...values) => ({
      kind: "inline",
      name: checkedName(name),
      text: String.raw(strings, ...values),
      ...(options.optLevel === undefined ? {} : { optLevel: checkedLevel(options.optLevel) }),
    }),
  /** Bytes for the kernel's loader to judge. */
  object: (name: string, bytes: Uint8Array): ProgramSource => ({
    kind: "object",
    name,
    base64: Buffer.from(bytes).toString("base64"),
  }),
} as const;

function plainTag(kind: PlainKind): (options?: PlainOptions) => TemplateTag {
  return (options = {}) =>
    (strings, ...values) =>
      plainSource(kind, options, String.raw(strings, ...values));
}

function plainSource(kind: PlainKind, options: PlainOptions, body: string): ProgramSource {
  const { object, attribute, imports, entry } = plainKinds[kind];
  const attributed = withAttribute(body, { method: kind, object, attribute, text: `#[${attribute}]`, entry });
  return {
    kind: "inline",
    name: checkedName(options.name ?? defaultName),
    text: `${prelude} ${imports} use rex::${attribute};${attributed}`,
  };
}

export function kprobeSource(options: KprobeOptions, body: string): ProgramSource {
  const { function: symbol, name = defaultName } = options;
  if (!/^[\w.]+$/.test(symbol))
    throw new RexTestError(`rex.kprobe: "${symbol}" is not the name of a kernel function`, {
      outcome: "failure",
    });
  const imports = "use rex::kprobe::kprobe; use rex::rex_kprobe;";
  const attributed = withAttribute(body, {
    method: "kprobe",
    object: "kprobe",
    attribute: "rex_kprobe",
    text: `#[rex_kprobe(function = "${symbol}")]`,
    entry: "fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result",
  });
  return {
    kind: "inline",
    name: checkedName(name),
    text: `${prelude} ${imports}${attributed}`,
  };
}

export function tracepointSource(options: TracepointOptions, body: string): ProgramSource {
  const { context, event, name = defaultName } = options;
  const type = contextType.exec(context)?.[1];
  if (type === undefined) {
    throw new RexTestError(`rex.tracepoint: "${context}" is not the name of a context type`, {
      outcome: "failure",
    });
  }
  if (event !== undefined && !/^[\w-]+\/[\w-]+$/.test(event)) {
    throw new RexTestError(`rex.tracepoint: "${event}" is not a tracepoint (category/name)`, {
      outcome: "failure",
    });
  }
  const imports = `use rex::tracepoint::{tracepoint, ${type}}; use rex::rex_tracepoint; type Ctx = ${context};`;
  const attributed = withAttribute(body, {
    method: "tracepoint",
    object: "tracepoint",
    attribute: "rex_tracepoint",
    text: event === undefined ? "#[rex_tracepoint]" : `#[rex_tracepoint(event = "${event}")]`,
    entry: "fn prog(_: &tracepoint<Ctx>, ctx: &'static Ctx) -> Result",
  });
  return {
    kind: "inline",
    name: checkedName(name),
    text: `${prelude} ${imports}${attributed}`,
  };
}

interface Entry {
  /** Name of the tag, for messages. */
  readonly method: string;
  /** Type of the program object. */
  readonly object: string;
  readonly attribute: string;
  /** The attribute as it is put in front. */
  readonly text: string;
  /** How an entry function begins. */
  readonly entry: string;
}

/** Puts the attribute in front of each function that takes the program object and has none; on its line, to keep line numbers. */
function withAttribute(body: string, { method, object, attribute, text, entry }: Entry): string {
  const separate = body.startsWith("\n") ? body : ` ${body}`;
  if (separate.includes(`#[${attribute}`)) return separate;
  const heads = new RegExp(
    String.raw`^([ \t]*)((?:pub )?fn \w+\s*\(\s*\w+\s*:\s*&\s*(?:'\w+ )?(?:\w+::)*${object}\b)`,
    "gm",
  );
  const attributed = separate.replace(heads, `$1${text} $2`);
  if (attributed !== separate) return attributed;
  throw new RexTestError(`rex.${method}: the program has no entry function`, {
    outcome: "failure",
    hint: `write one like this at the start of a line:\n${entry} { … }`,
  });
}

function checkedLevel(level: string): OptLevel {
  const known = optLevels.find((one) => one === level);
  if (known !== undefined) return known;
  throw new RexTestError(`rex.program: optLevel: "${level}" is none of ${optLevels.join(", ")}`, {
    outcome: "failure",
    hint: "without it a program is compiled at level 2",
  });
}

function checkedName(name: string): string {
  if (identifier.test(name) && name.length < 64) return name;
  throw new RexTestError(`"${name}" can't be the name of a program: letters, digits and _, at most 63`, {
    outcome: "failure",
  });
}
