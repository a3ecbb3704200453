// SPDX-License-Identifier: MIT
// What the HTML report holds: written here as JSON, read by the page (page/*.js). What is imported must not need Node's types,
// because the page is checked with the browser's.
import type { ExitRecord } from "../../../protocol/generated.ts";
import type { OutcomeKind } from "../../outcome/outcome.ts";
import type { StepRecord } from "../../worker/steps.ts";
import type { RunFacts, TestFacts } from "../facts.ts";

export type ShownOutcome = OutcomeKind | "ignored" | "not-loaded";

export interface ReportData extends RunFacts {
  /** ISO 8601. */
  readonly createdAt: string;
  readonly kernel: string;
  readonly machine: string;
  readonly jobs: number;
  readonly tests: readonly ReportTest[];
  /** Errors outside of any test. */
  readonly stray: readonly string[];
}

/** A row of the list; small, because there may be thousands. */
export interface ReportTest extends TestFacts {
  /** Folder under specs/. */
  readonly promise: string;
  readonly outcome: ShownOutcome;
  /** First line of what went wrong, or why it was ignored. */
  readonly reason?: string | undefined;
  readonly rerun?: string | undefined;
  readonly origin?: "boot" | "clone" | "fork" | "kept" | undefined;
  /** ms since the epoch. */
  readonly queuedAt?: number | undefined;
  readonly queuedMs: number;
  readonly readyMs: number;
  readonly durationMs: number;
  readonly steps: readonly StepRecord[];
  /** There is a block of details of the same number. */
  readonly hasDetails: boolean;
}

/** The rest of a test; parsed when somebody looks at it. */
export interface ReportDetails {
  readonly reason: string;
  readonly step?: string | undefined;
  /** "2 CPUs and 128 MiB" */
  readonly guest?: string | undefined;
  readonly errors: readonly {
    readonly message: string;
    readonly diff?: string | undefined;
    readonly at?: string | undefined;
  }[];
  readonly exits: readonly ExitRecord[];
  readonly programs: readonly ReportProgram[];
  readonly console?: ReportConsole | undefined;
  readonly attempts: readonly { readonly outcome: OutcomeKind; readonly reason: string }[];
  readonly attachments: readonly { readonly name: string; readonly path: string; readonly bytes: number }[];
  /** Folder with everything that was kept. */
  readonly artifacts?: string | undefined;
  readonly commandLine?: string | undefined;
  readonly qmpLog: readonly string[];
  /** Parts of source files that lines of the console or errors point to, by "file:line". */
  readonly sources: Readonly<Record<string, SourceExcerpt>>;
}

export interface ReportConsole {
  readonly lines: readonly ConsoleLine[];
  /** Lines that were left out before the first one shown. */
  readonly omitted: number;
  readonly splats: readonly { readonly line: number; readonly title: string; readonly severity: string }[];
  readonly note?: string | undefined;
}

export interface ConsoleLine {
  /** In console.log, from 1; absent for functions that were inlined, which the log does not have. */
  readonly number?: number | undefined;
  readonly text: string;
  readonly splat?: boolean | undefined;
}

export interface ReportProgram {
  readonly name: string;
  readonly source?: string | undefined;
  /** Lines of the source, from 1, at which a program ended. */
  readonly faults: readonly number[];
  readonly disassembly: readonly DisassembledFunction[];
}

export interface DisassembledFunction {
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

export interface Instruction {
  readonly address: string;
  readonly text: string;
  /** "./src/main.rs:4", where it changes. */
  readonly at?: string | undefined;
  /** A frame of an exit record is here: its number in the trace. */
  readonly frame?: number | undefined;
}

export interface SourceExcerpt {
  readonly path: string;
  /** Number of the first line, from 1. */
  readonly first: number;
  readonly lines: readonly string[];
}
