// SPDX-License-Identifier: MIT
// Counting what the kernel has allocated, by its own books.
import type { TestContext } from "rex-test";
import { kmemleakReport } from "./kmemleak.ts";

/** Enough for the slowest debug kernel; a kernel that frees what it should is seldom waited for longer than a poll. */
const settleLimitMs = 15_000;

/** Freeing waits for RCU and a worker: asks again until the answer is good, or time is up. */
export async function settled<T>(ask: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  const giveUpAt = performance.now() + settleLimitMs;
  for (;;) {
    const value = await ask();
    if (good(value) || performance.now() > giveUpAt) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface SlabCache {
  readonly active: number;
  readonly perSlab: number;
}

/** DEBUG_OBJECTS' own books: it keeps a pool that follows the most that there ever was at a time. */
const books = "debug_objects_cache";

/** Slabs that a cache may move by on its own: one per CPU is in use, however few of its objects are. */
const ownSlabs = 2;

/** The kernel's slab caches, by name. */
export async function slabCaches(t: TestContext): Promise<Map<string, SlabCache>> {
  const lines = (await t.guest.readFile("/proc/slabinfo")).trimEnd().split("\n").slice(2);
  const caches = new Map<string, SlabCache>();
  for (const line of lines) {
    const [name = "", active, , , perSlab] = line.split(/\s+/);
    if (name !== books) caches.set(name, { active: Number(active), perSlab: Number(perSlab) });
  }
  return caches;
}

/**
 * Caches that grew by more than they move by themselves, which is a slab or two; a leak in each of the rounds is more than that.
 * KASAN keeps what is freed for a while, in quarantine: there the leak detector is asked, which such kernels have.
 */
export async function grownCaches(
  t: TestContext,
  before: ReadonlyMap<string, SlabCache>,
  rounds: number,
): Promise<readonly { readonly name: string; readonly more: number }[]> {
  if (t.kernel.config.has("KASAN")) {
    const report = await kmemleakReport(t);
    return report === "" ? [] : [{ name: report, more: report.split("unreferenced object").length - 1 }];
  }
  const grown = await grownSince(t, before, rounds);
  if (grown.length === 0) return grown;
  // What the kernel means to free some seconds later (kfree_rcu) is freed now, and the slabs that CPUs keep for themselves, which count as
  // full, are given back.
  await t.guest.writeFile("/proc/sys/vm/drop_caches", "2");
  for (const { name } of grown) await t.guest.writeFile(`/sys/kernel/slab/${name}/shrink`, "1");
  return await grownSince(t, before, rounds);
}

async function grownSince(
  t: TestContext,
  before: ReadonlyMap<string, SlabCache>,
  rounds: number,
): Promise<readonly { readonly name: string; readonly more: number }[]> {
  return [...(await slabCaches(t))]
    .map(([name, { active, perSlab }]) => ({ name, perSlab, more: active - (before.get(name)?.active ?? 0) }))
    .filter(({ more, perSlab }) => more > Math.max(rounds / 2, ownSlabs * perSlab));
}

/** Runs something many times and fails if slab caches have grown by it afterwards. */
export async function expectNoSlabGrowth(
  t: TestContext,
  rounds: number,
  round: () => Promise<void>,
): Promise<void> {
  for (let i = 0; i < rounds / 4; i++) await round();
  const before = await slabCaches(t);
  for (let i = 0; i < rounds; i++) await round();
  const grown = await settled(
    () => grownCaches(t, before, rounds),
    (caches) => caches.length === 0,
  );
  t.expect(grown, "slab caches that grew").toEqual([]);
}
