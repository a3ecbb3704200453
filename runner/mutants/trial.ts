// SPDX-License-Identifier: MIT
// What became of one mutant, and how that is decided.
import type { Mutant } from "./mutant.ts";
import type { Observation } from "./observe.ts";

/**
 * Killed: a test whose guest was up failed, or saw the kernel crash or hang, and passes without the mutant. Survived: all tests
 * passed. Error: nothing is known, because the patch does not apply, the kernel does not build or boot, or tests fail anyway.
 */
export type Verdict = "killed" | "survived" | "error";

export interface Trial {
  readonly mutant: string;
  readonly promise: string;
  readonly config: string;
  readonly verdict: Verdict;
  /** The tests that noticed, as the run named them; the run ends with the first. */
  readonly noticedBy: readonly string[];
  /** What the first of them saw, or why nothing is known. */
  readonly why: string;
  readonly buildMs: number;
  readonly specsMs: number;
}

export function judge({
  noticed,
  passed,
  troubles,
}: Observation): Pick<Trial, "verdict" | "noticedBy" | "why"> {
  const [first] = noticed;
  if (first !== undefined) {
    const { outcome } = first.verdict;
    const reason = outcome.kind === "passed" ? "" : outcome.reason;
    return {
      verdict: "killed",
      noticedBy: noticed.map(({ file, name }) => `${file} > ${name}`),
      why: outcome.kind === "failed" ? firstLine(reason) : `${outcome.kind}: ${firstLine(reason)}`,
    };
  }
  if (troubles.length > 0) return { verdict: "error", noticedBy: [], why: troubles.join("\n") };
  if (passed.length === 0) return { verdict: "error", noticedBy: [], why: "none of its tests ran" };
  return { verdict: "survived", noticedBy: [], why: `${passed.length} tests passed` };
}

export function errorTrial(mutant: Mutant, why: string, times: Partial<Trial> = {}): Trial {
  const { name, promise, config } = mutant;
  return {
    mutant: name,
    promise,
    config,
    verdict: "error",
    noticedBy: [],
    why,
    buildMs: 0,
    specsMs: 0,
    ...times,
  };
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
