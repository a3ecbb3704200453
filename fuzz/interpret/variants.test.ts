// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { inputsAt, programsOf } from "../model/arbitrary.ts";
import type { Program } from "../model/ast.ts";
import { isWellTyped } from "../model/check.ts";
import { needsStackCheck } from "../model/facts.ts";
import { longer, variantNames, variantOf } from "../model/variants.ts";
import { predict } from "./interpret.ts";
import type { Prediction } from "./prediction.ts";

const samples = programsOf(11, 0, 60);

/** Lines differ, and how much stack and how many steps there may be. */
function withoutSpots(prediction: Prediction | undefined): unknown {
  return prediction?.runs.map((run) => ("spot" in run ? { ...run, spot: undefined } : run));
}

function isPredictable(prediction: Prediction | undefined): boolean {
  return prediction?.runs.every(({ kind }) => kind !== "overflow") ?? false;
}

describe("variants", () => {
  it.each(variantNames)("%s: well-typed, and predicted to do the same", (name) => {
    let compared = 0;
    for (const [index, program] of samples.entries()) {
      const before = JSON.stringify(program);
      const variant = variantOf(program, name);
      expect(isWellTyped(variant)).toBe(true);
      expect(JSON.stringify(program)).toBe(before);
      const inputs = inputsAt(11, index);
      const [wanted, got] = [predict(program, inputs), predict(variant, inputs)];
      if (!isPredictable(wanted) || !isPredictable(got)) continue;
      expect(withoutSpots(got)).toEqual(withoutSpots(wanted));
      expect(got?.left).toEqual(wanted?.left);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(samples.length * 0.9);
  });

  it("differ from what they are variants of", () => {
    const differs = (name: (typeof variantNames)[number]) => (program: Program) =>
      JSON.stringify(variantOf(program, name)) !== JSON.stringify(program);
    for (const name of variantNames) expect(samples.filter(differs(name)).length, name).toBeGreaterThan(5);
    expect(samples.every((program) => needsStackCheck(variantOf(program, "checked")))).toBe(true);
  });
});

describe("longer", () => {
  it("makes well-typed programs, of some of which nothing can be said any more", () => {
    const made = programsOf(12, 0, 200).flatMap((program) => longer(program, 20) ?? []);
    expect(made.length).toBeGreaterThan(10);
    expect(made.every(isWellTyped)).toBe(true);
    expect(made.filter((program) => predict(program, [5n]) === undefined).length).toBeGreaterThan(0);
  });
});
