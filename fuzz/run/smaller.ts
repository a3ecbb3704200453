// SPDX-License-Identifier: MIT
// Makes a trial smaller for as long as the same thing is wrong with it: first its inputs, so that the rest is quicker; then what is guessed to
// matter, in one go; then bit by bit. Who is to blame is up to the caller.
import { program as programs } from "../model/arbitrary.ts";
import type { Program } from "../model/ast.ts";
import { sizeOf } from "../model/facts.ts";
import { guesses } from "./guesses.ts";
import type { Trial } from "./trial.ts";
import { trialOf } from "./trials.ts";

export interface Shrinking {
  /** Tries them all at once; the first one by `bySize` of those that are to blame. */
  readonly guiltyOf: (trials: readonly Trial[]) => Promise<Trial | undefined>;
  /** Whether it is worth a try, by what is predicted. */
  readonly mayBe: (trial: Trial) => boolean;
  /** Of its inputs, the one in whose run it was seen; when that is known. */
  readonly run?: number | undefined;
  readonly limitMs: number;
  readonly onSmaller: (trial: Trial) => void;
}

/** Candidates that are compiled together. */
const candidatesAtOnce = 40;
/** Part of the time, when it is short. */
const guessingShare = 0.2;

/** The fewest inputs, then the smallest program. */
export function bySize(a: Trial, b: Trial): number {
  return a.inputs.length - b.inputs.length || sizeOf(a.program) - sizeOf(b.program);
}

/** The trial and what it has become, the smallest last. */
export async function shrinkTrial(trial: Trial, how: Shrinking): Promise<Trial[]> {
  const giveUpAt = performance.now() + how.limitMs;
  const steps = [trial];
  const settle = async (
    from: Trial,
    candidates: (best: Trial) => Iterable<Trial> | Promise<Iterable<Trial>>,
  ) => {
    const best = await smallestOf(await candidates(from), how, giveUpAt);
    if (best === undefined) return from;
    steps.push(best);
    how.onSmaller(best);
    return best;
  };
  const settleAll = async (from: Trial, candidates: (best: Trial) => Iterable<Trial>) => {
    let best = from;
    for (;;) {
      const next = await settle(best, candidates);
      if (next === best) return best;
      best = next;
    }
  };
  let best = await settle(trial, (from) => neededInputs(from, how.run));
  best = await settleAll(best, fewerInputs);
  best = await settle(best, (from) => guesses(from, how.limitMs * guessingShare));
  best = await settleAll(best, smallerPrograms);
  best = await settleAll(best, fewerInputs);
  await settleAll(best, simplerInputs);
  return steps;
}

/** Of the candidates that are tried together, before others are. */
async function smallestOf(
  candidates: Iterable<Trial>,
  { guiltyOf, mayBe }: Shrinking,
  giveUpAt: number,
): Promise<Trial | undefined> {
  let some: Trial[] = [];
  const trySome = async () => {
    if (some.length === 0 || performance.now() > giveUpAt) return undefined;
    const tried = some;
    some = [];
    return await guiltyOf(tried);
  };
  for (const candidate of candidates) {
    if (performance.now() > giveUpAt) return undefined;
    if (mayBe(candidate)) some.push(candidate);
    const guilty = some.length < candidatesAtOnce ? undefined : await trySome();
    if (guilty !== undefined) return guilty;
  }
  return await trySome();
}

/** Most often it takes one run, or one before the one that it was seen in. */
function neededInputs(trial: Trial, run: number | undefined): Trial[] {
  const { inputs } = trial;
  const alone = inputs.map((input) => [input]);
  const last = run === undefined ? undefined : inputs[run];
  const pairs = last === undefined ? [] : inputs.slice(0, run).map((first) => [first, last]);
  const until = run === undefined ? [] : [inputs.slice(0, run + 1)];
  return withInputs(trial, [...alone, ...pairs, ...until]);
}

function fewerInputs(trial: Trial): Trial[] {
  const { inputs } = trial;
  const middle = inputs.length >> 1;
  const halves = [inputs.slice(0, middle), inputs.slice(middle)];
  return withInputs(trial, [
    ...(inputs.length > 3 ? halves : []),
    ...inputs.map((_, at) => inputs.toSpliced(at, 1)),
  ]);
}

function withInputs({ program, inputs, variant }: Trial, lists: readonly (readonly bigint[])[]): Trial[] {
  return lists.flatMap((list) => {
    if (list.length === 0 || list.length >= inputs.length) return [];
    return trialOf(program, list, variant) ?? [];
  });
}

/** As many, with a zero for one of them. */
function simplerInputs({ program, inputs, variant }: Trial): Trial[] {
  return inputs.flatMap((input, at) => {
    if (input === 0n) return [];
    return trialOf(program, inputs.with(at, 0n), variant) ?? [];
  });
}

function* smallerPrograms({ program, inputs, variant }: Trial): Generator<Trial> {
  for (const { value } of programs().shrink(program, undefined) as Iterable<{ readonly value: Program }>) {
    const trial = trialOf(value, inputs, variant);
    if (trial !== undefined) yield trial;
  }
}
