// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { fewest } from "./fewest.ts";

const numbers = Array.from({ length: 100 }, (_, index) => index);
const limitMs = 10_000;

async function fewestWith(...wanted: readonly number[]): Promise<readonly number[]> {
  return fewest(numbers, async (some) => wanted.every((one) => some.includes(one)), limitMs);
}

it("what is enough is found, alone or together, in its order", async () => {
  expect(await fewestWith(37)).toEqual([37]);
  expect(await fewestWith(3, 98)).toEqual([3, 98]);
  expect(await fewestWith(3, 4, 50, 99)).toEqual([3, 4, 50, 99]);
});

it("nobody is asked when the time is over", async () => {
  let asked = 0;
  const isEnough = async () => {
    asked += 1;
    return true;
  };
  expect(await fewest(numbers, isEnough, 0)).toEqual(numbers);
  expect(asked).toBe(0);
  expect(await fewest([1], isEnough, limitMs)).toEqual([1]);
});
