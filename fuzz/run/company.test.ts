// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { parted, roundsOf } from "./company.ts";
import type { PlannedRun } from "./execute.ts";

function run(trial: number, slot: number, endsByTime = false): PlannedRun {
  return { trial, entry: "bounded", slot, input: 0n, endsByTime };
}

it("what has no end is run singly first, and no trial is parted", () => {
  const planned = [run(1, 2), run(1, 3), run(2, 4), run(2, 5, true), run(3, 6), run(3, 7)];
  const slots = (count: number) => parted(planned, count).map((part) => part.map(({ slot }) => slot));
  expect(slots(1)).toEqual([
    [4, 5],
    [2, 3, 6, 7],
  ]);
  expect(slots(3)).toEqual([
    [4, 5, 2, 3],
    [6, 7],
  ]);
  expect(slots(9)).toEqual([[4, 5, 2, 3, 6, 7], []]);
  expect(parted([], 3)).toEqual([[], []]);
});

it("runs of different trials go together, those of the same one follow each other", () => {
  const planned = [run(3, 6), run(3, 7), run(5, 10), run(8, 16), run(8, 17)];
  const slots = (lanes: number) => roundsOf(planned, lanes).map((round) => round.map(({ slot }) => slot));
  expect(slots(1)).toEqual([[6], [7], [10], [16], [17]]);
  expect(slots(2)).toEqual([[6, 10], [7], [16], [17]]);
});

it("those that only another CPU can end don't go together", () => {
  const locked = (trial: number, slot: number) => ({ ...run(trial, slot, true), needsAnotherCpu: true });
  const slots = (planned: readonly PlannedRun[]) =>
    roundsOf(planned, 2).map((round) => round.map(({ slot }) => slot));
  expect(slots([locked(1, 2), locked(1, 3), locked(2, 4), locked(2, 5)])).toEqual([[2], [4], [3], [5]]);
  expect(slots([locked(1, 2), run(2, 4, true), run(2, 5), locked(3, 6)])).toEqual([
    [2, 4],
    [6, 5],
  ]);
});
