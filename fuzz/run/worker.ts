// SPDX-License-Identifier: MIT
// The loop that works on batches, and the guests that it has, one after the other. What happens to a guest or to the machine does not end a
// campaign, unless it happens again and again.
import { setTimeout as pause } from "node:timers/promises";
import { messageOf, RexTestError } from "../../runner/support/errors.ts";
import type { Campaign } from "./campaign.ts";
import { FuzzGuest, type GuestSource } from "./fuzz-guest.ts";
import type { Blame } from "./guidance.ts";
import type { BatchOutcome, Lab } from "./target.ts";
import type { Complaint } from "./trial.ts";

/** In a row, then the campaign is given up. */
const failuresAtMost = 5;
const usualPauseMs = 2_000;

/** Batches for which no guest is needed. */
export async function workOnHost(lab: Lab, run: (batch: number) => Promise<BatchOutcome>): Promise<void> {
  const { campaign } = lab;
  for (;;) {
    const batch = await campaign.nextBatch();
    if (batch === undefined) return;
    await campaign.finishBatch(batch, await patiently(lab, () => run(batch)));
  }
}

export interface GuestWork<Job> {
  /** After so many uses a guest is looked at for what is left behind, and another one takes its place. */
  readonly usesPerGuest: number;
  /** Starts a guest of one of the target's kinds; one with a CPU unless it says otherwise. */
  start?(kind: number): Promise<FuzzGuest>;
  /** Makes a batch, while the one before it is run. */
  prepare(batch: number): Promise<Job>;
  run(job: Job, guests: GuestTurns): Promise<BatchOutcome>;
}

export async function workInGuests<Job>(lab: Lab, work: GuestWork<Job>): Promise<void> {
  const { campaign } = lab;
  const start = (kind: number) => work.start?.(kind) ?? FuzzGuest.start(lab.guests);
  await using guests = new GuestTurns(lab, work.usesPerGuest, start);
  const prepareNext = async () => {
    const batch = await campaign.nextBatch();
    return batch === undefined ? undefined : { batch, job: await patiently(lab, () => work.prepare(batch)) };
  };
  let next = prepareNext();
  for (;;) {
    const prepared = await next;
    if (prepared === undefined) break;
    next = prepareNext();
    next.catch(() => undefined); // reported by the next round
    const { batch, job } = prepared;
    await campaign.finishBatch(batch, await patiently(lab, () => work.run(job, guests)));
  }
  await guests.finish();
}

interface Turn {
  readonly guest: FuzzGuest;
  used: number;
}

/** The guests of one worker, one of each kind, replaced when they are used up or something is wrong with them. */
export class GuestTurns implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #usesPerGuest: number;
  readonly #start: (kind: number) => Promise<FuzzGuest>;
  readonly #turns = new Map<number, Turn>();

  constructor(lab: Lab, usesPerGuest: number, start: (kind: number) => Promise<FuzzGuest>) {
    this.#lab = lab;
    this.#start = start;
    this.#usesPerGuest = usesPerGuest;
  }

  /** Does something in a guest with which nothing was wrong so far. `blame` is for inputs that are worth keeping. */
  async use(
    action: (guest: FuzzGuest) => Promise<Complaint[]>,
    { kind = 0, blame }: { readonly kind?: number; readonly blame?: Blame } = {},
  ): Promise<Complaint[]> {
    try {
      const turn = this.#turns.get(kind) ?? (await this.#begin(kind));
      turn.used += 1;
      const complaints = [...(await action(turn.guest))];
      if (complaints.length === 0) complaints.push(...(await this.#look(turn.guest, blame)));
      if (complaints.length > 0) await this.#drop(kind);
      else if (turn.used >= this.#usesPerGuest) await this.#finish(kind);
      return complaints;
    } catch (error) {
      await this.#drop(kind);
      throw error;
    }
  }

  /** Looks at what all that the guests have done has left behind, and gives them back. */
  async finish(): Promise<void> {
    for (const kind of this.#turns.keys()) await this.#finish(kind);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kind of this.#turns.keys()) await this.#drop(kind);
  }

  async #begin(kind: number): Promise<Turn> {
    const guest = await this.#lab.campaign.during("starting a guest", () => this.#start(kind));
    const turn = { guest, used: 0 };
    this.#turns.set(kind, turn);
    await this.#lab.guidance?.begin(guest);
    return turn;
  }

  async #look(guest: FuzzGuest, blame: Blame | undefined): Promise<Complaint[]> {
    const { campaign, guidance } = this.#lab;
    if (guidance === undefined) return [];
    return await campaign.during("looking at coverage", () => guidance.end(guest, blame));
  }

  async #finish(kind: number): Promise<void> {
    const { guest, used = 0 } = this.#turns.get(kind) ?? {};
    const complaints = (await guest?.finish()) ?? [];
    for (const complaint of complaints) this.#lab.campaign.report(complaint, `after ${used} batches`);
    await this.#drop(kind);
  }

  async #drop(kind: number): Promise<void> {
    const turn = this.#turns.get(kind);
    this.#turns.delete(kind);
    await turn?.guest[Symbol.asyncDispose]();
  }
}

/** What the machine is to blame for is tried again. */
export async function patiently<T>(
  {
    campaign,
    guests,
  }: { readonly campaign: Pick<Campaign, "note">; readonly guests: Pick<GuestSource, "signal"> },
  work: () => Promise<T>,
  pauseMs = usualPauseMs,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      guests.signal.throwIfAborted();
      if (failures >= failuresAtMost) throw error;
      campaign.note(`once more, after a failure of this machine: ${withDetail(error)}`);
      await pause(failures * pauseMs, undefined, { signal: guests.signal });
    }
  }
}

/** A few lines: whoever asks why a machine fails has nothing else. */
function withDetail(error: unknown): string {
  const detail = error instanceof RexTestError ? (error.detail ?? "") : "";
  const lines = detail
    .trim()
    .split("\n")
    .filter((line) => line !== "");
  return [messageOf(error), ...lines.slice(-5)].join("\n  ");
}
