// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { type CompilableSource, sourceId } from "../../runner/test/programs/source.ts";
import type { Compile } from "./object.ts";
import { compileAt, optLevelAt } from "./opt-level.ts";
import { visitorsSource } from "./visitors.ts";

const batches = Array.from({ length: 400 }, (_, batch) => batch);

it("every fourth batch has a level, the same whenever it is asked, with and without a schedule", () => {
  const levels = batches.map((batch) => optLevelAt(7, batch));
  expect(batches.map((batch) => optLevelAt(7, batch))).toEqual(levels);
  expect(batches.map((batch) => optLevelAt(8, batch))).not.toEqual(levels);
  for (const third of [0, 1, 2]) {
    const some = levels.filter((_, batch) => batch % 3 === third).filter((level) => level !== undefined);
    expect(some.length).toBeGreaterThan(30);
    expect([...new Set(some)].sort()).toEqual(["0", "1", "3", "s"]);
  }
  expect(levels.filter((level) => level !== undefined).length).toBe(100);
});

it("generated programs are compiled and discarded at the level, and no others", async () => {
  const asked: string[] = [];
  const note = (what: string, source: CompilableSource) =>
    void asked.push(`${what} ${source.name} ${(source.kind === "inline" && source.optLevel) || "as usual"}`);
  const compile: Compile = Object.assign(
    async (source: CompilableSource) => {
      note("compile", source);
      return { ok: false, stage: "rustc", rendered: "" } as const;
    },
    { discard: async (source: CompilableSource) => note("discard", source) },
  );
  const fuzzed = { kind: "inline", name: "fuzzed", text: "" } as const;
  const at3 = compileAt("3", compile);
  await at3(fuzzed);
  await at3.discard(fuzzed);
  await at3(visitorsSource);
  expect(asked).toEqual(["compile fuzzed 3", "discard fuzzed 3", "compile visitors as usual"]);
  expect(compileAt(undefined, compile)).toBe(compile);
  const ids = [fuzzed, { ...fuzzed, optLevel: "3" }, { ...fuzzed, optLevel: "s" }] as const;
  expect(new Set(ids.map(sourceId)).size).toBe(3);
});
