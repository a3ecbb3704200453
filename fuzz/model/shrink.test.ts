// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { mixed, num, programOf, variable } from "../testing/trees.ts";
import { programsOf } from "./arbitrary.ts";
import type { Program } from "./ast.ts";
import { isWellTyped } from "./check.ts";
import { nodesOf, sizeOf } from "./facts.ts";
import { shrinks } from "./shrink.ts";
import { int } from "./types.ts";

const samples = 15;

describe("isWellTyped", () => {
  it("says yes to everything that is generated", () => {
    expect(programsOf(1, 0, 300).filter((program) => !isWellTyped(program))).toEqual([]);
  });

  it.each<[string, Program]>([
    ["an unknown name", programOf(mixed(variable("nobody")))],
    ["a literal that does not fit", programOf(mixed(num(256, "u8")))],
    ["a break outside of a loop", programOf({ kind: "break" })],
    [
      "a value of another type",
      programOf({ kind: "let", name: "a", mutable: false, type: int("u8"), init: num(1) }),
    ],
    ["a change of what is not mutable", programOf({ kind: "assign", name: "input", value: num(1) })],
  ])("says no to %s", (_, program) => {
    expect(isWellTyped(program)).toBe(false);
  });
});

describe("shrinks", () => {
  it("are well-typed, smaller, and leave the original as it was", () => {
    for (const program of programsOf(2, 0, samples)) {
      const before = JSON.stringify(program);
      let count = 0;
      for (const smaller of shrinks(program)) {
        expect(isWellTyped(smaller)).toBe(true);
        expect(sizeOf(smaller)).toBeLessThan(sizeOf(program));
        count += 1;
        if (count === 40) break;
      }
      expect(JSON.stringify(program)).toBe(before);
      expect(count).toBeGreaterThan(0);
    }
  });

  it("lead to what matters: of programs with a panic, one with nothing else is left", () => {
    const panics = (program: Program) => [...nodesOf(program.body)].some(({ kind }) => kind === "panic");
    const found = programsOf(3, 0, 100).filter(panics);
    expect(found.length).toBeGreaterThan(5);
    for (const program of found.slice(0, 3)) {
      let best = program;
      for (;;) {
        const next = shrinks(best).find(panics);
        if (next === undefined) break;
        best = next;
      }
      expect([...nodesOf(best)].map(({ kind }) => kind)).toEqual(["panic"]);
    }
  });
});
