// SPDX-License-Identifier: MIT
// Turns what vitest reports into our own reports, one per test, and sees to it that every collected test has exactly one
// verdict: a missing one is a failure of the infrastructure, not silence.
import { randomBytes } from "node:crypto";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { TestCase, TestModule } from "vitest/node";
import type { Outcome } from "../outcome/outcome.ts";
import type { Verdict } from "../outcome/verdict.ts";
import type { BrokenFile, IgnoredTest, ShownError, TestReport } from "../reporters/reporter.ts";
import { type Filter, rerunCommand } from "./settings.ts";

/** The parts of vitest's serialised errors that we show. */
interface RawError {
  readonly message?: string;
  readonly name?: string;
  readonly diff?: string;
  readonly stacks?: readonly { readonly file: string; readonly line: number; readonly column: number }[];
}

export interface LedgerEvents {
  readonly onTest: (test: TestReport) => void;
  readonly onIgnored: (test: IgnoredTest) => void;
  readonly onBrokenFile: (file: BrokenFile) => void;
}

export class Ledger {
  readonly tests: TestReport[] = [];
  readonly brokenFiles: BrokenFile[] = [];
  readonly stray: ShownError[] = [];
  readonly ignored: IgnoredTest[] = [];
  readonly #cwd: string;
  readonly #filter: Filter | undefined;
  readonly #signal: AbortSignal;
  readonly #events: LedgerEvents;
  readonly #seen = new Set<string>();
  readonly #stuck = new Set<string>();

  constructor(
    options: { readonly cwd: string; readonly filter: Filter | undefined; readonly signal: AbortSignal },
    events: LedgerEvents,
  ) {
    this.#cwd = options.cwd;
    this.#filter = options.filter;
    this.#signal = options.signal;
    this.#events = events;
  }

  /** The test blocks its worker's thread, so that nobody else will report it. */
  addStuck(specFile: string, name: string): void {
    this.#stuck.add(name);
    const reason = "its code blocks the thread: not even its time limit could end it";
    this.#add({ file: specFile, name }, [], emptyVerdict({ kind: "failed", reason }));
  }

  addTest(test: TestCase): void {
    if (this.#seen.has(test.id) || this.#stuck.has(test.name) || !this.#isWanted(test)) return;
    this.#seen.add(test.id);
    const ignored = reasonToIgnore(test);
    if (ignored !== undefined && !this.#signal.aborted && this.#stuck.size === 0) {
      const entry = { file: relative(this.#cwd, test.module.moduleId), name: test.name, reason: ignored };
      this.ignored.push(entry);
      this.#events.onIgnored(entry);
      return;
    }
    const errors = ((test.result().errors ?? []) as readonly RawError[]).map((error) => this.#shown(error));
    const place = { file: test.module.moduleId, name: test.name, line: test.location?.line };
    this.#add(place, errors, verdictOf(test, this.#signal.aborted, this.#stuck));
  }

  /** A file is done: its own errors, and tests that nobody reported. */
  addModule(module: TestModule): void {
    const errors = module.errors() as readonly RawError[];
    if (errors.length > 0) {
      const message = errors.map((error) => textOf(this.#shown(error))).join("\n");
      this.addBrokenFile({ file: relative(this.#cwd, module.moduleId), message });
    }
    for (const test of module.children.allTests()) this.addTest(test);
  }

  addBrokenFile(file: BrokenFile): void {
    this.brokenFiles.push(file);
    this.#events.onBrokenFile(file);
  }

  addStray(error: RawError): void {
    this.stray.push(this.#shown(error));
  }

  #add(
    place: { readonly file: string; readonly name: string; readonly line?: number | undefined },
    errors: readonly ShownError[],
    verdict: Verdict,
  ): void {
    const { name, line } = place;
    const file = relative(this.#cwd, place.file);
    const wentWrong = verdict.outcome.kind !== "passed" && verdict.outcome.kind !== "never-ran";
    const id = wentWrong ? randomBytes(4).toString("hex") : undefined;
    const report = { id, file, line, name, verdict, errors, rerun: rerunCommand(file, name) };
    this.tests.push(report);
    this.#events.onTest(report);
  }

  #isWanted(test: TestCase): boolean {
    return this.#filter === undefined || this.#filter.pattern.test(test.fullName);
  }

  #shown(error: RawError): ShownError {
    const frame = error.stacks?.find(
      ({ file }) => !file.includes("/node_modules/") && file.endsWith(".spec.ts"),
    );
    return {
      message: stripVTControlCharacters(error.message ?? error.name ?? "an error without a message"),
      diff: error.diff === undefined ? undefined : stripVTControlCharacters(error.diff),
      at: frame ? `${relative(this.#cwd, frame.file)}:${frame.line}:${frame.column}` : undefined,
    };
  }
}

/** The spec says so, or the test found that it can't be run here. */
function reasonToIgnore(test: TestCase): string | undefined {
  if (test.options.mode === "skip") return "the spec says so";
  const result = test.result();
  return result.state === "skipped" ? result.note : undefined;
}

function verdictOf(test: TestCase, interrupted: boolean, stuck: ReadonlySet<string>): Verdict {
  const told = test.meta().rexTest;
  if (told !== undefined) return told;
  return emptyVerdict(withoutVerdict(test, interrupted, stuck));
}

function emptyVerdict(outcome: Outcome): Verdict {
  return { outcome, durationMs: 0, queuedMs: 0, readyMs: 0, steps: [] };
}

function withoutVerdict(test: TestCase, interrupted: boolean, stuck: ReadonlySet<string>): Outcome {
  const { state, errors } = test.result();
  if (stuck.size > 0)
    return { kind: "never-ran", reason: "another test blocked the thread that this one was to run on" };
  if (interrupted) return { kind: "never-ran", reason: "the run was interrupted" };
  if (state === "failed")
    return { kind: "failed", reason: errors[0]?.message ?? "it failed before it could say why" };
  return { kind: "infrastructure-failed", reason: `the worker gave no verdict (vitest says: ${state})` };
}

function textOf(error: ShownError): string {
  return error.at === undefined ? error.message : `${error.message}\n  at ${error.at}`;
}
