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

/** How much there is of a program, and how far its loops and recursions go; shrinking makes it less. */
export function sizeOf(program: Program): number {
  let size = 0;
  for (const node of nodesOf(program)) size += 2 + extent(node);
  for (const { fields } of program.structs) size += 1 + fields.length;
  for (const { variants } of program.enums) size += 1 + variants.flat().length + variants.length;
  return size + 2 * (program.fns.length + program.ops.length) + (program.packet ? 3 : 0);
}

/** Less than 1, so that no part of a program is worth a smaller number. */
function extent(node: object): number {
  const { value, from, to, fuel, depth, count, size }: Readonly<Record<string, unknown>> = { ...node };
  if (typeof value === "string" && /^-?\d+$/.test(value)) return magnitude(Number(value));
  if (typeof from === "number" && typeof to === "number") return magnitude(to - from);
  return magnitude(Number(fuel ?? depth ?? count ?? size ?? 0));
}

function magnitude(value: number): number {
  return Math.log2(Math.abs(value) + 1) / 200;
}
