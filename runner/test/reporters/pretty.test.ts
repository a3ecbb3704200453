// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { LiveArea } from "../../support/live-area.ts";
import { painter } from "../../support/style.ts";
import { PrettyReporter } from "./pretty.ts";
import { RunStatus } from "./status.ts";
import {
  activitiesOf,
  cwd,
  MemoryOutput,
  recordedTests,
  replay,
  testReport,
} from "./testing/recorded-run.ts";

test("without a terminal: plain lines, each test with its steps, and how to run a failure again", async () => {
  const output = new MemoryOutput();
  await replay(new PrettyReporter({ output, cwd }));
  expect(output.text).toMatch(/^8 tests in 3 spec files on 6\.12-rex, 2 guests at a time/);
  expect(output.text).toContain(
    "✓ specs/panic/a.spec.ts > passes in steps  300 ms, boot 100 ms\n  · outer  10 ms\n",
  );
  expect(output.text).toContain("a spec says hello\n");
  expect(output.text).toContain("a clone did not start");
  expect(output.text).toMatch(/ {2}rerun {2}rex-test rerun id-\d+\n {5}or {2}rex-test run/);
  expect(output.text).not.toContain("\u001b");
});

test("with colours where they are wanted", async () => {
  const output = new MemoryOutput(true);
  await replay(new PrettyReporter({ output, cwd }));
  expect(output.text).toContain("\u001b[32m✓\u001b[39m");
});

test("the status: queue, guests in use, step, and the time left at the pace so far", () => {
  let now = 1_700_000_000_000;
  const status = new RunStatus(() => now);
  status.start({ files: 1, tests: 20, kernel: "k", machine: "m", jobs: 2 });
  for (const ended of recordedTests.slice(0, 5)) status.end(ended);
  const step = { name: "attach", depth: 0, startedMs: 0, durationMs: 0, ok: true };
  const running = testReport("runs", { verdict: { ...testReport("x").verdict, steps: [step] } });
  for (const activity of activitiesOf(running).slice(0, 4)) status.note(activity);
  for (const activity of activitiesOf(testReport("boots")).slice(0, 2)) status.note(activity);
  for (const activity of activitiesOf(testReport("waits")).slice(0, 1)) status.note(activity);
  now += 10_000;
  expect(status.lines(painter(false))).toEqual([
    "5 of 20 ended  2 passed, 1 failed, 1 kernel crashed, 1 guest hung  13 queued  2 of 2 guests  10 s, about 30 s left",
    "  specs/panic/a.spec.ts > runs  9.9 s  attach",
    "  specs/panic/a.spec.ts > boots  10 s  starting its guest",
  ]);
});

test("live lines are taken away before others are written, and fit the terminal", () => {
  let written = "";
  const stream = { isTTY: true, rows: 3, write: (text: string) => (written += text) };
  const live = new LiveArea(stream, { TERM: "xterm" });
  live.start(() => ["one", "two", "three"]);
  expect(written).toContain("one\u001b[K\ntwo\u001b[K\n");
  expect(written).not.toContain("three");
  written = "";
  live.above(() => stream.write("a line\n"));
  expect(written).toBe("\r\u001b[2A\u001b[Ja line\n");
  live[Symbol.dispose]();
  expect(written).toBe("\r\u001b[2A\u001b[Ja line\n");
});

test("a terminal that can do nothing gets nothing to redraw", () => {
  let written = "";
  const live = new LiveArea({ isTTY: true, write: (text: string) => (written += text) }, { TERM: "dumb" });
  live.start(() => ["one"]);
  live[Symbol.dispose]();
  expect(written).toBe("");
});
