// SPDX-License-Identifier: MIT
// From a complaint that no program brings about alone to the fewest that do it together: one has left something behind for another, or they ran at
// the same time.
import { program as programs } from "../model/arbitrary.ts";
import { fewest } from "./fewest.ts";
import { runFresh } from "./fresh.ts";
import { attempts, type Finding, type HuntOptions, reproduce, simplestSchedule } from "./hunt.ts";
import { type Batch, build } from "./object.ts";
import { type Complaint, isSameThing, keyOf, type Trial } from "./trial.ts";
import { trialOf } from "./trials.ts";

/** A complaint with the programs that it takes, in the order in which they run. */
export interface JointFinding extends Omit<Finding, "trial"> {
  readonly trials: readonly Trial[];
}

/** Candidates that are compiled together. */
const shrinksAtOnce = 12;
/** More programs than that are no help to anybody. */
const programsAtMost = 8;
/** It takes many runs of many programs. */
const searchIsSlower = 3;

export async function huntTogether(
  batch: Batch,
  complaint: Complaint,
  given: HuntOptions,
): Promise<JointFinding | undefined> {
  // That is about one program and what was made of it.
  if (complaint.oracle === "metamorphic") return undefined;
  const key = keyOf(complaint);
  const isEnough = async (some: readonly number[]) => {
    given.onStep(`“${key}” with ${some.length} programs together`);
    return (await runFresh(batch, some, given)).some((other) => isSameThing(other, complaint));
  };
  const all = [...batch.trials.keys()];
  const enough = await fewestTogether(all, complaint.trial, isEnough, given.shrinkLimitMs * searchIsSlower);
  if (enough === undefined || enough.length > programsAtMost) return undefined;
  const found = enough.flatMap((at) => batch.trials[at] ?? []).map(({ variant: _, ...trial }) => trial);
  if ((await reproduce(found, complaint, given, 1)).length === 0) return undefined;
  const schedule = await simplestSchedule(found, complaint, given);
  const options = { ...given, schedule };
  for (const trials of [await shrinkEach(found, complaint, options), found]) {
    const again = await reproduce(trials, complaint, options);
    const last = again.at(-1);
    if (last !== undefined)
      return { complaint: last, trials, reproduced: again.length, attempts, cpus: options.cpus, schedule };
  }
  return undefined;
}

/** In their order, the one that it was seen of included; undefined when all of them are not enough. */
export async function fewestTogether(
  all: readonly number[],
  seenOf: number | undefined,
  isEnough: (some: readonly number[]) => Promise<boolean>,
  limitMs: number,
): Promise<readonly number[] | undefined> {
  if (!(await isEnough(all))) return undefined;
  if (seenOf === undefined) return fewest(all, isEnough, limitMs);
  const withIt = (some: readonly number[]) => [...some, seenOf].sort((a, b) => a - b);
  const others = all.filter((one) => one !== seenOf);
  return withIt(await fewest(others, (some) => isEnough(withIt(some)), limitMs));
}

/** Each of them smaller, as long as they still do it. */
async function shrinkEach(
  trials: readonly Trial[],
  complaint: Complaint,
  options: HuntOptions,
): Promise<readonly Trial[]> {
  const giveUpAt = performance.now() + options.shrinkLimitMs * searchIsSlower;
  let best = trials;
  for (let at = 0, unchanged = 0; unchanged < best.length; at = (at + 1) % best.length) {
    const smaller = await smallerAt(best, at, { complaint, giveUpAt, options });
    unchanged = smaller === undefined ? unchanged + 1 : 0;
    best = smaller ?? best;
  }
  return best;
}

async function smallerAt(
  trials: readonly Trial[],
  at: number,
  {
    complaint,
    giveUpAt,
    options,
  }: { readonly complaint: Complaint; readonly giveUpAt: number; readonly options: HuntOptions },
): Promise<readonly Trial[] | undefined> {
  const one = trials[at];
  if (one === undefined) return undefined;
  const candidates = programs()
    .shrink(one.program, undefined)
    .map(({ value }) => trialOf(value, one.inputs));
  for (let some = next(candidates); some.length > 0; some = next(candidates)) {
    if (performance.now() > giveUpAt) return undefined;
    options.onStep(`making program ${at + 1} of ${trials.length} smaller: ${keyOf(complaint)}`);
    // All candidates are in one object, where the one that they are made of was.
    const all = trials.toSpliced(at, 1, ...some);
    const [batch] = (await build(all, options.schedule, options.compile)).batches;
    if (batch?.trials.length !== all.length) continue;
    for (const [index, candidate] of some.entries()) {
      if (performance.now() > giveUpAt) return undefined;
      const chosen = trials.map((_, place) => {
        if (place === at) return at + index;
        return place < at ? place : place + some.length - 1;
      });
      if ((await runFresh(batch, chosen, options)).some((other) => isSameThing(other, complaint)))
        return trials.with(at, candidate);
    }
  }
  return undefined;
}

/** The next candidates of which something can be said. */
function next(candidates: Iterator<Trial | undefined>): Trial[] {
  const trials: Trial[] = [];
  while (trials.length < shrinksAtOnce) {
    const { value, done } = candidates.next();
    if (done) break;
    if (value !== undefined) trials.push(value);
  }
  return trials;
}
