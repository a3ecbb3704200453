// SPDX-License-Identifier: MIT
// Whole programs: their types first, then functions, each in reach of those before it, then what runs.
import type { Fn, Op, Program } from "../ast.ts";
import { int } from "../types.ts";
import type { Draw } from "./draw.ts";
import { makeExpr, makeInt } from "./expressions.ts";
import { someInt } from "./leaves.ts";
import type { Place, World } from "./scope.ts";
import { makeBlock } from "./statements.ts";

const statementsAtMost = 40;
/** Programs that run on packets. */
const packetsPercent = 25;
const word = int("u64");

export function makeProgram(draw: Draw): Program {
  const structs = draw.list(0, 2, () => ({ fields: draw.list(1, 4, () => someInt(draw).int) }));
  const enums = draw.list(0, 1, () => ({
    variants: draw.list(1, 4, () => draw.list(0, 2, () => someInt(draw).int)),
  }));
  const world: World = {
    structs,
    enums,
    ops: 0,
    fns: [],
    names: 0,
    isCrowded: false,
    statementsLeft: draw.int(4, statementsAtMost),
  };
  const ops = draw.list(0, 2, () => makeOp(draw, world));
  world.ops = ops.length;
  const fns: Fn[] = [];
  for (let count = draw.int(0, 3); count > 0; count -= 1) {
    fns.push(draw.percent(30) ? makeDive(draw, world) : makeFn(draw, world));
    world.fns = fns;
  }
  const input = { name: "input", type: word, mutable: false };
  const packet = draw.percent(packetsPercent) ? draw.pick(["xdp", "xdp", "tc"] as const) : undefined;
  const place: Place = { ...placeIn(world, [input]), returns: "u64", main: true, packet };
  const body = makeBlock(draw, place, 12, 3);
  return { ...(packet === undefined ? {} : { packet }), structs, enums, ops, fns, body };
}

function placeIn(world: World, variables: Place["variables"]): Place {
  const nothing = { records: [], locks: [], packet: undefined, main: false, inLoop: false, loops: 0 };
  return { world, variables, ...nothing };
}

function makeOp(draw: Draw, world: World): Op {
  const variables = ["value", "x"].map((name) => ({ name, type: word, mutable: false }));
  return { body: makeExpr(draw, placeIn(world, variables), word, 3) };
}

function makeFn(draw: Draw, world: World): Fn {
  const type = someInt(draw);
  const params = draw.list(0, 3, () => someInt(draw)).map((of, at) => ({ name: `p${at}`, type: of }));
  const variables = params.map((param) => ({ ...param, mutable: false }));
  // Calls in loops of functions with loops take too long for a prediction.
  const place: Place = { ...placeIn(world, variables), returns: type.int, loops: 1 };
  return {
    params,
    type,
    inline: draw.pick(["never", "always", "maybe"] as const),
    body: makeBlock(draw, place, 4, 1),
    result: makeExpr(draw, place, type, 3),
  };
}

function makeDive(draw: Draw, world: World): Fn {
  const params = [
    { name: "depth", type: int("u32") },
    { name: "x", type: word },
  ];
  const variables = params.map((param) => ({ ...param, mutable: false }));
  // As in the innermost loop: what is nested in itself must not call others that are.
  const place: Place = { ...placeIn(world, variables), returns: "u64", loops: 2 };
  const body = makeBlock(draw, place, 2, 1);
  const inResult: Place = {
    ...place,
    variables: [...variables, { name: "below", type: word, mutable: false }],
  };
  const result = makeInt(draw, inResult, word, 2);
  return {
    params,
    type: word,
    inline: "never",
    body,
    result,
    frameWords: draw.pick([4, 16, 48, 120] as const),
  };
}
