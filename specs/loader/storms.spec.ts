// SPDX-License-Identifier: MIT
// Promise: loads don't disturb each other, and nothing that user space changes while the kernel reads it does any harm: each load is
// done or refused with a sentence, and all memory comes back.
import { rexTest, type TestContext } from "rex-test";
import { kmemleakReport } from "../resources/kmemleak.ts";
import { grownCaches, settled, slabCaches } from "../resources/slabs.ts";
import { type Trial, type TrialReport, tryLoading } from "./trial.ts";

const threads = 8;
const rounds = 25;

async function storm(t: TestContext, interference?: "descriptors" | "bytes"): Promise<TrialReport> {
  const { object } = await t.compile("hello");
  const trial: Trial = { storm: { threads, rounds, ...(interference ? { interference } : {}) } };
  // What the first loads leave in caches is no leak.
  await tryLoading(t, object, trial);
  const before = await slabCaches(t);
  const report = await tryLoading(t, object, trial);
  const refused = Object.values(report.refused).reduce((sum, count) => sum + count, 0);
  t.expect(report.loaded + refused).toBe(threads * rounds);
  t.expect(
    await settled(
      () => grownCaches(t, before, threads * rounds),
      (caches) => caches.length === 0,
    ),
  ).toEqual([]);
  if (t.kernel.config.has("DEBUG_KMEMLEAK")) t.expect(await kmemleakReport(t), "kmemleak").toBe("");
  await t.expect(t.guest).toBeHealthy();
  return report;
}

rexTest("eight threads load and unload at once", { cpus: 2, timeoutMs: 60_000 }, async (t) => {
  t.expect(await storm(t)).toMatchObject({ loaded: threads * rounds, refused: {} });
});

rexTest(
  "map descriptors that are closed and exchanged meanwhile",
  { cpus: 2, timeoutMs: 60_000 },
  async (t) => {
    const report = await storm(t, "descriptors");
    t.expect(report.silent).toBe(0);
    for (const sentence of report.sentences)
      t.expect(sentence).toMatch(/^(EBADF|EINVAL): map CALLS: fd \d+ is not a map$/);
  },
);

rexTest("an object whose bytes change meanwhile", { cpus: 2, timeoutMs: 60_000 }, async (t) => {
  const report = await storm(t, "bytes");
  t.expect(report.silent).toBe(0);
});
