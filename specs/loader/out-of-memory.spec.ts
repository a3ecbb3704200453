// SPDX-License-Identifier: MIT
// Promise: a load that runs out of memory, at whichever allocation, is refused as a whole, with a sentence, and gives back what it had.
// The kernel's fault injection lets each allocation fail in turn.
import { rexTest, type TestContext } from "rex-test";
import { kmemleakReport } from "../resources/kmemleak.ts";
import { tryLoading } from "./trial.ts";

/** Allocations that may wait fail too, not only those that may not; and each failure keeps quiet. */
async function injectEverywhere(t: TestContext): Promise<void> {
  for (const fault of ["failslab", "fail_page_alloc"]) {
    const folder = `/sys/kernel/debug/${fault}`;
    await t.guest.writeFile(`${folder}/ignore-gfp-wait`, "N");
    await t.guest.writeFile(`${folder}/verbose`, "0");
  }
  await t.guest.writeFile("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
  await t.guest.writeFile("/sys/kernel/debug/fail_page_alloc/min-order", "0");
}

rexTest(
  "a load survives the failure of each of its allocations",
  { requires: { config: ["FAILSLAB", "FAIL_PAGE_ALLOC"] }, timeoutMs: 60_000 },
  async (t) => {
    await injectEverywhere(t);
    const { object } = await t.compile("hello");
    const report = await tryLoading(t, object, { failEachAllocation: true });
    t.expect(report.failedAllocations).toBeGreaterThan(20);
    t.expect(Object.keys(report.refused)).toEqual(["ENOMEM"]);
    t.expect(report.refused["ENOMEM"]).toBeGreaterThan(10);
    // Without memory for the log itself there is nowhere to put a sentence.
    t.expect(report.silent).toBeLessThanOrEqual(2);
    if (t.kernel.config.has("DEBUG_KMEMLEAK")) t.expect(await kmemleakReport(t), "kmemleak").toBe("");
    t.expect(await tryLoading(t, object)).toMatchObject({ loaded: 1 });
    await t.expect(t.guest).toBeHealthy();
  },
);
