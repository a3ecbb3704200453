// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { programsOf } from "../model/arbitrary.ts";
import type { Expr, Stmt } from "../model/ast.ts";
import { nodesOf } from "../model/facts.ts";
import { num, programOf, variable } from "../testing/trees.ts";
import { guesses } from "./guesses.ts";
import { bySize, shrinkTrial } from "./smaller.ts";
import { moduleText } from "./spec-file.ts";
import type { Trial } from "./trial.ts";
import { trialOf } from "./trials.ts";

const patientMs = 60_000;
const manyInputs = Array.from({ length: 12 }, (_, at) => BigInt(at * 7 + 3));

function trialsOf(seed: number, count: number, inputs: readonly bigint[]): Trial[] {
  return programsOf(seed, 0, count).flatMap((program) => trialOf(program, inputs) ?? []);
}

function kinds({ prediction }: Trial): string[] {
  return prediction.runs.map(({ kind }) => kind);
}

/** A panic has something released. */
function releases({ prediction }: Trial): boolean {
  return prediction.runs.some((run) => run.kind === "panics" && run.released.length > 0);
}

async function shrunk(trial: Trial, isGuilty: (trial: Trial) => boolean, run?: number) {
  const rounds: number[] = [];
  const steps = await shrinkTrial(trial, {
    limitMs: patientMs,
    run,
    mayBe: () => true,
    onSmaller: () => undefined,
    guiltyOf: async (trials) => {
      rounds.push(trials.length);
      return trials.filter(isGuilty).toSorted(bySize)[0];
    },
  });
  return { smallest: steps.at(-1) ?? trial, rounds };
}

/** It panics under its lock when the input is 17. */
const panicsOnce = trialOf(
  programOf({
    kind: "lock",
    map: "accounts",
    key: num(1, "u32"),
    name: "locked",
    body: [
      { kind: "lockedSet", name: "locked", value: variable("input") },
      {
        kind: "if",
        condition: { kind: "compare", op: "==", left: variable("input"), right: num(17) },
        yes: [{ kind: "panic", message: "boom", args: [variable("input")] }],
        no: [],
      },
    ],
  }),
  manyInputs,
);

describe("shrinkTrial", () => {
  it("leaves the inputs that it takes, the one that it was seen in and the one that made it so", async () => {
    if (panicsOnce === undefined) throw new Error("undecided");
    const at = manyInputs.indexOf(17n);
    // The lock was not given back by the run before.
    const isGuilty = (trial: Trial) => {
      const first = trial.prediction.runs.findIndex(({ kind }) => kind === "panics");
      return first !== -1 && first < trial.prediction.runs.length - 1;
    };
    const { smallest, rounds } = await shrunk(panicsOnce, isGuilty, at + 1);
    expect(smallest.inputs).toHaveLength(2);
    expect(moduleText(smallest.program).split("\n").length).toBeLessThanOrEqual(11);
    expect(rounds.length).toBeLessThan(20);
  });

  it("finds what little matters of generated programs in few rounds", async () => {
    const found = trialsOf(1, 60, [1n, 99n]).filter(releases);
    expect(found.length).toBeGreaterThan(1);
    for (const trial of found.slice(0, 2)) {
      const { smallest, rounds } = await shrunk(trial, releases);
      expect(moduleText(smallest.program).split("\n").length).toBeLessThanOrEqual(13);
      expect(smallest.inputs).toHaveLength(1);
      expect(rounds.length).toBeLessThan(12);
    }
  });

  it("tries nothing that can't be", async () => {
    const [trial] = trialsOf(2, 1, [1n, 99n]);
    if (trial === undefined) throw new Error("undecided");
    const steps = await shrinkTrial(trial, {
      limitMs: patientMs,
      mayBe: () => false,
      onSmaller: () => undefined,
      guiltyOf: async () => {
        throw new Error("tried");
      },
    });
    expect(steps).toEqual([trial]);
  });

  it("ends with its time", async () => {
    const [trial] = trialsOf(2, 1, [1n, 99n]);
    if (trial === undefined) throw new Error("undecided");
    const { smallest } = await shrinkNow(trial);
    expect(smallest).toBe(trial);
  });
});

async function shrinkNow(trial: Trial) {
  const steps = await shrinkTrial(trial, {
    limitMs: -1,
    mayBe: () => true,
    onSmaller: () => undefined,
    guiltyOf: async (trials) => trials[0],
  });
  return { smallest: steps.at(-1) };
}

describe("guesses", () => {
  it("end as the trial does, and are smaller, the smallest first", async () => {
    for (const trial of trialsOf(4, 3, [3n, 77n])) {
      const guessed = await guesses(trial, patientMs);
      expect(guessed.length).toBeGreaterThan(0);
      for (const guess of guessed) {
        expect(kinds(guess)).toEqual(kinds(trial));
        expect(bySize(guess, trial)).toBeLessThan(0);
      }
      expect(guessed.toSorted(bySize)).toEqual(guessed);
    }
  });

  it("have one of each kind that is in the program, alone", async () => {
    const set = (map: "array" | "hash"): Stmt => ({
      kind: "mapSet",
      map,
      key: num(1, "u32"),
      value: { kind: "mapGet", map, key: num(2, "u32") } satisfies Expr,
    });
    const trial = trialOf(programOf(set("array"), set("hash"), { kind: "mapDelete", key: num(1, "u32") }), [
      0n,
    ]);
    if (trial === undefined) throw new Error("undecided");
    const bodies = (await guesses(trial, patientMs)).map(({ program }) =>
      [...nodesOf(program.body)].map(({ kind }) => kind).filter((kind) => kind.startsWith("map")),
    );
    expect(bodies).toContainEqual([]);
    expect(bodies).toContainEqual(["mapSet"]);
    expect(bodies).toContainEqual(["mapDelete"]);
  });
});
