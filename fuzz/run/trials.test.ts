// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { programsOf } from "../model/arbitrary.ts";
import type { Expr, Stmt } from "../model/ast.ts";
import { runsPerProgram } from "../model/helpers.ts";
import { mixed, num, programOf, variable } from "../testing/trees.ts";
import { trialAt } from "./trials.ts";

const inputs = Array.from({ length: runsPerProgram }, (_, at) => BigInt(at));
const place = { batch: 0, index: 0 };

const isBelow = (value: number): Expr => ({
  kind: "compare",
  op: "<",
  left: variable("input"),
  right: num(value),
});

function runsOf(...body: readonly Stmt[]): readonly string[] | undefined {
  return trialAt(programOf(...body), inputs, place)?.prediction.runs.map(({ kind }) => kind);
}

describe("a program is run", () => {
  it("with every input that it can be predicted with", () => {
    expect(runsOf(mixed(variable("input")))).toEqual(inputs.map(() => "returns"));
  });

  it("until two runs have been ended by their time", () => {
    const spin: Stmt = { kind: "spin", how: "empty" };
    expect(runsOf(spin)).toEqual(["timeout", "timeout"]);
    const some: Stmt = { kind: "if", condition: isBelow(5), yes: [mixed(num(1))], no: [spin] };
    expect(runsOf(some)).toEqual([...Array(5).fill("returns"), "timeout", "timeout"]);
  });

  it("ten times, by and large", () => {
    const trials = programsOf(3, 0, 200).flatMap((program) => trialAt(program, inputs, place) ?? []);
    const runs = trials.reduce((sum, { prediction }) => sum + prediction.runs.length, 0);
    expect(runs / trials.length).toBeGreaterThan(10);
  });
});
