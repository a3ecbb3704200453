// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import type { ProgramStats } from "../../protocol/generated.ts";
import { judgeStacks } from "./programs.ts";

const program: ProgramStats = {
  id: 1,
  name: "prog",
  object: "object",
  type: "kprobe",
  runs: 3,
  misses: 0,
  exits: 0,
  stopped: false,
  stackBoundBytes: 344,
  stackUsedBytes: 300,
  reportUsedBytes: 0,
  totalUsedBytes: 900,
  measuredRuns: 2,
};

it("takes a stack below the limit, by bound and by use", () => {
  expect(judgeStacks([program], 345).pass).toBe(true);
  const byBound = judgeStacks([program], 344);
  expect(byBound.pass).toBe(false);
  expect(byBound.message()).toBe(
    "expected less than 344 bytes of stack: prog needs 344 at most, has used 300",
  );
  const { stackBoundBytes: _, ...unproven } = program;
  expect(judgeStacks([unproven], 301).pass).toBe(true);
  expect(judgeStacks([unproven], 300).message()).toContain("prog checks at run time, has used 300");
});

it("looks at every program of an object", () => {
  const deep = { ...program, name: "deep", stackBoundBytes: 900 };
  expect(judgeStacks([program, deep], 500).pass).toBe(false);
  expect(judgeStacks([program, deep], 500).actual).toBe(900);
  expect(judgeStacks([program, deep], 901).pass).toBe(true);
});

it("does not believe a program that has not run, or that nobody has looked at", () => {
  const idle = judgeStacks([program, { ...program, name: "idle", runs: 0, stackUsedBytes: 0 }], 4096);
  expect(idle.pass).toBe(false);
  expect(idle.message()).toContain("idle to use less than 4096 bytes of stack");
  expect(idle.message()).toContain("it has not run");
  const blind = judgeStacks([{ ...program, stackUsedBytes: 0 }], 4096);
  expect(blind.message()).toContain("not measured");
});
