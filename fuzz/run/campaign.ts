// SPDX-License-Identifier: MIT
// One campaign: its clock, its numbers, and what it tells its reader.
import { relative } from "node:path";
import { formatDuration } from "../../runner/support/format.ts";
import type { Corpus } from "./corpus.ts";
import type { Complaint } from "./trial.ts";

export interface CampaignOptions {
  readonly corpus: Corpus;
  readonly seed: number;
  /** Of the kernel under test, for reports. */
  readonly kernel: string;
  readonly timeMs: number;
  /** Ends after so many findings. */
  readonly findingsAtMost: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly onStep: (what: string) => void;
  readonly onStepsDone: () => void;
}

const lineEveryMs = 10_000;

export class Campaign {
  readonly #options: CampaignOptions;
  readonly #startedAt = performance.now();
  readonly #before: { readonly programs: number; readonly executions: number; readonly elapsedMs: number };
  readonly #spent = { compiling: 0, running: 0 };
  /** When each was first seen. */
  readonly #hunted = new Map<string, number>();
  #hunt: Promise<void> = Promise.resolve();
  #nextBatch: number;
  #lastLineAt = performance.now();

  constructor(options: CampaignOptions) {
    this.#options = options;
    const { nextBatch, programs, executions, elapsedMs } = options.corpus.progress;
    this.#nextBatch = nextBatch;
    this.#before = { programs, executions, elapsedMs };
  }

  get corpus(): Corpus {
    return this.#options.corpus;
  }

  get seed(): number {
    return this.#options.seed;
  }

  get kernel(): string {
    return this.#options.kernel;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  get isOver(): boolean {
    return this.elapsedMs >= this.#options.timeMs || !this.wantsFindings;
  }

  /** What is seen at the last moment is followed up nevertheless. */
  get wantsFindings(): boolean {
    const { findingsAtMost, signal, corpus } = this.#options;
    return !signal.aborted && corpus.progress.findings.length < findingsAtMost;
  }

  /** Hunts one after the other: they take all that the machine has. */
  hunt<T>(work: () => Promise<T>): Promise<T> {
    const hunting = this.#hunt.then(work);
    this.#hunt = hunting.then(
      () => undefined,
      () => undefined,
    );
    return hunting;
  }

  /** Until nobody hunts. */
  async quiet(): Promise<void> {
    for (let seen: Promise<void> | undefined; seen !== this.#hunt; ) {
      seen = this.#hunt;
      await seen;
    }
  }

  /** The number of the next piece of work; undefined when the campaign is over. */
  takeBatch(): number | undefined {
    if (this.isOver) return undefined;
    this.#nextBatch += 1;
    return this.#nextBatch - 1;
  }

  async timed<T>(what: "compiling" | "running", work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.#spent[what] += performance.now() - startedAt;
    }
  }

  step(what: string): void {
    this.#options.onStep(what);
  }

  stepsDone(): void {
    this.#options.onStepsDone();
  }

  note(line: string): void {
    this.#options.say(line);
  }

  /** Whether it was found before, or is being looked for; it is then only counted. */
  isKnown(key: string): boolean {
    const known = this.corpus.finding(key);
    if (known !== undefined) known.seen += 1;
    if (known !== undefined || this.#hunted.has(key)) return true;
    this.#hunted.set(key, this.elapsedMs);
    return false;
  }

  unconfirmed({ oracle, title, detail }: Complaint): void {
    this.corpus.progress.unconfirmed += 1;
    // It may be found yet.
    this.#hunted.delete(`${oracle}: ${title}`);
    this.note(`not again: ${oracle}: ${title}\n  ${firstLines(detail)}`);
  }

  async found(
    finding: { readonly complaint: Complaint; readonly reproduced: number; readonly attempts: number },
    make: (file: string) => string,
  ): Promise<void> {
    const { oracle, title, detail } = finding.complaint;
    const key = `${oracle}: ${title}`;
    const file = await this.corpus.keepFinding(key, (path) => make(relative(process.cwd(), path)));
    const { reproduced, attempts } = finding;
    const seenMs = this.#hunted.get(key) ?? this.elapsedMs;
    const afterMs = Math.round(this.#before.elapsedMs + seenMs);
    this.corpus.progress.findings.push({ key, file, reproduced, attempts, seen: 1, afterMs });
    await this.save();
    const path = relative(process.cwd(), file);
    this.note(
      `FOUND ${key}, on ${reproduced} of ${attempts} fresh guests; seen after ${formatDuration(seenMs)}, traced after ${formatDuration(this.elapsedMs)}\n  ${firstLines(detail)}\n  rex-test run ${path}`,
    );
  }

  /** Something is wrong that no program can be blamed for. */
  report(key: string, detail: string): void {
    if (this.isKnown(key)) return;
    this.corpus.progress.unconfirmed += 1;
    this.note(`not followed up: ${key}\n  ${firstLines(detail)}`);
  }

  /** At intervals, a line with the rates. */
  show(now = false): void {
    if (!now && performance.now() - this.#lastLineAt < lineEveryMs) return;
    this.#lastLineAt = performance.now();
    this.note(this.summary());
  }

  summary(): string {
    const { programs, executions, refused, undecided, unconfirmed, findings } = this.corpus.progress;
    const seconds = this.elapsedMs / 1_000;
    const rate = (count: number) => (count / Math.max(seconds, 0.001)).toFixed(1);
    const tried = programs + refused;
    const compiled = tried === 0 ? "" : `, ${((100 * programs) / tried).toFixed(2)} % compile`;
    const found = `${findings.length} found, ${unconfirmed} not confirmed`;
    if (this.corpus.progress.target === "loader") {
      const inputs = `${programs} objects (${rate(programs - this.#before.programs)}/s)`;
      return [formatDuration(this.#before.elapsedMs + this.elapsedMs), inputs, found].join("; ");
    }
    return [
      formatDuration(this.#before.elapsedMs + this.elapsedMs),
      `${programs} programs (${rate(programs - this.#before.programs)}/s${compiled}, ${undecided} undecided)`,
      `${executions} executions (${rate(executions - this.#before.executions)}/s)`,
      found,
      `${formatDuration(this.#spent.compiling)} compiling, ${formatDuration(this.#spent.running)} running`,
    ].join("; ");
  }

  /** What was done before is not done again, whatever happens to this process. */
  async finishBatch(number: number): Promise<void> {
    this.corpus.finishBatch(number);
    await this.save();
    this.show();
  }

  async save(): Promise<void> {
    this.corpus.progress.elapsedMs = Math.round(this.#before.elapsedMs + this.elapsedMs);
    await this.corpus.save();
  }
}

function firstLines(text: string): string {
  return text.split("\n").slice(0, 6).join("\n  ");
}
