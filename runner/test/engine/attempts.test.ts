// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { OutcomeKind } from "../outcome/outcome.ts";
import type { AttemptReport } from "../reporters/reporter.ts";
import { settleAttempts } from "./attempts.ts";

function attempt(kind: OutcomeKind, repeat = 0): AttemptReport {
  const outcome = kind === "passed" ? ({ kind } as const) : ({ kind, reason: kind } as const);
  return { repeat, errors: [], verdict: { outcome, durationMs: 1, queuedMs: 0, readyMs: 0, steps: [] } };
}

const settled = (...attempts: readonly AttemptReport[]) => {
  const { verdict, flaky } = settleAttempts(attempts);
  return [verdict.outcome.kind, flaky ?? false];
};

describe("settleAttempts", () => {
  it("says nothing of attempts when there was one", () => {
    expect(settleAttempts([attempt("passed")]).attempts).toBeUndefined();
    expect(settled(attempt("failed"))).toEqual(["failed", false]);
  });

  it("calls flaky what passed at last", () => {
    expect(settled(attempt("failed"), attempt("passed"))).toEqual(["passed", true]);
    expect(settled(attempt("kernel-crashed"), attempt("failed"), attempt("passed"))).toEqual([
      "passed",
      true,
    ]);
  });

  it("tells the gravest of attempts that all failed", () => {
    expect(settled(attempt("kernel-crashed"), attempt("failed"))).toEqual(["kernel-crashed", false]);
    expect(settled(attempt("failed"), attempt("never-ran"))).toEqual(["failed", false]);
  });

  it("wants every repetition to pass, each at its last attempt", () => {
    expect(settled(attempt("passed"), attempt("passed", 1))).toEqual(["passed", false]);
    expect(settled(attempt("failed"), attempt("passed", 1))).toEqual(["failed", false]);
    expect(settled(attempt("passed"), attempt("failed", 1), attempt("passed", 1))).toEqual(["passed", true]);
    expect(settled(attempt("failed"), attempt("passed"), attempt("failed", 1))).toEqual(["failed", false]);
  });
});
