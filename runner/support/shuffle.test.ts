// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { shuffled } from "./shuffle.ts";

const items = Array.from({ length: 20 }, (_, index) => index);

it("gives the same order for the same seed, and another one for another", () => {
  expect(shuffled(items, 7)).toEqual(shuffled(items, 7));
  expect(shuffled(items, 7)).not.toEqual(shuffled(items, 8));
  expect(shuffled(items, 7)).not.toEqual(items);
});

it("loses and invents nothing", () => {
  for (let seed = 0; seed < 50; seed += 1)
    expect(shuffled(items, seed).toSorted((a, b) => a - b)).toEqual(items);
  expect(shuffled([], 1)).toEqual([]);
});
