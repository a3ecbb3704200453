// SPDX-License-Identifier: MIT
// From the attempts of a test to what is said about it. A test may be repeated, and each repetition may have several attempts, of
// which the last one counts.
import type { OutcomeKind } from "../outcome/outcome.ts";
import type { AttemptReport, TestReport } from "../reporters/reporter.ts";

export type Settled = Pick<TestReport, "verdict" | "errors" | "attempts" | "flaky">;

/** The gravest first: what a test is remembered for when it failed in several ways. */
const gravity: readonly OutcomeKind[] = [
  "kernel-crashed",
  "guest-hung",
  "failed",
  "infrastructure-failed",
  "never-ran",
  "passed",
];

/** There has to be at least one attempt. */
export function settleAttempts(attempts: readonly AttemptReport[]): Settled {
  const repeats = [...Map.groupBy(attempts, ({ repeat }) => repeat).values()];
  const failed = repeats.filter((repeat) => !hasPassed(repeat.at(-1))).flat();
  const told = failed.length > 0 ? gravestOf(failed) : attempts.at(-1);
  if (told === undefined) throw new Error("a test without an attempt");
  const { verdict, errors } = told;
  if (attempts.length === 1) return { verdict, errors };
  const flaky = failed.length === 0 && !attempts.every(hasPassed);
  return { verdict, errors, attempts, flaky };
}

function hasPassed(attempt: AttemptReport | undefined): boolean {
  return attempt?.verdict.outcome.kind === "passed";
}

/** The last one of the gravest: the newest evidence. */
function gravestOf(attempts: readonly AttemptReport[]): AttemptReport | undefined {
  const rank = ({ verdict }: AttemptReport) => gravity.indexOf(verdict.outcome.kind);
  const worst = Math.min(...attempts.map(rank));
  return attempts.findLast((attempt) => rank(attempt) === worst);
}
