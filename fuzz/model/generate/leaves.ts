// SPDX-License-Identifier: MIT
// What expressions end in, and other parts that have no parts to be chosen.
import type { Expr } from "../ast.ts";
import { type IntName, type IntType, int, intNames } from "../types.ts";
import type { Draw } from "./draw.ts";
import { type Place, variablesOf, variablesOfKind } from "./scope.ts";

export function someInt(draw: Draw): IntType {
  return int(draw.weighted(intNames.map((name) => [name.endsWith("128") ? 1 : 3, name])));
}

export function literal(draw: Draw, name: IntName): Expr {
  return { kind: "int", type: int(name), value: String(draw.literal(name)) };
}

/** A variable, one of another type that is cast, or a literal. */
export function leaf(draw: Draw, place: Place, type: IntType): Expr {
  const same = variablesOf(place, type);
  if (same.length > 0 && draw.percent(65)) {
    const { name } = draw.pick(same);
    return { kind: "var", name, type };
  }
  const others = variablesOfKind(place, "int");
  if (others.length > 0 && draw.percent(40)) {
    const other = draw.pick(others);
    return { kind: "cast", type, value: { kind: "var", name: other.name, type: other.type } };
  }
  return literal(draw, type.int);
}

export function field(draw: Draw, place: Place, type: IntType): Expr {
  const candidates = variablesOfKind(place, "struct").flatMap((variable) =>
    (place.world.structs[variable.type.id]?.fields ?? []).flatMap((of, index) =>
      of === type.int ? [{ value: variable.name, struct: variable.type.id, field: index }] : [],
    ),
  );
  if (candidates.length === 0) return leaf(draw, place, type);
  return { kind: "field", ...draw.pick(candidates), type };
}

/** Bytes of frames that surely fit, and that surely do not: the stack of a program has 16 KiB. */
const [shallowBytes, deepBytes] = [1_500, 24_000];

/** A call of a recursive function: its depth either surely fits on the stack, or surely does not. */
export function dive(
  draw: Draw,
  { index, words }: { readonly index: number; readonly words: number },
  argument: Expr,
): Expr {
  const most = Math.max(1, Math.floor(shallowBytes / (8 * words + 96)));
  const depth = draw.percent(85) ? draw.int(0, most) : Math.ceil(deepBytes / (8 * words)) + draw.int(0, 50);
  return { kind: "dive", fn: index, depth, argument };
}
