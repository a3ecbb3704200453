// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { Steps } from "./steps.ts";

test("steps are told as they begin and end, parents first", async () => {
  const told: string[] = [];
  const steps = new Steps((path, state) => told.push(`${path.join(" > ")} ${state}`));
  await steps.run([], "outer", (outer) => steps.run(outer, "inner", () => undefined));
  await expect(steps.run([], "bad", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
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
  void steps.run([], "outer", (outer) => steps.run(outer, "inner", () => new Promise(() => undefined)));
  expect(steps.records.map(({ name, ok }) => [name, ok])).toEqual([
    ["outer", false],
    ["inner", false],
  ]);
  expect(steps.failed).toBe("outer > inner");
});

test("a step that nobody awaits fails the one around it, or the test", async () => {
  const steps = new Steps();
  const root: readonly string[] = [];
  const forgotten = Promise.withResolvers<void>();
  const outer = steps.run(root, "outer", (path) => {
    void steps.run(path, "inner", () => forgotten.promise);
  });
  await expect(outer).rejects.toThrow(
    'the step "inner" was still running at the end of "outer": await t.step(…)',
  );
  void steps.run(root, "other", () => forgotten.promise);
  expect(() => steps.expectNoneRunning(root)).toThrow(/"other" was still running at the end of the test/);
  forgotten.resolve();
});

test("steps may run side by side", async () => {
  const steps = new Steps();
  const root: readonly string[] = [];
  await Promise.all(["a", "a", "b"].map((name) => steps.run(root, name, () => Promise.resolve())));
  expect(() => steps.expectNoneRunning(root)).not.toThrow();
  expect(steps.records).toHaveLength(3);
});
