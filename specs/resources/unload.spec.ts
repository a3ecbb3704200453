// SPDX-License-Identifier: MIT
// Promise: unloading frees everything. An object is loaded, run into a panic and unloaded many times; names in kallsyms, slab
// objects and vmalloc areas must be where they were. A kernel with kmemleak (--config kasan or kmemleak) is asked for leaks too.
import { rex, rexTest, type TestContext } from "rex-test";
import { kmemleakReport } from "./kmemleak.ts";
import { grownCaches, settled, slabCaches } from "./slabs.ts";

const warmUpRounds = 15;
const rounds = 60;

const busy = rex.kprobe({ function: "__x64_sys_dup", name: "busy" })`
  #[rex_map]
  static SEEN: RexHashMap<u32, u64> = RexHashMap::new(8, 0);

  fn busy(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    SEEN.insert(&1, &2)?;
    panic!("on purpose")
  }
`;

async function runRounds(t: TestContext, count: number): Promise<void> {
  for (let round = 0; round < count; round++) {
    await using program = await t.load(busy);
    await using _link = await program.attach();
    t.expect(await t.guest.syscall("dup", 999)).toExitGracefully({ message: "on purpose" });
  }
}

async function vmallocAreas(t: TestContext): Promise<number> {
  return (await t.guest.readFile("/proc/vmallocinfo")).trimEnd().split("\n").length;
}

async function rexSymbols(t: TestContext): Promise<string[]> {
  return (await t.guest.kallsyms({ contains: "busy::" })).map(({ name }) => name);
}

rexTest("loading and unloading leaves nothing behind", { timeoutMs: 120_000 }, async (t) => {
  await runRounds(t, warmUpRounds);
  t.expect(
    await settled(
      () => rexSymbols(t),
      (symbols) => symbols.length === 0,
    ),
  ).toEqual([]);
  const slabsBefore = await slabCaches(t);
  const areasBefore = await vmallocAreas(t);

  await runRounds(t, rounds);

  t.expect(
    await settled(
      () => rexSymbols(t),
      (symbols) => symbols.length === 0,
    ),
  ).toEqual([]);
  const areas = await settled(
    () => vmallocAreas(t),
    (count) => count <= areasBefore,
  );
  t.expect(areas, "vmalloc areas").toBeLessThan(areasBefore + 5);
  t.expect(
    await settled(
      () => grownCaches(t, slabsBefore, rounds),
      (caches) => caches.length === 0,
    ),
    "slab caches that grew",
  ).toEqual([]);
  if (t.kernel.config.has("DEBUG_KMEMLEAK")) t.expect(await kmemleakReport(t), "kmemleak").toBe("");
});

rexTest("the functions of an object are in kallsyms while it is loaded", async (t) => {
  const program = await t.load(busy);
  t.expect(await rexSymbols(t)).toContain("busy::busy");
  await program.unload();
  t.expect(
    await settled(
      () => rexSymbols(t),
      (symbols) => symbols.length === 0,
    ),
  ).toEqual([]);
});
