// SPDX-License-Identifier: MIT
// How far a campaign has come: plain data, which is what is kept of it. Everything in it changes when a batch is done, all at once, so that a
// campaign that was killed counts no batch twice and none not at all.
import { createHash } from "node:crypto";
import type { Oracle } from "./trial.ts";

/** The index-th (from 1) of each `count` batches of a seed. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export const wholeCampaign: Shard = { index: 1, count: 1 };

export type Counts = Readonly<Record<string, number>>;

/** What a batch adds to the campaign when it is done. */
export interface BatchOutcome {
  /** By the names in `counted`. */
  readonly counts: Counts;
  /** For the digest: what was tried and what became of it, in an order of the batch's own; nothing that time or chance has a part in. */
  readonly verdicts: readonly string[];
}

export interface FoundThing {
  /** Oracle, title and frames. */
  readonly key: string;
  readonly oracle: Oracle;
  readonly title: string;
  /** The spec, relative to the corpus. */
  readonly file: string;
  /** The smallest input that brings it about. */
  readonly input?: string;
  readonly reproduced: number;
  readonly attempts: number;
  /** How often it was seen. */
  seen: number;
  /** When it was first seen, and when it had been traced, from the beginning of the campaign. */
  readonly afterMs: number;
  readonly tracedMs: number;
}

/** The numbers at a moment. */
export interface Sample {
  readonly ms: number;
  readonly counts: Counts;
  readonly findings: number;
  readonly kept: number;
  readonly covered?: CoverageCounts;
}

/** Of the runtime's C code, and of the crate where that is watched. */
export interface CoverageCounts {
  /** As the compiler counts them: about one for each way that the code can go. */
  readonly arcs: number;
  readonly arcsOf: number;
  readonly lines: number;
  readonly linesOf: number;
  readonly branches: number;
  readonly branchesOf: number;
  readonly crateLines?: number;
  /** That have code in the objects so far. */
  readonly crateLinesOf?: number;
}

/** Numbers in their order. */
export type LinesByFile = Readonly<Record<string, readonly number[]>>;

export interface CrateLines {
  /** Of the crate's sources. */
  readonly stamp: string;
  readonly reached: LinesByFile;
  /** With code in some object. */
  readonly found: LinesByFile;
}

/** Of an object of the runtime: a bit for each arc, as base64. */
export interface TakenArcs {
  /** Of the kernel's build. */
  readonly stamp: number;
  readonly arcs: string;
}

export interface CampaignState {
  readonly version: 2;
  readonly target: string;
  readonly seed: number;
  readonly shard: Shard;
  readonly kernel: string;
  /** All batches of the shard before this one are done, */
  nextBatch: number;
  /** and these behind it. */
  ahead: number[];
  /** Of what all batches that are done have tried and what became of it, in whatever order. */
  digest: string;
  readonly counts: Record<string, number>;
  /** Complaints that did not come again. */
  unconfirmed: number;
  elapsedMs: number;
  readonly findings: FoundThing[];
  /** What tracing has come to, by keys: it takes minutes, and whoever is killed goes on with it. */
  suspects?: Readonly<Record<string, unknown>>;
  readonly history: { everyMs: number; samples: Sample[] };
  covered?: CoverageCounts;
  /** By object. */
  taken?: Readonly<Record<string, TakenArcs>>;
  crate?: CrateLines;
}

const sampleEveryMs = 10_000;
const samplesAtMost = 400;
const digestBytes = 16;

export function freshState(of: Pick<CampaignState, "target" | "seed" | "shard" | "kernel">): CampaignState {
  return {
    version: 2,
    ...of,
    nextBatch: of.shard.index - 1,
    ahead: [],
    digest: "0".repeat(2 * digestBytes),
    counts: {},
    unconfirmed: 0,
    elapsedMs: 0,
    findings: [],
    history: { everyMs: sampleEveryMs, samples: [] },
  };
}

export function addBatch(state: CampaignState, batch: number, { counts, verdicts }: BatchOutcome): void {
  state.ahead.push(batch);
  while (state.ahead.includes(state.nextBatch)) {
    state.ahead = state.ahead.filter((done) => done !== state.nextBatch);
    state.nextBatch += state.shard.count;
  }
  for (const [name, count] of Object.entries(counts)) state.counts[name] = (state.counts[name] ?? 0) + count;
  state.digest = combined(state.digest, digestOf(batch, verdicts));
}

export function batchesDone({ nextBatch, shard, ahead }: CampaignState): number {
  return (nextBatch - (shard.index - 1)) / shard.count + ahead.length;
}

/** What to work on next when these are under way or done. */
export function* batchesToDo({ nextBatch, ahead, shard }: CampaignState): Generator<number> {
  const done = new Set(ahead);
  for (let batch = nextBatch; ; batch += shard.count) if (!done.has(batch)) yield batch;
}

function digestOf(batch: number, verdicts: readonly string[]): string {
  const hash = createHash("sha256").update(`${batch}\n`);
  for (const verdict of verdicts) hash.update(`${verdict.length} ${verdict}\n`);
  return hash.digest("hex").slice(0, 2 * digestBytes);
}

/** The same in whichever order: batches end as they like, and the digests of shards give that of the whole. */
export function combined(one: string, other: string): string {
  const sum = BigInt(`0x${one}`) ^ BigInt(`0x${other}`);
  return sum.toString(16).padStart(2 * digestBytes, "0");
}

export function isSampleDue({ history }: CampaignState, ms: number): boolean {
  const last = history.samples.at(-1)?.ms ?? -history.everyMs;
  return ms - last >= history.everyMs;
}

/** Keeps the numbers of this moment when it is time to; of a campaign of days, fewer of them. */
export function sample(state: CampaignState, kept: number, isLast = false): void {
  const { history, elapsedMs, counts, findings, covered } = state;
  const isLater = elapsedMs > (history.samples.at(-1)?.ms ?? -1);
  if (!isSampleDue(state, elapsedMs) && !(isLast && isLater)) return;
  history.samples.push({
    ms: elapsedMs,
    counts: { ...counts },
    findings: findings.length,
    kept,
    ...(covered === undefined ? {} : { covered }),
  });
  if (history.samples.length <= samplesAtMost) return;
  history.samples = history.samples.filter((_, at) => at % 2 === 0);
  history.everyMs *= 2;
}
