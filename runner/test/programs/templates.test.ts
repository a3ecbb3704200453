// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { sourceId } from "./source.ts";
import { rex } from "./templates.ts";

function textOf(source: ReturnType<ReturnType<typeof rex.kprobe>>): string {
  if (source.kind !== "inline") throw new Error("not inline");
  return source.text;
}

describe("rex.kprobe", () => {
  it("keeps the lines of the template: line N of main.rs is its N-th line", () => {
    const text = textOf(rex.kprobe({ function: "f" })`
      #[rex_map]
      static A: RexArrayMap<u64> = RexArrayMap::new(1, 0);
      fn p(_: &kprobe, ctx: &mut PtRegs) -> Result { Ok(0) }`);
    const lines = text.split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^#!\[no_std\].*use rex::kprobe::kprobe;/);
    expect(lines[1]?.trim()).toBe("#[rex_map]");
    expect(lines[3]?.trim()).toBe(
      '#[rex_kprobe(function = "f")] fn p(_: &kprobe, ctx: &mut PtRegs) -> Result { Ok(0) }',
    );
  });

  it("puts the attribute on every entry function and on nothing else", () => {
    const text = textOf(rex.kprobe({ function: "f" })`
      fn helper(n: u64) -> u64 { n }
      fn a(_: &kprobe, _c: &mut PtRegs) -> Result { Ok(0) }
      pub fn b(_: &rex::kprobe::kprobe, _c: &mut PtRegs) -> Result { Ok(0) }`);
    expect(text.match(/#\[rex_kprobe/g)).toHaveLength(2);
    expect(text).toMatch(/^ +fn helper/m);
  });

  it("leaves attributes alone that are there", () => {
    const text = textOf(rex.kprobe({ function: "f" })`
      #[rex_kprobe(function = "g")]
      fn a(_: &kprobe, _c: &mut PtRegs) -> Result { Ok(0) }`);
    expect(text.match(/#\[rex_kprobe/g)).toHaveLength(1);
  });

  it("keeps Rust's escapes and pastes substitutions", () => {
    expect(textOf(rex.kprobe({ function: "f" })`fn p(_: &kprobe) { "\n${7}" }`)).toContain('"\\n7"');
  });

  it("refuses a body without entry function and names that are none", () => {
    expect(() => rex.kprobe({ function: "f" })`fn p() {}`).toThrow(/no entry function/);
    expect(() => rex.kprobe({ function: 'f"]' })`fn p(_: &kprobe) {}`).toThrow(
      /not the name of a kernel function/,
    );
    expect(() => rex.kprobe({ function: "f", name: "a-b" })`fn p(_: &kprobe) {}`).toThrow(
      /can't be the name/,
    );
  });
});

it("rex.tracepoint names the context and its short form", () => {
  const text = textOf(rex.tracepoint({ context: "SyscallsEnterDupCtx" })`
    fn p(_: &tracepoint<Ctx>, c: &'static Ctx) -> Result { Ok(0) }`);
  expect(text).toContain("use rex::tracepoint::{tracepoint, SyscallsEnterDupCtx};");
  expect(text).toContain("#[rex_tracepoint] fn p");
});

it.each([
  ["perfEvent", "perf_event", "bpf_perf_event_data"],
  ["xdp", "xdp", "xdp_md"],
  ["tc", "sched_cls", "__sk_buff"],
] as const)("rex.%s takes a name or nothing", (kind, object, context) => {
  const source = rex[kind]()`
    fn p(_: &${object}, c: &mut ${context}) -> Result { Ok(0) }`;
  const attribute = kind === "perfEvent" ? "rex_perf_event" : `rex_${kind}`;
  expect(source.name).toBe("program");
  expect(textOf(source)).toMatch(new RegExp(`^#!.*use rex::${object}::\\*;.*use rex::${attribute};\n`));
  expect(textOf(source)).toContain(`#[${attribute}] fn p`);
  expect(() => rex[kind]({ name: "n" })`fn p() {}`).toThrow(/no entry function/);
});

it("sourceId depends on name and text", () => {
  const a = { kind: "inline", name: "a", text: "x" } as const;
  expect(sourceId(a)).toBe(sourceId({ ...a }));
  expect(sourceId(a)).not.toBe(sourceId({ ...a, text: "y" }));
  expect(sourceId(a)).not.toBe(sourceId({ ...a, name: "b" }));
});

it("rex.program takes a level of optimisation, and refuses others", () => {
  expect(rex.program("a", { optLevel: "s" })`x`).toMatchObject({ name: "a", optLevel: "s" });
  expect(rex.program("a")`x`).not.toHaveProperty("optLevel");
  expect(() => rex.program("a", { optLevel: "2" as "1" })`x`).toThrow(/"2" is none of 0, 1, 3, s/);
});
