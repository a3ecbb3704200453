// SPDX-License-Identifier: MIT
// Promise: a hundred thousand panics in a row cost nothing that lasts: no memory, no time (the last ones take as long as the first),
// no record but those that newer ones take the place of.
import { rex, rexTest } from "rex-test";
import { grownCaches, settled, slabCaches } from "../resources/slabs.ts";

const panics = 100_000;
const tenths = 10;
/** Of the record: the last 64 are kept. */
const kept = 64;
/** The host has its own ideas of when a guest runs; a leak that slows things down does so by more, after 100,000. */
const slowdown = 3;

rexTest("100,000 panics in a row leave nothing behind", { cpus: 2, timeoutMs: 300_000 }, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "failing" })`
    fn failing(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      panic!("once more")
    }
  `);
  await using _link = await program.attach();
  const some = async (repeat: number) => {
    const run = await t.guest.syscall("dup", 999, { cpu: 0, repeat, timeoutMs: 120_000 });
    t.expect(run).toExitGracefully({ message: "once more", program: "failing" });
    t.expect(run).toReturn("EBADF");
    t.expect(run.count).toBe(repeat);
    return run.durationNs / repeat;
  };
  const areas = async () => (await t.guest.readFile("/proc/vmallocinfo")).trimEnd().split("\n").length;
  const count = async (name: string) => (await t.guest.inventory()).rexStats?.[name] ?? Number.NaN;

  await some(200);
  const [slabsBefore, areasBefore, exitsBefore] = [await slabCaches(t), await areas(), await count("exits")];
  const costNs: number[] = [];
  for (let tenth = 0; tenth < tenths; tenth++) costNs.push(await some(panics / tenths));

  t.expect(await count("exits")).toBe(exitsBefore + panics);
  t.expect(await count("lost_records")).toBe(0);
  t.expect(await count("unbalanced")).toBe(0);
  const records = await t.guest.exits();
  t.expect(records).toHaveLength(kept);
  t.expect(records.at(-1)).toMatchObject({ seq: exitsBefore + panics, count: exitsBefore + panics });
  // Stacks of threads, lazily freed, come and go among them; KASAN keeps them even longer.
  t.expect(await areas(), "vmalloc areas").toBeLessThan(areasBefore + panics / 1000);
  const grown = await settled(
    () => grownCaches(t, slabsBefore, 1000),
    (caches) => caches.length === 0,
  );
  t.expect(grown, "slab caches that grew").toEqual([]);
  // The host is busy at times, and a tenth takes longer; what lasts shows in the quickest, too.
  const quickest = (from: number) => Math.min(...costNs.slice(from, from + tenths / 2));
  t.expect(
    quickest(tenths / 2),
    `ns for a panic, tenth by tenth: ${costNs.map(Math.round).join(" ")}`,
  ).toBeLessThan(quickest(0) * slowdown);
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
