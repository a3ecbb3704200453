// SPDX-License-Identifier: MIT
// Where the expressions and blocks of a tree are, and a tree with another one there.
import type { Expr, Program, Stmt } from "./ast.ts";

export type Path = readonly (string | number)[];

export type FoundPlace =
  | { readonly kind: "expr"; readonly path: Path; readonly expr: Expr }
  | { readonly kind: "block"; readonly path: Path; readonly block: readonly Stmt[] };

/** Lists of statements are under these names; under `body` a closure, an arm and an Op have an expression instead. */
const blockKeys = new Set<string | number>(["body", "yes", "no"]);
/** Under these is what is no expression: types, and where bytes are. */
const otherKeys = new Set<string | number>(["type", "of", "source"]);

export function isBlockKey(key: string): boolean {
  return blockKeys.has(key);
}

export function isOtherKey(key: string): boolean {
  return otherKeys.has(key);
}

/** Outer ones before those in them. */
export function* placesOf(tree: unknown, path: Path = []): Generator<FoundPlace> {
  if (typeof tree !== "object" || tree === null) return;
  const key = path.at(-1);
  if (key !== undefined && otherKeys.has(key)) return;
  if (Array.isArray(tree) && key !== undefined && blockKeys.has(key))
    yield { kind: "block", path, block: tree };
  else if (isExpr(tree, path)) yield { kind: "expr", path, expr: tree };
  for (const [name, part] of Object.entries(tree))
    yield* placesOf(part, [...path, Array.isArray(tree) ? Number(name) : name]);
}

function isExpr(tree: object, path: Path): tree is Expr {
  if (!("kind" in tree)) return false;
  const [outer, key] = [path.at(-2), path.at(-1)];
  if (key === "end" || outer === "steps") return false;
  return typeof key !== "number" || outer === undefined || !blockKeys.has(outer);
}

export function replaceAt(program: Program, path: Path, by: unknown): Program {
  return replaced(program, path, by) as Program;
}

function replaced(tree: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(tree)) return tree.map((item, at) => (at === key ? replaced(item, rest, by) : item));
  const object = tree as Readonly<Record<string, unknown>>;
  return { ...object, [key]: replaced(object[key], rest, by) };
}
