// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { rex } from "../programs/templates.ts";
import { extractPrograms } from "./extract-programs.ts";

const file = "/nowhere/a.spec.ts";

function programsIn(text: string) {
  const extraction = extractPrograms(file, text);
  if (!extraction.ok) throw extraction.error;
  return extraction.programs;
}

describe("extractPrograms", () => {
  it("finds the very program that the test will load", () => {
    const programs = programsIn(
      'const a = 1;\nconst p = rex.kprobe({ function: "__x64_sys_dup", name: "p" })`\n fn p(_: &kprobe, c: &mut PtRegs) -> Result { Ok("\\n") }`;',
    );
    const atRunTime = rex.kprobe({ function: "__x64_sys_dup", name: "p" })`
 fn p(_: &kprobe, c: &mut PtRegs) -> Result { Ok("\n") }`;
    expect(programs).toEqual([{ source: atRunTime, origin: { file, line: 2 } }]);
  });

  it("finds programs in arguments, in nested functions and of all kinds", () => {
    const programs = programsIn(`
      rexTest("x", async (t) => {
        await t.load(rex.tracepoint({ context: "SyscallsEnterDupCtx" })\`fn p(_: &tracepoint<Ctx>, c: &'static Ctx) -> Result { Ok(0) }\`);
        await t.step("y", (t) => t.compile(rex.program("whole")\`#![no_std]\`));
      });`);
    expect(programs.map(({ source }) => source.name)).toEqual(["program", "whole"]);
  });

  it("finds at which level a program is compiled, if that is said in so many words", () => {
    const programs = programsIn(`
      t.load(rex.program("a", { optLevel: "3" })\`#![no_std]\`);
      t.load(rex.program("b", { optLevel: "9" })\`#![no_std]\`);
      t.load(rex.program("c", { optLevel: chosen })\`#![no_std]\`);
      t.load(rex.program("d", chosen)\`#![no_std]\`);`);
    expect(programs.map(({ source }) => source)).toEqual([
      { kind: "inline", name: "a", text: "#![no_std]", optLevel: "3" },
    ]);
  });

  it("finds programs whose attribute says nothing about where they attach", () => {
    const programs = programsIn(`
      t.load(rex.perfEvent({ name: "a" })\`fn p(_: &perf_event, c: &bpf_perf_event_data) -> Result { Ok(0) }\`);
      t.load(rex.xdp({})\`fn p(_: &xdp, c: &mut xdp_md) -> Result { Ok(0) }\`);`);
    expect(programs.map(({ source }) => source.name)).toEqual(["a", "program"]);
  });

  it("leaves alone what only the test can know", () => {
    expect(
      programsIn(`
        rex.kprobe({ function: "f" })\`fn p(_: &kprobe) { \${value} }\`;
        rex.kprobe({ function: name })\`fn p(_: &kprobe) {}\`;
        rex.kprobe(options)\`fn p(_: &kprobe) {}\`;
        other.kprobe({ function: "f" })\`fn p(_: &kprobe) {}\`;
        t.load(variable); t.load("no-such-fixture"); sql\`select\`;`),
    ).toEqual([]);
  });

  it("says where a file is not TypeScript", () => {
    const extraction = extractPrograms(file, "const a = 1;\nconst b = (;\n");
    expect(extraction).toMatchObject({ ok: false, error: { outcome: "failure", where: `${file}:2:12` } });
  });
});
