// SPDX-License-Identifier: MIT
// What a reporter is told, and when.
import type { CoverageSummary } from "../../coverage/collector.ts";
import type { GuestOrigin } from "../guests/guest.ts";
import type { OutcomeCounts } from "../outcome/outcome.ts";
import type { Verdict } from "../outcome/verdict.ts";
import type { StepState } from "../worker/steps.ts";
import type { RunFacts, TestFacts } from "./facts.ts";

export interface ShownError {
  readonly message: string;
  /** Expected against received, without colours. */
  readonly diff?: string | undefined;
  /** Where in the spec: "specs/panic/oob.spec.ts:12:5". */
  readonly at?: string | undefined;
}

/** One run of a test that was run several times, because it failed (`retry`) or to see whether it does (`repeats`). */
export interface AttemptReport {
  /** 0 for the first of the repetitions that the test asked for. */
  readonly repeat: number;
  readonly verdict: Verdict;
  readonly errors: readonly ShownError[];
}

export interface TestReport extends TestFacts {
  /** Of the attempt that decides: of a test that did not pass the gravest one, else the last. */
  readonly verdict: Verdict;
  /** Of that attempt. */
  readonly errors: readonly ShownError[];
  /** All runs of the test in their order; absent when there was one. */
  readonly attempts?: readonly AttemptReport[] | undefined;
  /** Command that runs this test alone. */
  readonly rerun: string;
}

/** A test that was not run, on purpose. */
export interface IgnoredTest {
  readonly file: string;
  readonly name: string;
  readonly reason: string;
  readonly tags?: readonly string[] | undefined;
}

/** A spec file with an error that belongs to none of its tests. */
export interface BrokenFile {
  readonly file: string;
  readonly message: string;
  /** "load", or absent: it could not be read as a spec. "hooks": its beforeAll or afterAll failed. */
  readonly phase?: "load" | "hooks" | undefined;
}

export interface RunInfo {
  readonly files: number;
  /** That are to be run. */
  readonly tests?: number | undefined;
  /** How many results each file will have, those of ignored tests included; none for a file that could not be loaded. */
  readonly plan?: readonly { readonly file: string; readonly tests: number }[] | undefined;
  /** The tests are run in the order that follows from this number. */
  readonly shuffleSeed?: number | undefined;
  /** Of all tests this part is run, from 1. */
  readonly shard?: { readonly index: number; readonly count: number } | undefined;
  readonly kernel: string;
  readonly machine: string;
  readonly jobs: number;
}

export interface RunSummary extends RunFacts {
  readonly tests: readonly TestReport[];
  readonly ignored: readonly IgnoredTest[];
  readonly brokenFiles: readonly BrokenFile[];
  /** Errors outside of any test. */
  readonly stray: readonly ShownError[];
  readonly counts: OutcomeCounts;
  /** Which lines of the runtime ran (`--coverage`); absent when nobody counted. */
  readonly coverage?: CoverageSummary | undefined;
}

/** What happens to a test before it has ended. */
export type ActivityStep =
  /** "queued": it waits for a guest. "booting": its turn has come. "finished": its guest is gone. */
  | { readonly kind: "queued" | "booting" | "finished" }
  | { readonly kind: "running"; readonly readyMs: number; readonly origin: GuestOrigin }
  /** Names from the outermost step to this one. */
  | { readonly kind: "step"; readonly path: readonly string[]; readonly state: StepState };

export type Activity = ActivityStep & {
  readonly file: string;
  readonly test: string;
  /** ms since the epoch, on a clock that is never set back. */
  readonly at: number;
};

export interface Reporter {
  onStart?(info: RunInfo): void;
  onActivity?(activity: Activity): void;
  /** Something about the run itself that the reader should know: a guest that had to be replaced. */
  onNotice?(text: string): void;
  /** A spec printed something. */
  onConsole?(text: string): void;
  onTest?(test: TestReport): void;
  onIgnored?(test: IgnoredTest): void;
  onBrokenFile?(file: BrokenFile): void;
  onEnd?(summary: RunSummary): Promise<void> | void;
  /** The run could not be carried out, and there will be no end. */
  onFatal?(message: string): void;
}
