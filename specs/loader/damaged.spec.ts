// SPDX-License-Identifier: MIT
// Promise: whatever is wrong with an object, the kernel takes it or refuses it with a sentence, and keeps nothing. Objects are damaged
// at random, preferably where the loader looks; a seed that fails goes into the list.
import { rexTest } from "rex-test";
import { kmemleakReport } from "../resources/kmemleak.ts";
import { tryLoading } from "./trial.ts";

const rounds = 2_000;
const seeds = [1, 2, 3, Number(process.env["REX_TEST_SEED"] ?? 4)];

rexTest.each(seeds)("objects damaged with the seed $case", { timeoutMs: 60_000 }, async (t, seed) => {
  const { object } = await t.compile("hello");
  const report = await tryLoading(t, object, { mutate: { seed, rounds } });
  const refused = Object.values(report.refused).reduce((sum, count) => sum + count, 0);
  t.expect(report.loaded + refused).toBe(rounds);
  t.expect(refused).toBeGreaterThan(rounds / 10);
  t.expect(report.sentences.length, "different sentences").toBeGreaterThan(20);
  t.expect(report.silent, "refusals without a sentence").toBe(0);
  if (t.kernel.config.has("DEBUG_KMEMLEAK")) t.expect(await kmemleakReport(t), "kmemleak").toBe("");
  await t.expect(t.guest).toBeHealthy();
});
