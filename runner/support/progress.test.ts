// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { formatBytes, formatDuration, formatTable } from "./format.ts";
import { Progress, percentage, progressLine } from "./progress.ts";

function fakeStream(isTTY: boolean) {
  let text = "";
  return { isTTY, columns: 60, write: (piece: string) => (text += piece), text: () => text };
}

test("the line says what, how far and how long, and fits the terminal", () => {
  expect(progressLine({ what: "building", done: 5, total: 10, item: "a.c" }, 65_000, 80)).toBe(
    "building  50% (5 of 10)  1:05  a.c",
  );
  expect(progressLine({ what: "downloading", done: 5, total: 10, unit: "MB" }, 1_000, 80)).toBe(
    "downloading  50% (5 of 10 MB)  1.0 s",
  );
  expect(progressLine({ what: "building", done: 5 }, 0, 80)).toBe("building  5  0.0 s");
  expect(progressLine({ what: "x".repeat(100) }, 0, 40)).toHaveLength(39);
});

test("an estimate that was too low never shows 100 % or more", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1 }), (done, total) => {
      expect(percentage(done, total)).toBeGreaterThanOrEqual(0);
      expect(percentage(done, total)).toBeLessThan(100);
    }),
  );
  expect(progressLine({ what: "b", done: 12, total: 10 }, 0, 80)).toContain("99% (12 of 12)");
});

test("without a terminal: a line when the work changes and at intervals, no control characters", () => {
  const stream = fakeStream(false);
  let now = 0;
  const progress = new Progress(stream, () => now);
  for (let step = 0; step < 100; step += 1) {
    now += 1_000;
    progress.update({ what: "one", done: step, total: 100 });
  }
  progress.done();
  progress.update({ what: "two" });
  progress[Symbol.dispose]();
  const lines = stream.text().trimEnd().split("\n");
  expect(lines).toHaveLength(9);
  expect(lines.at(-2)).toBe("one: done (1:39)");
  expect(stream.text()).not.toContain("\r");
});

test("on a terminal the line is redrawn and cleared", () => {
  const stream = fakeStream(true);
  {
    using progress = new Progress(stream);
    progress.update({ what: "one" });
    progress.note("kept");
  }
  expect(stream.text()).toBe("\r\u001b[Kone  0.0 s\r\u001b[Kkept\n\r\u001b[Kone  0.0 s\r\u001b[K");
});

test("work that was dropped is not told of any more", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const stream = fakeStream(false);
  const progress = new Progress(stream);
  progress.update({ what: "one" });
  progress.drop();
  vi.advanceTimersByTime(60_000);
  progress.update({ what: "two" });
  expect(stream.text()).toBe("one  0.0 s\ntwo  0.0 s\n");
  vi.advanceTimersByTime(60_000);
  expect(stream.text()).toContain("two  15 s\n");
  progress.drop();
});

test("numbers and tables", () => {
  expect([0, 999, 9_949, 59_000, 61_000, 3_723_000].map(formatDuration)).toEqual([
    "0.0 s",
    "1.0 s",
    "9.9 s",
    "59 s",
    "1:01",
    "1:02:03",
  ]);
  expect([0, 999, 17_500_000].map(formatBytes)).toEqual(["0 B", "999 B", "17.5 MB"]);
  expect(
    formatTable([
      ["a", "bb"],
      ["ccc", "d"],
    ]),
  ).toBe("a    bb\nccc  d");
});
