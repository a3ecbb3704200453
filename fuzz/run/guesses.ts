// SPDX-License-Identifier: MIT
// What a complaint may be about, guessed from the model alone: how the runs end, and one thing that is in the program. For each guess, the
// smallest program with that. Nothing is compiled or run for it, so that one object with all of them often does what many rounds of leaving
// out a little would.
import { setImmediate as turn } from "node:timers/promises";
import type { RunPrediction } from "../interpret/prediction.ts";
import type { Program } from "../model/ast.ts";
import { kindsIn, sizeOf } from "../model/facts.ts";
import { shrinks } from "../model/shrink.ts";
import type { Trial } from "./trial.ts";
import { trialOf } from "./trials.ts";

/** Guests that run meanwhile are listened to. */
const sliceMs = 20;
/** Everywhere, or nothing by itself. */
const commonKinds = new Set(["int", "bool", "var", "array", "mix"]);

interface Guess {
  readonly isRight: (trial: Trial) => boolean;
  /** Asked first: it takes less time. */
  readonly mayBe?: (program: Program) => boolean;
}

/** The smallest first. None has more in it than the trial. */
export async function guesses(trial: Trial, limitMs: number): Promise<Trial[]> {
  const giveUpAt = performance.now() + limitMs;
  const wanted = endingsOf(trial);
  const endsAlike = (other: Trial) => endingsOf(other) === wanted;
  const [messages, left, values] = [messagesOf(trial), leftOf(trial), valuesOf(trial)];
  const kinds = [...kindsIn(trial.program)].filter((kind) => !commonKinds.has(kind));
  const matters: Guess[] = [
    { isRight: endsAlike },
    { isRight: (other) => endsAlike(other) && messagesOf(other) === messages },
    { isRight: (other) => endsAlike(other) && leftOf(other) === left },
    { isRight: (other) => endsAlike(other) && valuesOf(other) === values },
    ...kinds.map((kind) => ({ isRight: endsAlike, mayBe: (program: Program) => kindsIn(program).has(kind) })),
  ];
  const found = new Map<string, Trial>();
  for (const guess of matters) {
    if (performance.now() > giveUpAt) break;
    // What another guess has come to is a shorter way to this one.
    const from = [trial, ...found.values()].filter((other) => matches(guess, other)).toSorted(bySize)[0];
    const least = await smallest(from ?? trial, guess, giveUpAt);
    found.set(JSON.stringify(least.program), least);
  }
  const size = sizeOf(trial.program);
  return [...found.values()].filter(({ program }) => sizeOf(program) < size).toSorted(bySize);
}

function matches({ isRight, mayBe }: Guess, trial: Trial): boolean {
  return mayBe?.(trial.program) !== false && isRight(trial);
}

function bySize(a: Trial, b: Trial): number {
  return sizeOf(a.program) - sizeOf(b.program);
}

async function smallest(trial: Trial, guess: Guess, giveUpAt: number): Promise<Trial> {
  const { inputs, variant } = trial;
  let [best, sliceEndsAt] = [trial, 0];
  search: for (;;) {
    for (const program of shrinks(best.program)) {
      if (performance.now() > giveUpAt) return best;
      if (performance.now() > sliceEndsAt) {
        await turn();
        sliceEndsAt = performance.now() + sliceMs;
      }
      if (guess.mayBe?.(program) === false) continue;
      const smaller = trialOf(program, inputs, variant);
      if (smaller === undefined || !guess.isRight(smaller)) continue;
      best = smaller;
      continue search;
    }
    return best;
  }
}

/** How the runs end and what they hold then. */
function endingsOf({ prediction }: Trial): string {
  return JSON.stringify(prediction.runs.map(endingOf));
}

function endingOf(run: RunPrediction): readonly unknown[] {
  switch (run.kind) {
    case "panics":
    case "nested":
    case "timeout":
    case "resources":
      return [run.kind, run.released];
    default:
      return [run.kind];
  }
}

function leftOf({ prediction: { left } }: Trial): string {
  if (left === undefined) return "";
  const maps = Object.entries(left.maps).map(([name, map]) => [name, [...map]]);
  return JSON.stringify([maps, left.records, left.discarded], withBigints);
}

/** What they say in the end, without numbers. */
function messagesOf({ prediction }: Trial): string {
  return JSON.stringify(
    prediction.runs.map((run) => (run.kind === "panics" ? run.message.replace(/-?\d+/g, "N") : "")),
  );
}

function valuesOf({ prediction }: Trial): string {
  const values = prediction.runs.map((run) => [
    run.kind === "returns" ? run.value : undefined,
    run.kind === "panics" ? run.message : undefined,
    run.packet,
  ]);
  return JSON.stringify(values, withBigints);
}

function withBigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
