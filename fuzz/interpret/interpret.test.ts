// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { Expr, Fn, Program, Stmt } from "../model/ast.ts";
import { bool, int } from "../model/types.ts";
import { mixed, num, programOf, variable } from "../testing/trees.ts";
import { predict } from "./interpret.ts";

const boom: Stmt = { kind: "panic", message: "boom", args: [variable("input")] };

function run(program: Program, ...inputs: readonly bigint[]) {
  return predict(program, inputs.length === 0 ? [5n] : inputs);
}

describe("predict", () => {
  it("returns what was mixed", () => {
    expect(run(programOf(mixed(num(1)), mixed(variable("input"))))?.runs).toEqual([
      { kind: "returns", value: 128n ^ 5n },
    ]);
  });

  it("finds the statement that panics, and what is held, in reverse", () => {
    const held: Stmt = { kind: "hold", what: "record", name: "b", body: [boom] };
    const gone: Stmt = { kind: "hold", what: "record", name: "a", body: [] };
    const program = programOf({ kind: "hold", what: "task", name: "c", body: [gone, held] });
    expect(run(program)?.runs).toEqual([
      { kind: "panics", message: "boom 5", spot: boom, released: ["ringbuf", "task"] },
    ]);
  });

  it("runs no destructor after a panic, and the panic of a destructor is its own", () => {
    const noisy = (value: number, body: readonly Stmt[]): Stmt => ({
      kind: "noisy",
      name: "n",
      value: num(value),
      body,
    });
    expect(run(programOf(noisy(3, [])))?.left?.maps.array).toEqual(new Map([[7, 3n]]));
    expect(run(programOf(noisy(3, [boom])))?.left?.maps.array).toEqual(new Map());
    const program = programOf(noisy(5, []));
    expect(run(program)?.runs).toMatchObject([{ kind: "panics", message: "dropped 5", spot: program }]);
  });

  it("keeps maps from run to run", () => {
    const program = programOf(
      { kind: "mapAdd", key: num(9, "u32"), value: variable("input") },
      mixed({ kind: "mapGet", map: "array", key: num(1, "u32") }),
    );
    expect(run(program, 2n, 40n)?.runs).toEqual([
      { kind: "returns", value: 2n },
      { kind: "returns", value: 42n },
    ]);
  });

  it("says how a program ends that does not panic", () => {
    expect(run(programOf({ kind: "spin", how: "empty" }))?.runs).toMatchObject([{ kind: "timeout" }]);
    expect(run(programOf({ kind: "bomb", value: num(1) }))?.runs).toMatchObject([{ kind: "nested" }]);
  });

  it("has recursion overflow the stack, return, or leaves it undecided", () => {
    const fn: Fn = {
      params: [
        { name: "depth", type: int("u32") },
        { name: "x", type: int("u64") },
      ],
      type: int("u64"),
      inline: "never",
      body: [],
      result: num(0),
      frameWords: 100,
    };
    const dive = (depth: number): Program => ({
      ...programOf(mixed({ kind: "dive", fn: 0, depth, argument: num(1) })),
      fns: [fn],
    });
    expect(run(dive(2))?.runs).toMatchObject([{ kind: "returns" }]);
    expect(run(dive(30))?.runs).toEqual([{ kind: "overflow" }]);
    expect(run(dive(18))).toBeUndefined();
  });

  it("gives up on what takes too long", () => {
    const count = (body: Stmt, name: string): Stmt => ({
      kind: "while",
      fuelName: name,
      fuel: 100,
      condition: { kind: "bool", value: true },
      body: [body],
    });
    expect(run(programOf(count(count(count(mixed(num(1)), "a"), "b"), "c")))).toBeUndefined();
  });
});

describe("integers", () => {
  const binary = (
    op: "+" | "*" | "/" | "%",
    left: number,
    right: number,
    overflow: "panic" | "wrap" | "saturate",
  ): Expr => ({
    kind: "arithmetic",
    op,
    overflow,
    type: int("i8"),
    left: num(left, "i8"),
    right: num(right, "i8"),
  });
  it.each<[Expr, bigint | string]>([
    [binary("+", 100, 100, "panic"), "attempt to add with overflow"],
    [binary("+", 100, 100, "wrap"), -56n],
    [binary("*", -100, 100, "saturate"), -128n],
    [binary("/", -128, -1, "panic"), "attempt to divide with overflow"],
    [binary("/", -128, -1, "wrap"), -128n],
    [binary("%", -128, -1, "panic"), "attempt to calculate the remainder with overflow"],
    [binary("%", -7, 4, "panic"), -3n],
    [binary("%", 1, 0, "wrap"), "attempt to calculate the remainder with a divisor of zero"],
    [{ kind: "not", type: bool, value: { kind: "bool", value: false } }, 1n],
  ])("%#", (expr, wanted) => {
    const [got] = run(programOf(mixed(expr)))?.runs ?? [];
    if (typeof wanted === "string") expect(got).toMatchObject({ kind: "panics", message: wanted });
    else expect(got).toEqual({ kind: "returns", value: BigInt.asUintN(64, wanted) });
  });
});
