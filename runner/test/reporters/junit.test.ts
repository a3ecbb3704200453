// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { countOutcomes } from "../outcome/outcome.ts";
import type { Verdict } from "../outcome/verdict.ts";
import { junitXml } from "./junit.ts";
import type { RunSummary, TestReport } from "./reporter.ts";

function testReport(name: string, verdict: Partial<Verdict>): TestReport {
  const whole = {
    outcome: { kind: "passed" } as const,
    durationMs: 1_250,
    queuedMs: 0,
    readyMs: 750,
    steps: [],
    ...verdict,
  };
  return {
    file: "specs/a.spec.ts",
    name,
    verdict: whole,
    errors: [],
    rerun: `rex-test run specs/a.spec.ts --filter '/^${name}$/'`,
  };
}

function summary(tests: readonly TestReport[]): RunSummary {
  const counts = countOutcomes(tests.map((test) => test.verdict.outcome.kind));
  return {
    tests,
    ignored: [],
    brokenFiles: [],
    stray: [],
    counts,
    exitCode: 0,
    durationMs: 1,
    interrupted: false,
  };
}

const report = {
  splats: [
    {
      kind: "panic",
      severity: "critical",
      title: "Kernel panic",
      firstLine: 0,
      lines: ["Kernel panic - <not> & syncing"],
    },
  ],
  consoleFile: "",
  consoleTail: [],
  consoleTailStart: 0,
  commandLine: "",
} as const;

it("names each test with its duration, and tells the outcomes apart", () => {
  const xml = junitXml(
    summary([
      testReport("passes", {}),
      testReport("fails", { outcome: { kind: "failed", reason: "1 is not 2" } }),
      testReport("crashes", {
        outcome: { kind: "kernel-crashed", reason: "Kernel panic" },
        failure: { report, exits: [] },
      }),
      testReport("never", { outcome: { kind: "never-ran", reason: "interrupted" } }),
    ]),
    "/",
  );
  expect(xml).toMatch(/<testsuite name="specs\/a\.spec\.ts" tests="4" failures="1" errors="1" skipped="1"/);
  expect(xml).toMatch(/name="passes" time="2"/);
  expect(xml).toMatch(/<failure message="1 is not 2" type="failed">/);
  expect(xml).toMatch(/<error message="kernel crashed: Kernel panic" type="kernel-crashed">/);
  expect(xml).toContain("Kernel panic - <not> & syncing");
});

it("writes no character that XML has no room for", () => {
  const xml = junitXml(
    summary([
      testReport("odd", {
        outcome: { kind: "failed", reason: "bell \u0007 and \u001b[31mred\u001b[0m ]]> end" },
      }),
    ]),
    "/",
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(xml).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  expect(xml).toContain("bell  and red");
});
