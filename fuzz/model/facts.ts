// SPDX-License-Identifier: MIT
// What can be said of a program without running it.
import type { Expr, Program, Stmt } from "./ast.ts";

/** Everything in a tree that has a `kind`: expressions, statements, steps and types alike. */
export function* nodesOf(tree: unknown): Generator<{ readonly kind: string }> {
  if (typeof tree !== "object" || tree === null) return;
  if (isNode(tree)) yield tree;
  for (const part of Object.values(tree)) yield* nodesOf(part);
}

function isNode(tree: object): tree is { readonly kind: string } {
  return "kind" in tree && typeof tree.kind === "string";
}

/** The compiler can't say how much stack it needs at most: there is recursion, or a call through a pointer. */
export function needsStackCheck(program: Program): boolean {
  if (program.fns.some((fn) => fn.frameWords !== undefined)) return true;
  for (const node of nodesOf(program)) {
    if (node.kind === "dyn") return true;
    if (node.kind === "for" && (node as Extract<Stmt, { kind: "for" }>).recursive) return true;
    if (node.kind === "closure" && (node as Extract<Expr, { kind: "closure" }>).how === "dyn") return true;
  }
  return false;
}

const notInside = new Set([
  ...["lock", "vaultSet", "vaultDelete", "mapDelete"],
  ...["record", "output", "hold", "crowd", "spin"],
]);

/**
 * It does the same at the level of an NMI, inside of a helper that another program has called: it takes no locks, holds nothing, comes to an
 * end, and its stack has a bound.
 */
export function canNest(program: Program): boolean {
  if (program.packet !== undefined || needsStackCheck(program) || allocates(program)) return false;
  return ![...nodesOf(program)].some(({ kind }) => notInside.has(kind));
}

/** It allocates, if hash maps have no elements in stock. */
export function allocates(program: Program): boolean {
  return [...nodesOf(program)].some(
    (node) =>
      node.kind === "vaultSet" ||
      (node.kind === "mapSet" && (node as Extract<Stmt, { kind: "mapSet" }>).map === "hash"),
  );
}

/** It always comes to an end, whichever way it goes, and writes nothing to the ring buffer, which might be full then. */
export function isTame(program: Program): boolean {
  return ![...nodesOf(program)].some(
    (node) =>
      ["record", "output", "crowd", "spin"].includes(node.kind) ||
      (node.kind === "hold" && (node as Extract<Stmt, { kind: "hold" }>).what === "record"),
  );
}

/** The destructor that comes with it, see print.ts. */
const noisySize = 10;

/** How much there is of a program, and how far its loops and recursions go; shrinking makes it less. */
export function sizeOf(program: Program): number {
  let size = sizeWithin(program);
  for (const { fields } of program.structs) size += 1 + fields.length;
  for (const { variants } of program.enums) size += 1 + variants.flat().length + variants.length;
  if (kindsIn(program).has("noisy")) size += noisySize;
  return size + 2 * (program.fns.length + program.ops.length) + (program.packet ? 3 : 0);
}

/** Trees are never changed, and those that are compared have most of their parts in common. */
const knownSizes = new WeakMap<object, number>();

function sizeWithin(tree: unknown): number {
  if (typeof tree !== "object" || tree === null) return 0;
  const known = knownSizes.get(tree);
  if (known !== undefined) return known;
  let size = isNode(tree) ? 2 + extent(tree) : 0;
  for (const part of Object.values(tree)) size += sizeWithin(part);
  knownSizes.set(tree, size);
  return size;
}

const knownKinds = new WeakMap<object, ReadonlySet<string>>();

/** The kinds of all nodes in a tree. */
export function kindsIn(tree: object): ReadonlySet<string> {
  const known = knownKinds.get(tree);
  if (known !== undefined) return known;
  const kinds = new Set<string>(isNode(tree) ? [tree.kind] : []);
  for (const part of Object.values(tree))
    if (typeof part === "object" && part !== null) for (const kind of kindsIn(part)) kinds.add(kind);
  knownKinds.set(tree, kinds);
  return kinds;
}

/** Less than 1, so that no part of a program is worth a smaller number. */
function extent(node: object): number {
  const { value, from, to, fuel, depth, count, size }: Readonly<Record<string, unknown>> = { ...node };
  if (typeof value === "string" && /^-?\d+$/.test(value)) return magnitude(Number(value));
  if (typeof from === "number" && typeof to === "number") return magnitude(to - from);
  return magnitude(Number(fuel ?? depth ?? count ?? size ?? 0));
}

/** In steps that floating-point numbers add up exactly, in whatever order. */
function magnitude(value: number): number {
  return Math.round((Math.log2(Math.abs(value) + 1) / 200) * 2 ** 20) / 2 ** 20;
}
