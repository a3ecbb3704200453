// SPDX-License-Identifier: MIT
// Turns what vitest reports into our own reports, one per test, and sees to it that every test of the plan has exactly one
// verdict: a missing one is a failure of the infrastructure, not silence.
import { randomBytes } from "node:crypto";
import { relative } from "node:path";
import type { TestCase, TestModule } from "vitest/node";
import type { Outcome } from "../outcome/outcome.ts";
import type { Verdict } from "../outcome/verdict.ts";
import type { BrokenFile, IgnoredTest, ShownError, TestReport } from "../reporters/reporter.ts";
import { type Settled, settleAttempts } from "./attempts.ts";
import type { Plan, PlannedTest } from "./plan.ts";
import { rerunCommand } from "./settings.ts";
import { type RawError, shownError, textOf } from "./shown-error.ts";
import type { ThreadDeath } from "./spec-thread.ts";

export interface LedgerEvents {
  readonly onTest: (test: TestReport) => void;
  readonly onIgnored: (test: IgnoredTest) => void;
  readonly onBrokenFile: (file: BrokenFile) => void;
  /** So many tests have failed that the others need not be run; called once. */
  readonly onEnough: () => void;
}

export interface LedgerOptions {
  readonly cwd: string;
  /** Failures after which the run ends. */
  readonly failFast?: number | undefined;
  /** Aborted when the user interrupts the run. */
  readonly signal: AbortSignal;
}

export class Ledger {
  readonly tests: TestReport[] = [];
  readonly brokenFiles: BrokenFile[] = [];
  readonly stray: ShownError[] = [];
  readonly ignored: IgnoredTest[] = [];
  readonly #options: LedgerOptions;
  readonly #events: LedgerEvents;
  /** Without a verdict so far, by vitest's id. */
  readonly #open: Map<string, PlannedTest>;
  /** Those of them that have got a guest. */
  readonly #begun = new Set<PlannedTest>();
  /** Why a thread is missing that would have told. */
  #lost: string | undefined;
  #isStuck = false;
  #failures = 0;
  #stopped: string | undefined;

  constructor(plan: Plan, options: LedgerOptions, events: LedgerEvents) {
    this.#options = options;
    this.#events = events;
    this.#open = new Map(
      plan.tests.filter(({ ignored }) => ignored === undefined).map((test) => [test.id, test]),
    );
  }

  /** Why the run ended early by its own decision. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  addIgnored({ file, name, tags }: PlannedTest, reason: string): void {
    const entry = { file, name, reason, ...(tags.length > 0 ? { tags } : {}) };
    this.ignored.push(entry);
    this.#events.onIgnored(entry);
  }

  /** Tests without a verdict, to be run by their files. */
  get openTests(): ReadonlyMap<string, readonly string[]> {
    const byFile = Map.groupBy(this.#open.values(), ({ specFile }) => specFile);
    return new Map([...byFile].map(([file, tests]) => [file, tests.map(({ id }) => id)]));
  }

  /** The test has got its guest. */
  noteBegun(specFile: string, name: string): void {
    const test = this.#find(specFile, name);
    if (test) this.#begun.add(test);
  }

  /**
   * A thread died: its tests that had begun will not end, and those of its files that had not may be run on another thread. Where
   * none had begun, that thread would come to the same end. Returns whether any was lost.
   */
  addDeath({ files, outcome }: ThreadDeath): boolean {
    this.#lost = outcome.reason;
    const lost = [...this.#open.values()].filter(({ specFile }) => files.includes(specFile));
    const begun = lost.filter((test) => this.#begun.has(test));
    for (const test of begun.length > 0 ? begun : lost) this.#close(test, withoutAttempt(outcome));
    return lost.length > 0;
  }

  /** The test blocks its worker's thread, so that nobody else will report it. */
  addStuck(specFile: string, name: string): void {
    this.#isStuck = true;
    const test = this.#find(specFile, name);
    const reason = "its code blocks the thread: not even its time limit could end it";
    if (test) this.#close(test, withoutAttempt({ kind: "failed", reason }));
  }

  addTest(test: TestCase): void {
    const planned = this.#open.get(test.id);
    if (planned === undefined) return;
    const { state } = test.result();
    // What a thread has begun before it was told of the end is not looked at.
    if (this.#stopped !== undefined) this.#close(planned, neverRan(this.#stopped));
    else if (state !== "skipped") this.#close(planned, this.#settle(test));
    else if (this.#cutShort !== undefined) this.#close(planned, this.#settleCutShort(test, this.#cutShort));
    else {
      const { note } = test.result() as { readonly note?: string | undefined };
      // Without a note the file's hooks are to blame, and the file's end will tell.
      if (note === undefined) return;
      this.#open.delete(test.id);
      this.addIgnored(planned, note);
    }
  }

  /** A file is done: errors that are no test's, and tests that nobody reported. */
  addModule(module: TestModule): void {
    const errors = (module.errors() as readonly RawError[])
      // Of a test that did not get to its snapshots they are obsolete to vitest, and that is no second failure.
      .filter(({ message }) => !message?.startsWith("Obsolete snapshots found") || this.#allPassed(module));
    const broken = brokenFileOf(module, this.#options.cwd, errors);
    if (broken !== undefined) this.addBrokenFile(broken);
    for (const test of module.children.allTests()) {
      this.addTest(test);
      const planned = this.#open.get(test.id);
      if (planned !== undefined && broken !== undefined)
        this.#close(planned, neverRan(`its file failed: ${broken.message.split("\n")[0] ?? ""}`));
    }
  }

  addBrokenFile(file: BrokenFile): void {
    this.brokenFiles.push(file);
    this.#events.onBrokenFile(file);
    this.#countFailure();
  }

  addStray(error: RawError): void {
    this.stray.push(shownError(error, this.#options.cwd));
  }

  /** The run is over: what has no verdict now gets none from anybody else. */
  finish(): void {
    const broken = new Set(this.brokenFiles.map(({ file }) => file));
    for (const test of this.#open.values()) {
      const reason = broken.has(test.file) ? "its file failed" : this.#cutShort;
      this.#close(
        test,
        reason === undefined
          ? withoutAttempt({
              kind: "infrastructure-failed",
              reason: this.#lost ?? "the worker gave no verdict",
            })
          : neverRan(reason),
      );
    }
  }

  #find(specFile: string, name: string): PlannedTest | undefined {
    return [...this.#open.values()].find((open) => open.specFile === specFile && open.name === name);
  }

  /** Why tests that have not run will not. */
  get #cutShort(): string | undefined {
    if (this.#isStuck) return "another test blocked the thread that this one was to run on";
    if (this.#options.signal.aborted) return "the run was interrupted";
    return this.#stopped;
  }

  #close(test: PlannedTest, settled: Settled): void {
    this.#open.delete(test.id);
    const { file, line, name, tags } = test;
    const { kind } = settled.verdict.outcome;
    const wentWrong = kind !== "passed" && kind !== "never-ran";
    const report = {
      id: wentWrong ? randomBytes(4).toString("hex") : undefined,
      file,
      line,
      name,
      ...settled,
      ...(tags.length > 0 ? { tags } : {}),
      rerun: rerunCommand(file, name),
    };
    this.tests.push(report);
    this.#events.onTest(report);
    if (wentWrong) this.#countFailure();
  }

  #countFailure(): void {
    const { failFast } = this.#options;
    this.#failures += 1;
    if (failFast === undefined || this.#failures < failFast || this.#stopped !== undefined) return;
    this.#stopped = `the run ended at the ${failFast === 1 ? "first failure" : `${failFast} failures`} (--fail-fast)`;
    this.#events.onEnough();
  }

  #settle(test: TestCase): Settled {
    const errors = this.#errorsOf(test);
    const attempts = test.meta().rexTestAttempts ?? [];
    if (attempts.length === 0) {
      const { state } = test.result();
      const [first] = errors;
      const outcome: Outcome =
        state === "failed"
          ? { kind: "failed", reason: first?.message ?? "it failed before it could say why" }
          : { kind: "infrastructure-failed", reason: `the worker gave no verdict (vitest says: ${state})` };
      return { verdict: emptyVerdict(this.#cutShort === undefined ? outcome : cut(this.#cutShort)), errors };
    }
    return settleAttempts(
      attempts.map(({ repeat, verdict, earlierErrors }, at) => ({
        repeat,
        verdict: this.#withReason(verdict),
        errors: errors.slice(earlierErrors, attempts[at + 1]?.earlierErrors),
      })),
    );
  }

  /** Earlier attempts count even when the last one was cut short. */
  #settleCutShort(test: TestCase, reason: string): Settled {
    return (test.meta().rexTestAttempts ?? []).length > 0 ? this.#settle(test) : neverRan(reason);
  }

  /** A worker whose test was cancelled does not know why. */
  #withReason(verdict: Verdict): Verdict {
    if (verdict.outcome.kind !== "never-ran" || this.#cutShort === undefined) return verdict;
    return { ...verdict, outcome: cut(this.#cutShort) };
  }

  #errorsOf(test: TestCase): readonly ShownError[] {
    return ((test.result().errors ?? []) as readonly RawError[]).map((error) =>
      shownError(error, this.#options.cwd),
    );
  }

  #allPassed(module: TestModule): boolean {
    return [...module.children.allTests()].every((test) =>
      ["passed", "skipped"].includes(test.result().state),
    );
  }
}

/** The file as one that failed by itself; undefined when it did not. */
export function brokenFileOf(
  module: TestModule,
  cwd: string,
  errors: readonly RawError[] = module.errors() as readonly RawError[],
): BrokenFile | undefined {
  if (errors.length === 0) return undefined;
  const message = errors.map((error) => textOf(shownError(error, cwd))).join("\n");
  const isLoaded = [...module.children.allTests()].length > 0;
  return { file: relative(cwd, module.moduleId), message, phase: isLoaded ? "hooks" : "load" };
}

function emptyVerdict(outcome: Outcome): Verdict {
  return { outcome, durationMs: 0, queuedMs: 0, readyMs: 0, steps: [] };
}

function withoutAttempt(outcome: Outcome): Settled {
  return { verdict: emptyVerdict(outcome), errors: [] };
}

function cut(reason: string): Outcome {
  return { kind: "never-ran", reason };
}

function neverRan(reason: string): Settled {
  return withoutAttempt(cut(reason));
}
