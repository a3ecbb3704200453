// SPDX-License-Identifier: MIT
// What a reporter is told, and when.
import type { OutcomeCounts } from "../outcome/outcome.ts";
import type { Verdict } from "../outcome/verdict.ts";

export interface ShownError {
  readonly message: string;
  /** Expected against received, without colours. */
  readonly diff?: string | undefined;
  /** Where in the spec: "specs/panic/oob.spec.ts:12:5". */
  readonly at?: string | undefined;
}

export interface TestReport {
  /** Relative to the folder that the run was started in. */
  readonly file: string;
  readonly name: string;
  readonly verdict: Verdict;
  readonly errors: readonly ShownError[];
  /** Command that runs this test alone. */
  readonly rerun: string;
}

/** A test that was not run, on purpose. */
export interface IgnoredTest {
  readonly file: string;
  readonly name: string;
  readonly reason: string;
}

/** A spec file that could not be read as one; its tests never ran. */
export interface BrokenFile {
  readonly file: string;
  readonly message: string;
}

export interface RunInfo {
  readonly files: number;
  readonly kernel: string;
  readonly machine: string;
  readonly jobs: number;
}

export interface RunSummary {
  readonly tests: readonly TestReport[];
  readonly ignored: readonly IgnoredTest[];
  readonly brokenFiles: readonly BrokenFile[];
  /** Errors outside of any test. */
  readonly stray: readonly ShownError[];
  readonly counts: OutcomeCounts;
  readonly exitCode: number;
  readonly durationMs: number;
  readonly interrupted: boolean;
}

/** What the display may want to know while nothing has ended. */
export type Activity =
  | { readonly kind: "queued" | "booting" | "running"; readonly test: string }
  | { readonly kind: "finished"; readonly test: string };

export interface Reporter {
  onStart?(info: RunInfo): void;
  onActivity?(activity: Activity): void;
  /** A spec printed something. */
  onConsole?(text: string): void;
  onTest?(test: TestReport): void;
  onIgnored?(test: IgnoredTest): void;
  onBrokenFile?(file: BrokenFile): void;
  onEnd?(summary: RunSummary): Promise<void> | void;
}

/** Tells several reporters everything; they end one after the other. */
export function severalReporters(reporters: readonly Reporter[]): Reporter {
  return {
    onStart: (info) => reporters.forEach((reporter) => void reporter.onStart?.(info)),
    onActivity: (activity) => reporters.forEach((reporter) => void reporter.onActivity?.(activity)),
    onConsole: (text) => reporters.forEach((reporter) => void reporter.onConsole?.(text)),
    onTest: (test) => reporters.forEach((reporter) => void reporter.onTest?.(test)),
    onIgnored: (test) => reporters.forEach((reporter) => void reporter.onIgnored?.(test)),
    onBrokenFile: (file) => reporters.forEach((reporter) => void reporter.onBrokenFile?.(file)),
    onEnd: async (summary) => {
      for (const reporter of reporters) await reporter.onEnd?.(summary);
    },
  };
}
