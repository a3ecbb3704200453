// SPDX-License-Identifier: MIT
// From a complaint about many programs to the smallest one that brings it about: find the culprit, see how often it does it on guests of
// its own, leave out what does not matter.
import { type Schedule, simplerSchedules } from "../model/schedule.ts";
import { firstGuilty, runFresh } from "./fresh.ts";
import type { GuestSource } from "./fuzz-guest.ts";
import { mayHave } from "./judge.ts";
import { type Batch, type Built, build, type Compile } from "./object.ts";
import { bySize, shrinkTrial } from "./smaller.ts";
import { type Complaint, isHang, isSameThing, keyOf, type Trial } from "./trial.ts";

/** A complaint with the program that it is about. */
export interface Finding {
  readonly complaint: Complaint;
  readonly trial: Trial;
  /** How many of so many fresh guests had it. */
  readonly reproduced: number;
  readonly attempts: number;
  /** CPUs of these guests. */
  readonly cpus: number;
  /** What has to go on meanwhile; absent: nothing. */
  readonly schedule?: Schedule | undefined;
}

export interface HuntOptions {
  readonly guests: GuestSource;
  readonly compile: Compile;
  /** CPUs of the guest that it was seen on. */
  readonly cpus: number;
  /** What went on meanwhile. */
  readonly schedule?: Schedule | undefined;
  /** For making it smaller. */
  readonly shrinkLimitMs: number;
  readonly onStep: (what: string) => void;
  /** Told what it has come to so far: who is to blame, and what that one has become. */
  readonly onSuspect?: (trial: Trial, schedule: Schedule | undefined) => void;
}

export const attempts = 3;
const harmIsSlower = 3;

/** The finding behind a complaint; undefined when no program brings it about again. */
export async function hunt(
  batch: Batch,
  chosen: readonly number[],
  complaint: Complaint,
  given: HuntOptions,
): Promise<Finding | undefined> {
  const key = keyOf(complaint);
  given.onStep(`who is to blame for “${key}”`);
  const suspect = complaint.trial ?? (await bisect(batch, chosen, complaint, given));
  const found = suspect === undefined ? undefined : batch.trials[suspect];
  const trial = found && (complaint.oracle === "metamorphic" ? found : withoutVariant(found));
  if (trial === undefined || (await reproduce([trial], complaint, given, 1)).length === 0) return undefined;
  given.onSuspect?.(trial, given.schedule);
  const schedule = await simplestSchedule([trial], complaint, given);
  const options = { ...given, schedule };
  // The smallest may do it by chance only: its frames end just where the stack does, its loop just when its time is up.
  for (const smaller of (await shrink(trial, complaint, options)).reverse()) {
    const again = await reproduce([smaller], complaint, options);
    const last = again.at(-1);
    if (last !== undefined)
      return {
        complaint: last,
        trial: smaller,
        reproduced: again.length,
        attempts,
        cpus: options.cpus,
        schedule,
      };
  }
  return undefined;
}

function withoutVariant({ variant: _, ...trial }: Trial): Trial {
  return trial;
}

/** The least that has to go on meanwhile; undefined: nothing has to. */
export async function simplestSchedule(
  trials: readonly Trial[],
  complaint: Complaint,
  options: HuntOptions,
): Promise<Schedule | undefined> {
  let best = options.schedule;
  if (best === undefined) return undefined;
  search: while (best !== undefined) {
    for (const schedule of simplerSchedules(best)) {
      options.onStep(`“${keyOf(complaint)}” with less going on`);
      const [batch] = (await build(trials, schedule, options.compile)).batches;
      const hurries = isHang(complaint);
      const complaints =
        batch === undefined ? [] : await runFresh(batch, [...trials.keys()], { ...options, hurries });
      if (!complaints.some((other) => isSameThing(other, complaint))) continue;
      best = schedule;
      continue search;
    }
    break;
  }
  return best;
}

async function batchesOf(trials: readonly Trial[], { compile, schedule }: HuntOptions): Promise<Built> {
  return build(trials, schedule, compile);
}

/** Runs nothing but the trials on fresh guests, until so many have it; the complaints that they are about. */
export async function reproduce(
  trials: readonly Trial[],
  complaint: Complaint,
  options: HuntOptions,
  enough = attempts,
): Promise<Complaint[]> {
  const [batch] = (await batchesOf(trials, options)).batches;
  if (batch === undefined) return [];
  const found: Complaint[] = [];
  for (let attempt = 0; attempt < attempts && found.length < enough; attempt += 1) {
    options.onStep(`“${keyOf(complaint)}” on a fresh guest, ${attempt + 1} of ${attempts}`);
    // Whether a guest hangs or is slow is told by the longest wait: once, of what the smallest has come to.
    const hurries = isHang(complaint) && (enough < attempts || found.length > 0);
    const complaints = await runFresh(batch, [...trials.keys()], { ...options, hurries });
    const same = complaints.find((other) => isSameThing(other, complaint));
    if (same !== undefined) found.push(same);
  }
  return found;
}

/** The one trial that is enough; undefined when it takes more than one, or does not happen again. */
async function bisect(
  batch: Batch,
  chosen: readonly number[],
  complaint: Complaint,
  options: HuntOptions,
): Promise<number | undefined> {
  const key = keyOf(complaint);
  options.onStep(`which of ${chosen.length} brings about “${key}”`);
  const first = await firstGuilty(batch, chosen, complaint, options);
  if (first !== undefined) return first;
  let suspects = chosen;
  while (suspects.length > 1) {
    options.onStep(`“${key}” is brought about by one of ${suspects.length}`);
    const middle = suspects.length >> 1;
    const halves = [suspects.slice(0, middle), suspects.slice(middle)];
    let guilty: readonly number[] | undefined;
    for (const half of halves) {
      const complaints = await runFresh(batch, half, options);
      if (complaints.some((other) => isSameThing(other, complaint))) guilty = half;
      if (guilty !== undefined) break;
    }
    if (guilty === undefined) return undefined;
    suspects = guilty;
  }
  return suspects[0];
}

/** The trial and what it has become, the smallest last. */
async function shrink(trial: Trial, complaint: Complaint, options: HuntOptions): Promise<Trial[]> {
  // What harms the guest takes longer to be seen.
  const limitMs = options.shrinkLimitMs * (complaint.trial === undefined ? harmIsSlower : 1);
  const giveUpAt = performance.now() + limitMs;
  return shrinkTrial(trial, {
    limitMs,
    run: complaint.run,
    mayBe: ({ prediction }) => mayHave(complaint, prediction),
    onSmaller: (smaller) => options.onSuspect?.(smaller, options.schedule),
    guiltyOf: async (trials) => {
      options.onStep(`making it smaller: ${keyOf(complaint)}`);
      const { batches } = await batchesOf(trials, options);
      for (const batch of batches) {
        const guilty = await smallestGuilty(batch, complaint, giveUpAt, options);
        if (guilty !== undefined) return guilty;
      }
      return undefined;
    },
  });
}

async function smallestGuilty(
  batch: Batch,
  complaint: Complaint,
  giveUpAt: number,
  options: HuntOptions,
): Promise<Trial | undefined> {
  const all = [...batch.trials.keys()];
  if (complaint.trial !== undefined) {
    const found = (await runFresh(batch, all, options)).filter((other) => isSameThing(other, complaint));
    const guilty = found.flatMap(({ trial }) => batch.trials[trial ?? -1] ?? []);
    return guilty.toSorted(bySize)[0];
  }
  // What harms the guest does not say who did it.
  const first = await firstGuilty(batch, all, complaint, options);
  if (first !== undefined) return batch.trials[first];
  // It may be seen at the end of a guest only.
  const hurrying = { ...options, hurries: isHang(complaint) };
  if (!(await runFresh(batch, all, hurrying)).some((other) => isSameThing(other, complaint)))
    return undefined;
  for (const at of all) {
    if (performance.now() > giveUpAt) return undefined;
    const complaints = await runFresh(batch, [at], hurrying);
    if (complaints.some((other) => isSameThing(other, complaint))) return batch.trials[at];
  }
  return undefined;
}
