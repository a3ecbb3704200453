// SPDX-License-Identifier: MIT
// Matchers for loaded programs: toHaveStackBelow.
import type { ProgramStats } from "../../protocol/generated.ts";
import { Program } from "../worker/program.ts";
import type { MatcherResult } from "./result.ts";

/** Every program of the object has run, and neither the bound of its stack, if there is one, nor what it used reaches this. */
export async function toHaveStackBelow(received: unknown, bytes: number): Promise<MatcherResult> {
  if (!(received instanceof Program)) throw new TypeError("toHaveStackBelow looks at what t.load gave");
  const stats = await Promise.all(received.programs.map(({ name }) => received.stats(name)));
  return judgeStacks(stats, bytes);
}

/** Exported for tests. */
export function judgeStacks(programs: readonly ProgramStats[], bytes: number): MatcherResult {
  const idle = programs.find(({ stackUsedBytes }) => stackUsedBytes === 0);
  if (idle !== undefined) {
    return {
      pass: false,
      message: () =>
        `expected ${idle.name} to use less than ${bytes} bytes of stack, and nothing is known of what it uses: ${
          idle.runs === 0 ? "it has not run" : "it is not measured (t.guest.measureStacks() before t.load)"
        }`,
    };
  }
  const pass = programs.every((program) => reach(program) < bytes);
  return {
    pass,
    message: () =>
      `expected ${pass ? "at least" : "less than"} ${bytes} bytes of stack: ${programs.map(describe).join("; ")}`,
    actual: Math.max(...programs.map(reach)),
    expected: bytes,
  };
}

function reach({ stackBoundBytes = 0, stackUsedBytes }: ProgramStats): number {
  return Math.max(stackBoundBytes, stackUsedBytes);
}

function describe({ name, stackBoundBytes, stackUsedBytes }: ProgramStats): string {
  const bound = stackBoundBytes === undefined ? "checks at run time" : `needs ${stackBoundBytes} at most`;
  return `${name} ${bound}, has used ${stackUsedBytes}`;
}
