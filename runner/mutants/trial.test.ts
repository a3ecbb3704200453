// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { GuestOrigin } from "../test/guests/guest.ts";
import type { Outcome } from "../test/outcome/outcome.ts";
import type { TestReport } from "../test/reporters/reporter.ts";
import { notices } from "./observe.ts";
import { counts, countsText, trialLine, trialTable } from "./report.ts";
import { judge, type Trial } from "./trial.ts";

/** Of a test whose guest was there, and at once; of one without a guest if `origin` is absent. */
const report = (outcome: Outcome, origin?: GuestOrigin): TestReport => ({
  file: "specs/a.spec.ts",
  name: "holds",
  verdict: { outcome, durationMs: 5, queuedMs: 0, readyMs: 0, steps: [], origin },
  errors: [],
  rerun: "",
});
const passed = report({ kind: "passed" });

test("a failed assertion, a crash and a hang are noticed once the guest was up", () => {
  for (const kind of ["failed", "kernel-crashed", "guest-hung"] as const) {
    expect(notices(report({ kind, reason: "r" }, "clone")), kind).toBe(true);
    expect(notices(report({ kind, reason: "while the guest booted: r" })), `${kind} at boot`).toBe(false);
  }
  expect(notices(passed)).toBe(false);
  expect(notices(report({ kind: "infrastructure-failed", reason: "r" }, "clone"))).toBe(false);
  expect(notices(report({ kind: "never-ran", reason: "r" }, "clone"))).toBe(false);
});

test("one test that noticed kills, whatever else went wrong", () => {
  const noticed = [report({ kind: "kernel-crashed", reason: "BUG: x\nmore" })];
  expect(judge({ passed: [passed], noticed, troubles: ["QEMU ended"] })).toEqual({
    verdict: "killed",
    noticedBy: ["specs/a.spec.ts > holds"],
    why: "kernel-crashed: BUG: x",
  });
});

test("survival needs tests that passed and nothing that went wrong", () => {
  expect(judge({ passed: [passed], noticed: [], troubles: [] }).verdict).toBe("survived");
  expect(judge({ passed: [passed], noticed: [], troubles: ["the kernel does not boot"] })).toMatchObject({
    verdict: "error",
    why: "the kernel does not boot",
  });
  expect(judge({ passed: [], noticed: [], troubles: [] })).toMatchObject({
    verdict: "error",
    why: "none of its tests ran",
  });
});

test("the report says what became of each", () => {
  const common = { promise: "p", config: "default", buildMs: 3_000, specsMs: 2_500 };
  const trials: Trial[] = [
    { ...common, mutant: "b", verdict: "survived", noticedBy: [], why: "4 tests passed" },
    { ...common, mutant: "a", verdict: "killed", noticedBy: ["specs/a.spec.ts > holds"], why: "1 is not 2" },
  ];
  expect(counts(trials)).toEqual({ killed: 1, survived: 1, error: 0 });
  expect(countsText(trials, 11_000)).toBe("1 killed, 1 survived, 0 could not be tried in 11 s");
  expect(trialTable(trials).split("\n")).toEqual([
    "mutant  verdict   s    noticed by",
    "a       killed    5.5  specs/a.spec.ts > holds",
    "b       SURVIVED  5.5",
  ]);
  expect(trialLine(trials[0] as Trial)).toBe(
    "✗ SURVIVED b: p  (built in 3.0 s, specs 2.5 s)\n    4 tests passed",
  );
});
