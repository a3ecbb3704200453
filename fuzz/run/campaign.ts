// SPDX-License-Identifier: MIT
// One campaign: its clock, its batches, and what becomes of complaints. What it counts is in its state (state.ts).
import { relative } from "node:path";
import { messageOf } from "../../runner/support/errors.ts";
import { formatDuration } from "../../runner/support/format.ts";
import type { Corpus } from "./corpus.ts";
import type { Guidance } from "./guidance.ts";
import type { KeptInput } from "./inputs.ts";
import { addBatch, batchesToDo, type CampaignState, isSampleDue, sample } from "./state.ts";
import type { BatchOutcome, Traced } from "./target.ts";
import { type Complaint, keyOf, type Oracle, oracleNames, signatureOf } from "./trial.ts";

export interface CampaignOptions {
  readonly corpus: Corpus;
  readonly timeMs: number;
  /** Ends after so many findings, those of before included. */
  readonly findingsAtMost: number;
  /** Ends after so many batches of its shard, those of before included. */
  readonly batchesAtMost?: number | undefined;
  /** Complaints of others are not looked at. */
  readonly oracles?: readonly Oracle[] | undefined;
  readonly signal: AbortSignal;
  /** A line that stays. */
  readonly say: (line: string) => void;
  /** Called after each batch. */
  readonly onBatch?: () => void;
  readonly guidance?: Guidance | undefined;
}

/** What somebody is doing right now. */
export interface Activity {
  readonly what: string;
  /** On performance.now()'s clock. */
  readonly since: number;
  item: string;
}

/** A campaign that is killed loses no more than this, and the batches that were under way. */
const saveEveryMs = 5_000;
/** When a batch is done, the state is kept unless it was so shortly before. */
const savePauseMs = 1_000;
/** Findings that differ in their frames only; more of them would be the same one, seen from ever other places. */
const framesAtMost = 3;

export class Campaign implements AsyncDisposable {
  readonly #options: CampaignOptions;
  readonly #startedAt = performance.now();
  readonly #before: { readonly elapsedMs: number; readonly counts: Readonly<Record<string, number>> };
  readonly #oracles: ReadonlySet<Oracle>;
  readonly #underWay = new Set<number>();
  readonly #activities = new Set<Activity>();
  readonly #spent = new Map<string, number>();
  /** What was told and can't be traced. */
  readonly #reported = new Set<string>();
  readonly #saver: NodeJS.Timeout;
  /** Of the batches that were begun. */
  #newest = -1;
  #hunt: Promise<void> = Promise.resolve();
  #saving: Promise<void> = Promise.resolve();
  #savedAt = performance.now();
  /** Why the state can't be kept: then there is no use in going on. */
  #notSaved: unknown;
  #isStopped = false;

  constructor(options: CampaignOptions) {
    this.#options = options;
    const { elapsedMs, counts } = options.corpus.state;
    this.#before = { elapsedMs, counts: { ...counts } };
    this.#oracles = new Set(options.oracles ?? oracleNames);
    this.#saver = setInterval(() => void this.save().catch(() => undefined), saveEveryMs);
    this.#saver.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#saver);
    await this.save(true);
  }

  get corpus(): Corpus {
    return this.#options.corpus;
  }

  get state(): CampaignState {
    return this.#options.corpus.state;
  }

  get guidance(): Guidance | undefined {
    return this.#options.guidance;
  }

  get seed(): number {
    return this.state.seed;
  }

  get kernel(): string {
    return this.state.kernel;
  }

  /** Since it was started this time. */
  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  get timeMs(): number {
    return this.#options.timeMs;
  }

  get batchesAtMost(): number | undefined {
    return this.#options.batchesAtMost;
  }

  /** Of all times that it was started. */
  get totalMs(): number {
    return this.#before.elapsedMs + this.elapsedMs;
  }

  get activities(): readonly Activity[] {
    return [...this.#activities];
  }

  /** How long all jobs together have done something, in ms. */
  spentMs(what: string): number {
    return this.#spent.get(what) ?? 0;
  }

  /** Counted since it was started this time. */
  countedNow(name: string): number {
    return (this.state.counts[name] ?? 0) - (this.#before.counts[name] ?? 0);
  }

  /** What is seen at the last moment is followed up nevertheless. */
  get wantsFindings(): boolean {
    const { findingsAtMost, signal } = this.#options;
    return !signal.aborted && this.state.findings.length < findingsAtMost;
  }

  /** No other batch is begun. */
  stop(): void {
    this.#isStopped = true;
  }

  /** The number of the next batch; undefined when the campaign is over. Waits while something is traced: that takes all the machine has. */
  async nextBatch(): Promise<number | undefined> {
    for (let seen: Promise<void> | undefined; seen !== this.#hunt; ) {
      seen = this.#hunt;
      await seen;
    }
    if (this.#isStopped || this.elapsedMs >= this.#options.timeMs || !this.wantsFindings) return undefined;
    const { shard } = this.state;
    const end = (this.#options.batchesAtMost ?? Number.POSITIVE_INFINITY) * shard.count;
    for (const batch of batchesToDo(this.state)) {
      if (batch >= end) return undefined;
      if (this.#underWay.has(batch)) continue;
      this.#underWay.add(batch);
      this.#newest = Math.max(this.#newest, batch);
      return batch;
    }
    return undefined;
  }

  /** What was done before is not done again, whatever happens to this process. */
  async finishBatch(batch: number, outcome: BatchOutcome): Promise<void> {
    this.#underWay.delete(batch);
    addBatch(this.state, batch, outcome);
    if (this.#notSaved !== undefined) throw this.#notSaved;
    // Nobody waits for the disk.
    if (performance.now() - this.#savedAt > savePauseMs) void this.save().catch(() => undefined);
    this.#options.onBatch?.();
  }

  /** For those who watch, and for the sums of time: `what` is one of few words, `item` which one of its kind. */
  async during<T>(what: string, work: (activity: Activity) => Promise<T>, item = ""): Promise<T> {
    const activity: Activity = { what, item, since: performance.now() };
    this.#activities.add(activity);
    try {
      return await work(activity);
    } finally {
      this.#activities.delete(activity);
      this.#spent.set(what, this.spentMs(what) + performance.now() - activity.since);
    }
  }

  note(line: string): void {
    this.#options.say(line);
  }

  /**
   * Has a complaint traced, unless the same thing was found before or is not wanted. Whether there is something to it. `trace` is called when
   * nobody else traces anything; undefined means that it did not come again.
   */
  async follow(
    complaint: Complaint,
    trace: (onStep: (what: string) => void) => Promise<Traced | undefined>,
  ): Promise<boolean> {
    if (!this.#oracles.has(complaint.oracle)) return false;
    const seenMs = this.elapsedMs;
    const hunting = this.#hunt.then(() => this.#followNow(complaint, seenMs, trace));
    this.#hunt = hunting.then(
      () => undefined,
      () => undefined,
    );
    return await hunting;
  }

  /** What tracing a complaint has come to so far, as JSON; a campaign that is killed meanwhile goes on with it. */
  suspect(complaint: Complaint, input: unknown): void {
    this.state.suspects = { ...this.state.suspects, [keyOf(complaint)]: input };
  }

  /** What it had come to when the campaign was killed. */
  suspectOf(complaint: Complaint): unknown {
    return this.state.suspects?.[keyOf(complaint)];
  }

  /** Something is wrong that no input can be blamed for. */
  report(complaint: Complaint, when: string): void {
    const key = signatureOf(complaint);
    if (!this.#oracles.has(complaint.oracle) || this.#reported.has(key) || this.#isKnown(complaint)) return;
    this.#reported.add(key);
    this.state.unconfirmed += 1;
    this.note(`not followed up: ${keyOf(complaint)}\n  ${when}: ${firstLines(complaint.detail)}`);
  }

  /** Has the coverage be that of now, where it is counted. */
  async tally(): Promise<void> {
    try {
      await this.guidance?.tally();
    } catch (error) {
      this.note(`what lines were covered can't be told: ${messageOf(error)}`);
    }
  }

  /** One after the other: the last one has the newest numbers. */
  async save(isLast = false): Promise<void> {
    this.#savedAt = performance.now();
    const saving = this.#saving.then(async () => {
      // Numbers, not what the campaign depends on.
      if (isLast || isSampleDue(this.state, this.totalMs)) await this.tally();
      this.state.elapsedMs = Math.round(this.totalMs);
      sample(this.state, this.corpus.inputs.count, isLast);
      await this.corpus.save().catch((error: unknown) => {
        this.#notSaved = error;
        throw error;
      });
    });
    this.#saving = saving.catch(() => undefined);
    await saving;
  }

  /** An input that has reached what nothing had before. */
  async keep(input: unknown, raised: readonly string[]): Promise<void> {
    await this.#keep({ why: "coverage", raised, input });
  }

  /**
   * What a batch can make inputs of: all that was kept for its coverage before the batch was begun, on other machines too. So the same seed
   * and corpus make the same inputs.
   */
  inputsFor(batch: number): readonly unknown[] {
    const { target, seed } = this.state;
    return this.corpus.inputs.all.flatMap(([, kept]) =>
      kept.why === "coverage" && kept.target === target && (kept.seed !== seed || kept.batch < batch)
        ? [kept.input]
        : [],
    );
  }

  async #keep(what: Pick<KeptInput, "why" | "key" | "raised" | "input">): Promise<void> {
    const { target, seed } = this.state;
    await this.corpus.inputs.keep({ version: 1, target, seed, batch: this.#newest, ...what });
  }

  async #followNow(
    complaint: Complaint,
    seenMs: number,
    trace: Parameters<Campaign["follow"]>[1],
  ): Promise<boolean> {
    if (this.#isKnown(complaint)) return true;
    if (!this.wantsFindings) return false;
    const key = keyOf(complaint);
    // It may take minutes, in which no other batch is begun.
    this.note(`tracing: ${key}\n  ${firstLines(complaint.detail)}`);
    const traced = await this.during("tracing", (activity) =>
      trace((what) => {
        activity.item = what;
      }),
    );
    const { [key]: _, ...others } = this.state.suspects ?? {};
    this.state.suspects = others;
    if (traced === undefined) {
      this.state.unconfirmed += 1;
      const file = await this.corpus.keepUnconfirmed(signatureOf(complaint), complaint.detail);
      this.note(`not again: ${key}\n  ${file}\n  ${firstLines(complaint.detail)}`);
      return false;
    }
    // Traced by its title only: it may have come again with the frames of another.
    if (!this.#isKnown(traced.complaint)) await this.#found(traced, seenMs);
    return true;
  }

  async #found(traced: Traced, seenMs: number): Promise<void> {
    const { complaint, reproduced, attempts, input } = traced;
    const { oracle, title } = complaint;
    const key = signatureOf(complaint);
    const file = await this.corpus.keepFinding(key, (path) => traced.spec(relative(process.cwd(), path)));
    if (traced.kept !== undefined) await this.#keep({ why: "finding", key, raised: [], input: traced.kept });
    const since = this.#before.elapsedMs;
    this.state.findings.push({
      key,
      oracle,
      title,
      file,
      ...(input === undefined ? {} : { input }),
      reproduced,
      attempts,
      seen: 1,
      afterMs: Math.round(since + seenMs),
      tracedMs: Math.round(this.totalMs),
    });
    await this.save();
    const path = relative(process.cwd(), this.corpus.pathOf(file));
    this.note(
      `FOUND ${key}, on ${reproduced} of ${attempts} fresh guests; seen after ${formatDuration(seenMs)}, traced after ${formatDuration(this.elapsedMs)}\n  ${firstLines(complaint.detail)}\n  rex-test run ${path}`,
    );
  }

  /** Whether it was found before; it is then only counted. */
  #isKnown(complaint: Complaint): boolean {
    const alike = this.state.findings.filter((finding) => keyOf(finding) === keyOf(complaint));
    const known = alike.find(({ key }) => key === signatureOf(complaint));
    const same = known ?? (alike.length >= framesAtMost ? alike[0] : undefined);
    if (same !== undefined) same.seen += 1;
    return same !== undefined;
  }
}

function firstLines(text: string): string {
  return text.split("\n").slice(0, 6).join("\n  ");
}
