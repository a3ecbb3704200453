// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { JsonlReporter } from "./jsonl.ts";
import { hostileName, MemoryOutput, replay } from "./testing/recorded-run.ts";

test("an event a line, in their order, with stamps", async () => {
  const output = new MemoryOutput();
  await replay(new JsonlReporter(output, () => 5));
  const lines = output.text.trimEnd().split("\n");
  const events = lines.map((line): Record<string, unknown> => JSON.parse(line));
  expect(events[0]).toMatchObject({ event: "run-start", version: 1, at: 5, jobs: 2, kernel: "6.12-rex" });
  expect(events.at(-1)).toMatchObject({
    event: "run-end",
    tests: 8,
    ignored: 1,
    brokenFiles: 1,
    exitCode: 64,
  });
  const ofHostile = events.filter((event) => event["test"] === hostileName).map((event) => event["event"]);
  expect(ofHostile).toEqual([
    "test-queued",
    "test-booting",
    "test-running",
    "test-step",
    "test-step",
    "test-finished",
    "test-end",
  ]);
  expect(events.every((event) => typeof event["at"] === "number")).toBe(true);
  const ended = events.find((event) => event["event"] === "test-end" && event["test"] === hostileName);
  expect(ended).toMatchObject({
    verdict: { outcome: { kind: "failed" }, failure: { exits: [{ prog: "prog" }] } },
  });
});

test("a run that could not be carried out says so", () => {
  const output = new MemoryOutput();
  new JsonlReporter(output, () => 5).onFatal("no kernel");
  expect(JSON.parse(output.text)).toEqual({ event: "run-failed", at: 5, message: "no kernel" });
});
