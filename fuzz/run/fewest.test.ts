// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { fewest, traceFewest } from "./fewest.ts";
import type { Complaint } from "./trial.ts";

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

const complaint = { oracle: "canary", title: "gone", detail: "" } as Complaint;
const limits = { shrinkMs: 1_000, attempts: 3 };
const shown = {
  input: (enough: readonly number[]) => enough.join(),
  spec: (enough: readonly number[], { title }: Complaint, path: string) =>
    `${path}: ${title} ${enough.join()}`,
};

it("counts how often the fewest inputs bring it about again", async () => {
  let asked = 0;
  const see = async (some: readonly number[]) => {
    asked += 1;
    // Alone it brings it about every other time.
    return some.includes(3) && !(some.length === 1 && asked % 2 === 0) ? complaint : undefined;
  };
  const traced = await traceFewest([1, 2, 3, 4], see, limits, shown);
  expect(traced).toMatchObject({ complaint, attempts: 3 });
  expect(traced?.reproduced).toBeGreaterThan(0);
  expect(traced?.reproduced).toBeLessThan(3);
  expect(traced?.spec("a")).toContain("a: gone");
});

it("traces nothing that does not come again", async () => {
  expect(await traceFewest([1, 2], async () => undefined, limits, shown)).toBeUndefined();
});
