// SPDX-License-Identifier: MIT
// What a run came to.
import { countOutcomes, exitCodeOf } from "../outcome/outcome.ts";
import type { RunSummary } from "../reporters/reporter.ts";
import type { Ledger } from "./ledger.ts";
import type { RunSettings } from "./settings.ts";

export function summarise(
  ledger: Ledger,
  { signal, shuffleSeed }: Pick<RunSettings, "signal" | "shuffleSeed">,
  durationMs: number,
): RunSummary {
  const counts = countOutcomes([
    ...ledger.tests.map((test) => test.verdict.outcome.kind),
    // A spec that can't be read is wrong code, like a failed test; an error outside of any test says nothing about the code under test.
    ...ledger.brokenFiles.map(() => "failed" as const),
    ...ledger.stray.map(() => "infrastructure-failed" as const),
  ]);
  return {
    tests: ledger.tests,
    ignored: ledger.ignored,
    brokenFiles: ledger.brokenFiles,
    stray: ledger.stray,
    counts,
    exitCode: exitCodeOf(counts),
    durationMs: Math.round(durationMs),
    interrupted: signal.aborted,
    ...(ledger.stopped === undefined ? {} : { stopped: ledger.stopped }),
    ...(shuffleSeed === undefined ? {} : { shuffleSeed }),
  };
}
