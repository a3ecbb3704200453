// SPDX-License-Identifier: MIT
// The target `programs`: batches of generated programs, each in one object, run in a guest that lasts for many batches.
import { predict } from "../interpret/interpret.ts";
import { inputsAt, programsOf } from "../model/arbitrary.ts";
import type { Campaign } from "./campaign.ts";
import { FuzzGuest, type GuestSource } from "./fuzz-guest.ts";
import { hunt } from "./hunt.ts";
import { type Batch, build, type Compile } from "./object.ts";
import { specText } from "./spec-file.ts";
import { type Complaint, keyOf, type Trial } from "./trial.ts";

/** Programs in an object: more of them take longer to bisect, fewer to compile and load. */
const batchPrograms = 48;
/** After so many a guest is looked at for what is left behind, and another one takes its place. */
const batchesPerGuest = 20;
const shrinkLimitMs = 90_000;

export class ProgramsTarget {
  readonly #campaign: Campaign;
  readonly #guests: GuestSource;
  readonly #compile: Compile;

  constructor(campaign: Campaign, guests: GuestSource, compile: Compile) {
    this.#campaign = campaign;
    this.#guests = guests;
    this.#compile = compile;
  }

  /** Works on batches until the campaign is over. While one is run, the next is compiled. */
  async work(): Promise<void> {
    let guest: FuzzGuest | undefined;
    let used = 0;
    let next = this.#prepareNext();
    try {
      for (;;) {
        const prepared = await next;
        if (prepared === undefined) break;
        next = this.#prepareNext();
        next.catch(() => undefined); // reported by the next round
        for (const batch of prepared.batches) {
          guest ??= await FuzzGuest.start(this.#guests);
          used += 1;
          const isWell = await this.#run(guest, batch);
          if (isWell && used < batchesPerGuest) continue;
          if (isWell) await this.#finish(guest);
          await guest[Symbol.asyncDispose]();
          [guest, used] = [undefined, 0];
        }
        await this.#campaign.finishBatch(prepared.number);
      }
      if (guest !== undefined) await this.#finish(guest);
    } finally {
      await guest?.[Symbol.asyncDispose]();
    }
  }

  async #prepareNext(): Promise<{ readonly number: number; readonly batches: readonly Batch[] } | undefined> {
    await this.#campaign.quiet();
    const number = this.#campaign.takeBatch();
    if (number === undefined) return undefined;
    const { seed, corpus } = this.#campaign;
    const first = number * batchPrograms;
    const trials = programsOf(seed, first, batchPrograms).flatMap((program, index): Trial[] => {
      const inputs = inputsAt(seed, first + index);
      const prediction = predict(program, inputs);
      return prediction === undefined ? [] : [{ program, inputs, prediction }];
    });
    corpus.progress.undecided += batchPrograms - trials.length;
    const { batches, refusals } = await this.#campaign.timed("compiling", () => build(trials, this.#compile));
    for (const { source, rendered } of refusals) {
      corpus.progress.refused += 1;
      this.#campaign.note(`a program does not compile: ${await corpus.keepRefused(source, rendered)}`);
    }
    return { number, batches };
  }

  /** Whether the guest is still as it was. */
  async #run(guest: FuzzGuest, batch: Batch): Promise<boolean> {
    const all = [...batch.trials.keys()];
    const complaints = await this.#campaign.timed("running", () => guest.run(batch, all));
    const { progress } = this.#campaign.corpus;
    progress.programs += batch.trials.length;
    progress.executions += batch.trials.reduce((sum, { prediction }) => sum + prediction.runs.length, 0);
    const kinds = new Map(complaints.map((complaint) => [keyOf(complaint), complaint]));
    for (const complaint of kinds.values())
      await this.#campaign.hunt(() => this.#follow(batch, all, complaint));
    return complaints.length === 0;
  }

  async #finish(guest: FuzzGuest): Promise<void> {
    for (const { title, detail } of await guest.finish())
      this.#campaign.report(`resource neutrality: ${title}`, `after ${batchesPerGuest} batches: ${detail}`);
  }

  async #follow(batch: Batch, chosen: readonly number[], complaint: Complaint): Promise<void> {
    const key = keyOf(complaint);
    if (this.#campaign.isKnown(key) || !this.#campaign.wantsFindings) return;
    const finding = await hunt(batch, chosen, complaint, {
      guests: this.#guests,
      compile: this.#compile,
      shrinkLimitMs,
      onStep: (what) => this.#campaign.step(what),
    });
    this.#campaign.stepsDone();
    if (finding === undefined) {
      this.#campaign.unconfirmed(complaint);
      return;
    }
    const { seed, kernel } = this.#campaign;
    await this.#campaign.found(finding, (file) => specText(finding, { seed, kernel }, file));
  }
}
