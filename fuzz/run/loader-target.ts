// SPDX-License-Identifier: MIT
// The target `loader`: valid objects, damaged where the loader looks, by the thousand. The agent's load trial damages and loads them
// (docs/decisions/runner-load-trials.md): whatever it is given, the kernel takes it or refuses it with a sentence, and keeps nothing.

import { readFile } from "node:fs/promises";
import { programsOf } from "../model/arbitrary.ts";
import { printForGuest } from "../model/files.ts";
import type { Campaign } from "./campaign.ts";
import { FuzzGuest, type GuestSource } from "./fuzz-guest.ts";
import type { ObjectSource } from "./loader-spec.ts";
import { loaderSpecText } from "./loader-spec.ts";
import type { Compile } from "./object.ts";
import { type Complaint, keyOf } from "./trial.ts";

/** Objects in one request. */
const roundsPerBatch = 1_000;
const batchesPerGuest = 50;
/** Objects that are damaged; each has other maps, programs and imports. */
const objects = 6;
const trialLimitMs = 60_000;
const attempts = 3;

interface Report {
  readonly loaded: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly silent: number;
}

interface Job {
  readonly number: number;
  readonly source: ObjectSource;
  readonly bytes: Buffer;
  readonly seed: number;
}

export class LoaderTarget {
  readonly #campaign: Campaign;
  readonly #guests: GuestSource;
  readonly #compile: Compile;
  readonly #built = new Map<number, Promise<{ readonly source: ObjectSource; readonly bytes: Buffer }>>();

  constructor(campaign: Campaign, guests: GuestSource, compile: Compile) {
    this.#campaign = campaign;
    this.#guests = guests;
    this.#compile = compile;
  }

  /** Works on batches until the campaign is over. */
  async work(): Promise<void> {
    let guest: FuzzGuest | undefined;
    let used = 0;
    try {
      for (let job = await this.#next(); job !== undefined; job = await this.#next()) {
        guest ??= await FuzzGuest.start(this.#guests);
        used += 1;
        const isWell = await this.#run(guest, job);
        await this.#campaign.finishBatch(job.number);
        if (isWell && used < batchesPerGuest) continue;
        await guest[Symbol.asyncDispose]();
        [guest, used] = [undefined, 0];
      }
    } finally {
      await guest?.[Symbol.asyncDispose]();
    }
  }

  async #next(): Promise<Job | undefined> {
    await this.#campaign.quiet();
    const number = this.#campaign.takeBatch();
    if (number === undefined) return undefined;
    const { seed } = this.#campaign;
    const object = await this.#object(number % objects);
    return { number, ...object, seed: (Math.imul(seed, 1_000_003) + number) >>> 0 };
  }

  #object(index: number): Promise<{ readonly source: ObjectSource; readonly bytes: Buffer }> {
    const known = this.#built.get(index) ?? this.#buildObject(index);
    this.#built.set(index, known);
    return known;
  }

  async #buildObject(index: number): Promise<{ readonly source: ObjectSource; readonly bytes: Buffer }> {
    const { text } = printForGuest(programsOf(this.#campaign.seed, index, 1));
    const source = { name: "victim", text };
    const result = await this.#campaign.timed("compiling", () =>
      this.#compile({ kind: "inline", ...source }),
    );
    if (!result.ok) throw new Error(`the object to be damaged does not compile: ${result.rendered}`);
    return { source, bytes: await readFile(result.object) };
  }

  async #run(guest: FuzzGuest, job: Job): Promise<boolean> {
    const complaints = await this.#campaign.timed("running", () => tryLoading(guest, job, roundsPerBatch));
    const { progress } = this.#campaign.corpus;
    progress.programs += roundsPerBatch;
    progress.executions += roundsPerBatch;
    for (const complaint of complaints) await this.#campaign.hunt(() => this.#follow(job, complaint));
    return complaints.length === 0;
  }

  async #follow(job: Job, complaint: Complaint): Promise<void> {
    const key = keyOf(complaint);
    if (this.#campaign.isKnown(key) || !this.#campaign.wantsFindings) return;
    const rounds = await this.#fewestRounds(job, key);
    const again = await this.#reproduce(job, key, rounds);
    this.#campaign.stepsDone();
    const last = again.at(-1);
    if (last === undefined) {
      this.#campaign.unconfirmed(complaint);
      return;
    }
    const { kernel } = this.#campaign;
    const about = { key, detail: last.detail, reproduced: again.length, attempts, kernel };
    await this.#campaign.found({ complaint: last, reproduced: again.length, attempts }, (file) =>
      loaderSpecText(job.source, { seed: job.seed, rounds }, about, file),
    );
  }

  /** The seed's objects up to the first that does it. */
  async #fewestRounds(job: Job, key: string): Promise<number> {
    let [enough, tooFew] = [roundsPerBatch, 0];
    while (enough - tooFew > 1) {
      const middle = (enough + tooFew) >> 1;
      this.#campaign.step(`“${key}” is brought about by one of ${enough - tooFew} objects`);
      if (await this.#isBroughtAbout(job, key, middle)) enough = middle;
      else tooFew = middle;
    }
    return enough;
  }

  async #reproduce(job: Job, key: string, rounds: number): Promise<Complaint[]> {
    const found: Complaint[] = [];
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const complaint = await this.#isBroughtAbout(job, key, rounds);
      if (complaint !== undefined) found.push(complaint);
    }
    return found;
  }

  async #isBroughtAbout(job: Job, key: string, rounds: number): Promise<Complaint | undefined> {
    await using guest = await FuzzGuest.start(this.#guests);
    return (await tryLoading(guest, job, rounds)).find((other) => keyOf(other) === key);
  }
}

function tryLoading(guest: FuzzGuest, { bytes, seed }: Job, rounds: number): Promise<Complaint[]> {
  return guest.observe(async () => {
    const stdin = Buffer.concat([Buffer.from(`${JSON.stringify({ mutate: { seed, rounds } })}\n`), bytes]);
    const ran = await guest.api.exec(["/init", "load-trial"], {
      root: "guest",
      stdin,
      timeoutMs: trialLimitMs,
    });
    if (ran.timedOut) return [complaint("termination", "a load does not come back", ran.stderr)];
    if (ran.status !== 0)
      return [
        complaint("kernel health", "the load trial ended early", `${ran.status} ${ran.signal} ${ran.stderr}`),
      ];
    return judgeReport(JSON.parse(ran.stdout) as Report, rounds);
  });
}

function judgeReport({ loaded, refused, silent }: Report, rounds: number): Complaint[] {
  const sum = Object.values(refused).reduce((total, count) => total + count, loaded);
  const complaints: Complaint[] = [];
  if (silent > 0)
    complaints.push(complaint("prediction", "a refusal without a sentence", `${silent} of them`));
  if (sum !== rounds)
    complaints.push(complaint("prediction", "a load without an answer", `${sum} answers to ${rounds} loads`));
  return complaints;
}

function complaint(oracle: Complaint["oracle"], title: string, detail: string): Complaint {
  return { oracle, title, detail };
}
