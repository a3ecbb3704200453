// SPDX-License-Identifier: MIT
// Promise: a program that is interrupted inside a helper, at the level of an NMI, goes on there, however the inner one ends: its helper
// gives the right value, and its own verdict comes out.
import { rex, rexTest, u32, u64 } from "rex-test";
import { setLimits } from "../termination/limits.ts";
import { endInRust, ending, endingsOf, ends, loadAltered } from "./ends.ts";

const limits = { timeoutMs: 100, tickMs: 10 };
const [aborted, reflect] = [0, 3];

const state = `
  #[rex_map]
  static STATE: RexArrayMap<u64> = RexArrayMap::new(4, 0);
  ${endInRust}
`;

const outer = rex.xdp({ name: "outer" })`${state}
  #[rex_map]
  static TABLE: RexHashMap<u32, u64> = RexHashMap::new(4, 0);

  fn outer(_: &xdp, _ctx: &mut xdp_md) -> Result {
    let does = STATE.get(&0).ok_or(-1)?;
    TABLE.insert(&7, &77)?;
    // Here the inner one runs.
    let found = TABLE.get(&7).ok_or(-1)?;
    STATE.insert(&2, &found)?;
    end(does);
    Ok(XDP_TX as i32)
  }
`;

const inner = rex.kprobe({ function: "htab_map_lookup_elem", name: "inner" })`${state}
  fn inner(_: &kprobe, _ctx: &mut PtRegs) -> Result {
    STATE.insert(&3, &1)?;
    end(STATE.get(&1).ok_or(-1)?);
    Ok(0)
  }
`;

rexTest("an outer program goes on inside its helper", { cpus: 2, timeoutMs: 60_000 }, async (t) => {
  await setLimits(t, limits);
  // Only a breakpoint is at the level of an NMI, and only where there is no call to ftrace.
  await t.guest.writeFile("/proc/sys/debug/kprobes-optimization", "0\n");
  const first = await loadAltered(t, "outer", outer);
  const second = await loadAltered(t, "inner", inner, { maps: { STATE: first.map("STATE") } });
  const probe = (offset: string) =>
    second.attach({ target: { kind: "kprobe", symbol: "htab_map_lookup_elem", offset } });
  await probe("5").catch(() => probe("9"));
  const values = first.map("STATE", { key: u32, value: u64 });

  for (const outerEnd of ends) {
    for (const innerEnd of ends) {
      await t.step(`${outerEnd}, ${innerEnd}`, async () => {
        await values.set(0, BigInt(ends.indexOf(outerEnd)));
        await values.set(1, BigInt(ends.indexOf(innerEnd)));
        for (const index of [2, 3]) await values.set(index, 0n);
        const run = await first.testRun({ data: Buffer.alloc(64) });
        t.expect(endingsOf(run.exits)).toEqual([
          ...ending("inner", "nmi", innerEnd),
          ...ending("outer", "task", outerEnd),
        ]);
        t.expect(run).toReturn(outerEnd === "return" ? reflect : aborted);
        t.expect(await values.get(2), "what the helper gave").toBe(77n);
        t.expect(await values.get(3), "the inner one ran").toBe(1n);
        t.guest.account(run.exits);
      });
    }
  }
  await t.expect(t.guest).toBeHealthy();
  await t.expect(t.guest).toHoldNoResources();
});
