// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, it } from "vitest";
import { mutatedAt, programsOf } from "./arbitrary.ts";
import type { Program } from "./ast.ts";
import { isWellTyped } from "./check.ts";
import { nodesOf } from "./facts.ts";

const parents = programsOf(11, 0, 30);

function childrenOf(seed: number, count: number): Program[] {
  return Array.from({ length: count }, (_, index) => mutatedAt(seed, index, parents));
}

it("what is made of well-typed programs is well-typed, and mostly something new", () => {
  const children = childrenOf(5, 300);
  expect(children.filter((child) => !isWellTyped(child))).toEqual([]);
  const known = new Set(parents.map((parent) => JSON.stringify(parent)));
  const fresh = new Set(children.map((child) => JSON.stringify(child)));
  expect([...fresh].filter((text) => !known.has(text)).length).toBeGreaterThan(280);
});

it("the same seed makes the same of the same programs", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(1_000), (seed, index) => {
      expect(mutatedAt(seed, index, parents)).toEqual(mutatedAt(seed, index, parents));
    }),
    { numRuns: 20 },
  );
  expect(childrenOf(5, 20)).not.toEqual(childrenOf(6, 20));
});

it("no node is there twice, and none is a parent's: the printer and the interpreter meet at nodes", () => {
  const theirs = new Set<object>(parents.flatMap((parent) => [...nodesOf(parent)]));
  for (const child of childrenOf(7, 50)) {
    const nodes = [...nodesOf(child)];
    expect(new Set(nodes).size).toBe(nodes.length);
    expect(nodes.some((node) => theirs.has(node))).toBe(false);
  }
});
