// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { roundsOf } from "./company.ts";
import type { PlannedRun } from "./execute.ts";

it("runs of different trials go together, those of the same one follow each other", () => {
  const run = (trial: number, slot: number): PlannedRun => ({
    trial,
    entry: "bounded",
    slot,
    input: 0n,
    endsByTime: false,
  });
  const planned = [run(3, 6), run(3, 7), run(5, 10), run(8, 16), run(8, 17)];
  const slots = (lanes: number) => roundsOf(planned, lanes).map((round) => round.map(({ slot }) => slot));
  expect(slots(1)).toEqual([[6], [7], [10], [16], [17]]);
  expect(slots(2)).toEqual([[6, 10], [7], [16], [17]]);
});
