// SPDX-License-Identifier: MIT
// The time of one test: waiting for a guest, its boot or clone, the test itself with its steps.
import { duration, element } from "./dom.js";

/** @typedef {import("../data.ts").ReportTest} ReportTest */

/**
 * @param {ReportTest} test
 * @returns {readonly { label: string, kind: string, from: number, ms: number }[]}
 */
function spansOf(test) {
  const ready = test.queuedMs + test.readyMs;
  const starts = {
    boot: "guest booted",
    clone: "guest cloned",
    fork: "guest forked",
    kept: "guest taken over",
  };
  const start = starts[test.origin ?? "boot"];
  return [
    { label: "queued", kind: "queued", from: 0, ms: test.queuedMs },
    { label: start, kind: "ready", from: test.queuedMs, ms: test.readyMs },
    { label: "test", kind: "run", from: ready, ms: test.durationMs },
    ...test.steps.map((step) => ({
      label: `${" ".repeat(2 * step.depth + 2)}${step.name}`,
      kind: step.ok ? "step" : "step.bad",
      from: ready + step.startedMs,
      ms: step.durationMs,
    })),
  ];
}

/** @param {ReportTest} test */
export function timeline(test) {
  const total = Math.max(1, test.queuedMs + test.readyMs + test.durationMs);
  const rows = spansOf(test).map(({ label, kind, from, ms }) => {
    const bar = element(`div.bar.${kind}`);
    bar.style.left = `${(100 * from) / total}%`;
    bar.style.width = `${Math.max(0.3, (100 * ms) / total)}%`;
    return element(
      "div.span",
      null,
      element("span.label", null, label),
      element("div.track", null, bar),
      element("span.ms", null, duration(ms)),
    );
  });
  const ended =
    test.queuedAt === undefined ? "" : `, ended ${new Date(test.queuedAt + total).toLocaleString()}`;
  const began = test.queuedAt === undefined ? "" : `queued ${new Date(test.queuedAt).toLocaleString()}`;
  return element("div.timeline", null, ...rows, element("div.stamps", null, `${began}${ended}`));
}
