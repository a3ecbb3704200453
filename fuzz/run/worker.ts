// SPDX-License-Identifier: MIT
// The loop that works on batches, and the guests that it has, one after the other. What happens to a guest or to the machine does not end a
// campaign, unless it happens again and again.
import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "../../runner/support/errors.ts";
import { FuzzGuest } from "./fuzz-guest.ts";
import type { BatchOutcome, Lab } from "./target.ts";
import type { Complaint } from "./trial.ts";

/** In a row, then the campaign is given up. */
const failuresAtMost = 5;
const pauseMs = 2_000;

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
  /** Starts the guest that is the worker's `turn`-th, from 0; one with a CPU unless it says otherwise. */
  start?(turn: number): Promise<FuzzGuest>;
  /** Makes a batch, while the one before it is run. */
  prepare(batch: number): Promise<Job>;
  run(job: Job, guests: GuestTurns): Promise<BatchOutcome>;
}

export async function workInGuests<Job>(lab: Lab, work: GuestWork<Job>): Promise<void> {
  const { campaign } = lab;
  const start = (turn: number) => work.start?.(turn) ?? FuzzGuest.start(lab.guests);
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

/** The guest of one worker, replaced when it is used up or something is wrong with it. */
export class GuestTurns implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #usesPerGuest: number;
  readonly #start: (turn: number) => Promise<FuzzGuest>;
  #turn = 0;
  #guest: FuzzGuest | undefined;
  #used = 0;

  constructor(lab: Lab, usesPerGuest: number, start: (turn: number) => Promise<FuzzGuest>) {
    this.#lab = lab;
    this.#start = start;
    this.#usesPerGuest = usesPerGuest;
  }

  /** Does something in a guest with which nothing was wrong so far. */
  async use(action: (guest: FuzzGuest) => Promise<Complaint[]>): Promise<Complaint[]> {
    try {
      this.#guest ??= await this.#lab.campaign.during("starting a guest", () => this.#start(this.#turn++));
      this.#used += 1;
      const complaints = await action(this.#guest);
      if (complaints.length > 0) await this.#drop();
      else if (this.#used >= this.#usesPerGuest) await this.finish();
      return complaints;
    } catch (error) {
      await this.#drop();
      throw error;
    }
  }

  /** Looks at what all that the guest has done has left behind, and gives it back. */
  async finish(): Promise<void> {
    const complaints = (await this.#guest?.finish()) ?? [];
    for (const complaint of complaints) this.#lab.campaign.report(complaint, `after ${this.#used} batches`);
    await this.#drop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#drop();
  }

  async #drop(): Promise<void> {
    const guest = this.#guest;
    [this.#guest, this.#used] = [undefined, 0];
    await guest?.[Symbol.asyncDispose]();
  }
}

/** What the machine is to blame for is tried again. */
async function patiently<T>({ campaign, guests }: Lab, work: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      guests.signal.throwIfAborted();
      if (failures >= failuresAtMost) throw error;
      campaign.note(`once more, after a failure of this machine: ${messageOf(error)}`);
      await pause(failures * pauseMs, undefined, { signal: guests.signal });
    }
  }
}
