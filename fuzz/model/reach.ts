// SPDX-License-Identifier: MIT
// What is in reach at a place of a program that is there already, for the generator to make something new of. It may leave something out;
// what it makes too much of, the checker refuses.
import type { Expr, Program, Stmt } from "./ast.ts";
import { nodesOf } from "./facts.ts";
import { inClosure, type Place, type Variable, type World, withVariables } from "./generate/scope.ts";
import type { Path } from "./places.ts";
import { int } from "./types.ts";

const statementsAtMost = 12;
const word = int("u64");

/** `path` is that of an expression, or of a statement in its block. */
export function placeAt(program: Program, path: Path): Place {
  const [part, index, ...rest] = path;
  const at = Number(index);
  if (part === "fns") return walk(program.fns[at], rest, inFn(program, at, rest[0] === "result"));
  const world = worldOf(program, program.fns.length);
  if (part === "ops") return walk(program.ops[at], rest, placeIn(world, ["value", "x"]));
  const { packet } = program;
  return walk(program, path, { ...placeIn(world, ["input"]), returns: "u64", main: true, packet });
}

function worldOf({ structs, enums, ops, fns, body }: Program, callable: number): World {
  return {
    structs,
    enums,
    ops: ops.length,
    fns: fns.slice(0, callable),
    names: highestNumber([ops, fns, body]),
    isCrowded: nodesOf(body).some(({ kind }) => kind === "crowd"),
    statementsLeft: statementsAtMost,
  };
}

/** Names have numbers, so that all are different. */
function highestNumber(tree: unknown): number {
  const numbers = [...JSON.stringify(tree).matchAll(/"[a-z]+(\d+)"/g)].map(([, digits]) => Number(digits));
  return Math.max(0, ...numbers);
}

function placeIn(world: World, words: readonly string[]): Place {
  const variables = words.map((name) => ({ name, type: word, mutable: false }));
  const nothing = { records: [], locks: [], packet: undefined, main: false };
  return { world, variables, ...nothing, inLoop: false, loops: 0 };
}

function inFn(program: Program, at: number, inResult: boolean): Place {
  const fn = program.fns[at];
  const place = placeIn(worldOf(program, at), []);
  if (fn === undefined) return place;
  const params = fn.params.map((param): Variable => ({ ...param, mutable: false }));
  const isDive = fn.frameWords !== undefined;
  const below = isDive && inResult ? [{ name: "below", type: word, mutable: false }] : [];
  // As where functions are made: what is called in loops has few of its own.
  return { ...withVariables(place, ...params, ...below), returns: fn.type.int, loops: isDive ? 2 : 1 };
}

function walk(tree: unknown, [key, ...rest]: Path, place: Place): Place {
  if (key === undefined || typeof tree !== "object" || tree === null) return place;
  const inside = Array.isArray(tree)
    ? withVariables(place, ...declaredBefore(tree, Number(key)))
    : entered(tree as Partial<Stmt & Expr>, key, place);
  return walk((tree as Readonly<Record<string | number, unknown>>)[key], rest, inside);
}

function declaredBefore(items: readonly unknown[], end: number): Variable[] {
  return items.slice(0, end).flatMap((item): Variable[] => {
    const stmt = item as Partial<Stmt>;
    if (typeof stmt !== "object" || stmt?.kind !== "let") return [];
    const { name, type, mutable } = stmt as Extract<Stmt, { kind: "let" }>;
    return [{ name, type, mutable }];
  });
}

/** What is added by going into a part of a statement or an expression. */
function entered(node: { readonly kind?: string }, key: string | number, place: Place): Place {
  if (key !== "body") return place;
  const inLoop = { ...place, inLoop: true, loops: place.loops + 1 };
  if (node.kind === "while") return inLoop;
  if (node.kind === "for") {
    const { name, int: of, recursive } = node as Extract<Stmt, { kind: "for" }>;
    const { returns: _, ...closure } = { ...inLoop, inLoop: false, main: false };
    return withVariables(recursive ? closure : inLoop, { name, type: int(of), mutable: false });
  }
  if (node.kind === "lock") {
    const { name } = node as Extract<Stmt, { kind: "lock" }>;
    return { ...place, locks: [...place.locks, name] };
  }
  if (node.kind === "record") {
    const { name, size } = node as Extract<Stmt, { kind: "record" }>;
    return { ...place, records: [...place.records, { name, size }] };
  }
  if (node.kind === "closure") {
    const { param } = node as Extract<Expr, { kind: "closure" }>;
    return inClosure(place, { name: param, type: word, mutable: false });
  }
  return place;
}
