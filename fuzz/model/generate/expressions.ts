// SPDX-License-Identifier: MIT
// Expressions of a wanted type, from what is in reach.
import type { ArithmeticOp, ChainEnd, ChainStep, Expr, Overflow } from "../ast.ts";
import { bool, type IntName, type IntType, int, type Type } from "../types.ts";
import { fromBytes, hasBytes } from "./bytes.ts";
import type { Draw } from "./draw.ts";
import { dive, field, leaf, someInt } from "./leaves.ts";
import { freshName, inClosure, type Place, variablesOf, variablesOfKind, withVariables } from "./scope.ts";

const compareOps = ["==", "!=", "<", "<=", ">", ">="] as const;
const arithmeticOps = ["+", "-", "*", "/", "%"] as const;

/** `room` bounds how deep expressions are nested. */
export function makeExpr(draw: Draw, place: Place, type: Type, room: number): Expr {
  switch (type.kind) {
    case "int":
      return makeInt(draw, place, type, room);
    case "bool":
      return makeBool(draw, place, room);
    case "array":
      return makeArray(draw, place, type, room);
    case "struct":
    case "enum":
      return makeComposite(draw, place, type, room);
  }
}

export function makeInt(draw: Draw, place: Place, type: IntType, room: number): Expr {
  if (room <= 0) return leaf(draw, place, type);
  return draw.weighted<() => Expr>([
    [5, () => leaf(draw, place, type)],
    [8, () => arithmetic(draw, place, type, room)],
    [3, () => bits(draw, place, type, room)],
    [2, () => shift(draw, place, type, room)],
    [1, () => ({ kind: "not", type, value: makeInt(draw, place, type, room - 1) })],
    [1, () => negate(draw, place, type, room)],
    [4, () => cast(draw, place, type, room)],
    [2, () => choice(draw, place, type, room)],
    [1, () => makeMatchInt(draw, place, type, room)],
    [place.world.enums.length > 0 ? 2 : 0, () => makeMatchEnum(draw, place, type, room)],
    [4, () => element(draw, place, type, room)],
    [3, () => field(draw, place, type)],
    [3, () => call(draw, place, type, room)],
    [3, () => chain(draw, place, type, room)],
    [
      hasBytes(place) ? 5 : 0,
      () => fromBytes(draw, place, type, (length) => makeIndex(draw, place, length, room - 1)),
    ],
    [type.int === "u64" ? 6 : 0, () => wordy(draw, place, room)],
    [1, () => ({ kind: "blackBox", type, value: makeInt(draw, place, type, room - 1) })],
  ])();
}

function arithmetic(draw: Draw, place: Place, type: IntType, room: number): Expr {
  const op: ArithmeticOp = draw.weighted([
    [4, arithmeticOps[0]],
    [4, arithmeticOps[1]],
    [3, arithmeticOps[2]],
    [2, arithmeticOps[3]],
    [2, arithmeticOps[4]],
  ]);
  const overflow: Overflow = draw.weighted([
    [2, "panic"],
    [8, "wrap"],
    [op === "/" || op === "%" ? 0 : 2, "saturate"],
    [1, "unwrap"],
    [2, "else"],
  ]);
  const left = makeInt(draw, place, type, room - 1);
  return { kind: "arithmetic", op, overflow, type, left, right: makeInt(draw, place, type, room - 1) };
}

function bits(draw: Draw, place: Place, type: IntType, room: number): Expr {
  const op = draw.pick(["&", "|", "^"] as const);
  const left = makeInt(draw, place, type, room - 1);
  return { kind: "bits", op, type, left, right: makeInt(draw, place, type, room - 1) };
}

function shift(draw: Draw, place: Place, type: IntType, room: number): Expr {
  const op = draw.pick(["<<", ">>"] as const);
  const left = makeInt(draw, place, type, room - 1);
  const right = draw.percent(60)
    ? ({ kind: "int", type: int("u32"), value: String(draw.int(0, 9)) } as const)
    : makeInt(draw, place, int("u32"), room - 2);
  return { kind: "shift", op, wraps: draw.percent(60), type, left, right };
}

function negate(draw: Draw, place: Place, type: IntType, room: number): Expr {
  // Rust has no unary minus for unsigned numbers.
  const wraps = type.int.startsWith("u") || draw.percent(70);
  return { kind: "negate", wraps, type, value: makeInt(draw, place, type, room - 1) };
}

function cast(draw: Draw, place: Place, type: IntType, room: number): Expr {
  const from = draw.percent(20) ? bool : someInt(draw);
  return { kind: "cast", type, value: makeExpr(draw, place, from, room - 1) };
}

function choice(draw: Draw, place: Place, type: Type, room: number): Expr {
  const condition = makeBool(draw, place, room - 1);
  const yes = makeExpr(draw, place, type, room - 1);
  return { kind: "if", type, condition, yes, no: makeExpr(draw, place, type, room - 1) };
}

function makeMatchInt(draw: Draw, place: Place, type: Type, room: number): Expr {
  const of = someInt(draw);
  const arms = draw.list(1, 3, () => {
    const [a, b] = [draw.literal(of.int), draw.literal(of.int)];
    const [low, high] = a < b ? [a, b] : [b, a];
    return { low: String(low), high: String(high), body: makeExpr(draw, place, type, room - 2) };
  });
  const value = makeInt(draw, place, of, room - 1);
  return { kind: "matchInt", type, value, arms, otherwise: makeExpr(draw, place, type, room - 2) };
}

function makeMatchEnum(draw: Draw, place: Place, type: Type, room: number): Expr {
  const { world } = place;
  const id = draw.int(0, world.enums.length - 1);
  const value = makeExpr(draw, place, { kind: "enum", id }, room - 1);
  const arms = (world.enums[id]?.variants ?? []).map((fields) => {
    const bound = fields.map((name) => ({
      name: freshName(world, "m"),
      type: int(name),
      mutable: false,
    }));
    const body = makeExpr(draw, withVariables(place, ...bound), type, room - 1);
    return { binds: bound.map(({ name }) => name), body };
  });
  return { kind: "matchEnum", type, id, value, arms };
}

function element(draw: Draw, place: Place, type: IntType, room: number): Expr {
  const arrays = variablesOfKind(place, "array").filter((variable) => variable.type.of === type.int);
  if (arrays.length === 0) return leaf(draw, place, type);
  const { name, type: of } = draw.pick(arrays);
  return { kind: "index", array: name, of, index: makeIndex(draw, place, of.length, room - 1) };
}

/** Mostly within bounds, and else not far from them, or anywhere. */
export function makeIndex(draw: Draw, place: Place, length: number, room: number): Expr {
  const index = someInt(draw);
  if (draw.percent(45)) {
    const value = draw.int(0, draw.percent(90) ? length - 1 : length + 1);
    return { kind: "int", type: int("u64"), value: String(value) };
  }
  const any = makeInt(draw, place, index, room);
  if (draw.percent(25)) return any;
  const type = int("u64");
  const left: Expr = { kind: "cast", type, value: any };
  const modulus = draw.percent(85) ? length : length + 1;
  const right: Expr = { kind: "int", type, value: String(modulus) };
  return { kind: "arithmetic", op: "%", overflow: "panic", type, left, right };
}

function call(draw: Draw, place: Place, type: IntType, room: number): Expr {
  const candidates = place.world.fns.flatMap((fn, index) =>
    fn.frameWords === undefined && fn.type.int === type.int ? [{ fn, index }] : [],
  );
  if (candidates.length === 0) return leaf(draw, place, type);
  const { fn, index } = draw.pick(candidates);
  const args = fn.params.map((param) => makeInt(draw, place, param.type, room - 1));
  return { kind: "call", fn: index, type: fn.type, args };
}

function chain(draw: Draw, place: Place, type: IntType, room: number): Expr {
  const arrays = variablesOfKind(place, "array");
  if (arrays.length === 0) return leaf(draw, place, type);
  const { name, type: of } = draw.pick(arrays);
  const element = int(of.of);
  const steps = draw.list(0, 2, (): ChainStep => {
    const param = freshName(place.world, "e");
    const inside = inClosure(place, { name: param, type: element, mutable: false });
    return draw.percent(60)
      ? { kind: "map", param, body: makeInt(draw, inside, element, Math.min(room - 1, 2)) }
      : { kind: "filter", param, condition: makeBool(draw, inside, Math.min(room - 1, 2)) };
  });
  const slice = draw.percent(30)
    ? {
        slice: {
          from: makeIndex(draw, place, Math.max(1, of.length >> 1), room - 2),
          to: makeIndex(draw, place, of.length + 1, room - 2),
        },
      }
    : {};
  const end = makeEnd(draw, place, type, element, room);
  return { kind: "chain", array: name, of, ...slice, steps, end };
}

function makeEnd(draw: Draw, place: Place, type: IntType, element: IntType, room: number): ChainEnd {
  if (type.int === "u64" && draw.percent(25)) return { kind: "count" };
  if (type.int === element.int && draw.percent(30)) {
    return draw.percent(50)
      ? { kind: "sum" }
      : { kind: "max", otherwise: makeInt(draw, place, element, room - 2) };
  }
  const [accumulator, param] = [freshName(place.world, "s"), freshName(place.world, "e")];
  const inside = inClosure(
    place,
    { name: accumulator, type, mutable: false },
    { name: param, type: element, mutable: false },
  );
  const init = makeInt(draw, place, type, room - 2);
  return {
    kind: "fold",
    accumulator,
    param,
    type,
    init,
    body: makeInt(draw, inside, type, Math.min(room - 1, 2)),
  };
}

function divesIn({ world }: Place): { readonly index: number; readonly words: number }[] {
  return world.fns.flatMap(({ frameWords: words }, index) => (words === undefined ? [] : [{ index, words }]));
}

/** There is a recursive function, and the loops around do not make its calls too many. */
export function canDive(place: Place): boolean {
  return place.loops < 2 && divesIn(place).length > 0;
}

export function makeDive(draw: Draw, place: Place, room: number): Expr {
  return dive(draw, draw.pick(divesIn(place)), makeInt(draw, place, int("u64"), room));
}

/** What only gives a u64. */
function wordy(draw: Draw, place: Place, room: number): Expr {
  const { world } = place;
  const word = int("u64");
  const argument = makeInt(draw, place, word, room - 1);
  return draw.weighted<() => Expr>([
    [
      3,
      () => {
        const param = freshName(world, "c");
        const inside = inClosure(place, { name: param, type: word, mutable: false });
        const how = draw.pick(["direct", "twice", "dyn"] as const);
        return { kind: "closure", how, param, body: makeInt(draw, inside, word, room - 1), argument };
      },
    ],
    [
      world.ops > 0 ? 3 : 0,
      () => ({
        kind: "dyn",
        objects: draw.list(1, 3, () => ({
          op: draw.int(0, world.ops - 1),
          value: makeInt(draw, place, word, room - 2),
        })),
        select: makeInt(draw, place, word, room - 1),
        argument,
      }),
    ],
    [place.locks.length > 0 ? 4 : 0, () => ({ kind: "lockedGet", name: draw.pick(place.locks) })],
    [canDive(place) ? 3 : 0, () => dive(draw, draw.pick(divesIn(place)), argument)],
    [
      3,
      () => ({
        kind: "mapGet",
        map: draw.pick(["array", "hash"] as const),
        key: makeInt(draw, place, int("u32"), room - 2),
      }),
    ],
  ])();
}

export function makeBool(draw: Draw, place: Place, room: number): Expr {
  const variables = variablesOf(place, bool);
  if (room <= 0) {
    if (variables.length > 0 && draw.percent(70))
      return { kind: "var", name: draw.pick(variables).name, type: bool };
    return { kind: "bool", value: draw.percent(50) };
  }
  return draw.weighted<() => Expr>([
    [6, () => compare(draw, place, room)],
    [
      2,
      () => ({
        kind: "logic",
        op: draw.pick(["&&", "||"] as const),
        left: makeBool(draw, place, room - 1),
        right: makeBool(draw, place, room - 1),
      }),
    ],
    [1, () => ({ kind: "not", type: bool, value: makeBool(draw, place, room - 1) })],
    [1, () => makeBool(draw, place, 0)],
    [1, () => choice(draw, place, bool, room - 1)],
  ])();
}

function compare(draw: Draw, place: Place, room: number): Expr {
  const type = someInt(draw);
  const left = makeInt(draw, place, type, room - 1);
  return { kind: "compare", op: draw.pick(compareOps), left, right: makeInt(draw, place, type, room - 1) };
}

function makeArray(draw: Draw, place: Place, type: Extract<Type, { kind: "array" }>, room: number): Expr {
  const same = variablesOf(place, type);
  if (same.length > 0 && draw.percent(30)) return { kind: "var", name: draw.pick(same).name, type };
  const item = () => makeInt(draw, place, int(type.of), Math.min(room - 1, 1));
  if (draw.percent(30)) return { kind: "repeat", type, item: item() };
  return { kind: "array", type, items: Array.from({ length: type.length }, item) };
}

function makeComposite(
  draw: Draw,
  place: Place,
  type: Extract<Type, { kind: "struct" | "enum" }>,
  room: number,
): Expr {
  const same = variablesOf(place, type);
  if (same.length > 0 && draw.percent(50)) return { kind: "var", name: draw.pick(same).name, type };
  if (room > 1 && draw.percent(20)) return choice(draw, place, type, room - 1);
  const fields = (of: readonly IntName[]) => of.map((name) => makeInt(draw, place, int(name), room - 1));
  if (type.kind === "struct")
    return { kind: "struct", id: type.id, fields: fields(place.world.structs[type.id]?.fields ?? []) };
  const variants = place.world.enums[type.id]?.variants ?? [];
  const variant = draw.int(0, variants.length - 1);
  return { kind: "enum", id: type.id, variant, fields: fields(variants[variant] ?? []) };
}
