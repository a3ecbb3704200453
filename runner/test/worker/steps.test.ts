// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { Steps } from "./steps.ts";

test("steps are told as they begin and end, parents first", async () => {
  const told: string[] = [];
  const steps = new Steps((path, state) => told.push(`${path.join(" > ")} ${state}`));
  await steps.run(["outer"], () => steps.run(["outer", "inner"], () => undefined));
  await expect(steps.run(["bad"], () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(told).toEqual([
    "outer begun",
    "outer > inner begun",
    "outer > inner passed",
    "outer passed",
    "bad begun",
    "bad failed",
  ]);
  expect(steps.records.map(({ name, depth, ok }) => [name, depth, ok])).toEqual([
    ["outer", 0, true],
    ["inner", 1, true],
    ["bad", 0, false],
  ]);
  expect(steps.failed).toBe("bad");
});

test("a step that never ends is the one that the test got stuck in", () => {
  const steps = new Steps();
  void steps.run(["outer"], () => steps.run(["outer", "inner"], () => new Promise(() => undefined)));
  expect(steps.records.map(({ name, ok }) => [name, ok])).toEqual([
    ["outer", false],
    ["inner", false],
  ]);
  expect(steps.failed).toBe("outer > inner");
});
